package incident

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/incident/event"
	"github.com/thorbis/thorbis_exporter/internal/keyring"
	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of what event recorders post. An Alertmanager posts one event at once, or up to 1 MiB of them; only who has a
// secret is read.
const (
	maxBody  = 16 << 20
	maxPosts = 8
	// postTimeout is how long a post waits for its place and for the disk. An Alertmanager waits ten seconds.
	postTimeout = 8 * time.Second
)

// rejections are why events were not taken, in the order of metric.EventRejections.
type rejection int

const (
	unauthorized rejection = iota
	tooLarge
	unreadable
	unavailable
)

var rejections = [...]string{
	unauthorized: metric.EventUnauthorized, tooLarge: metric.EventTooLarge, unreadable: metric.EventUnreadable,
	unavailable: metric.EventUnavailable,
}

// readKeys reads the secrets of the policy's event recorders and the keys of its people.
func (c *Collector) readKeys(ctx context.Context) error {
	c.mu.Lock()
	p := c.policy
	c.mu.Unlock()
	var secrets []keyring.Key
	for i, a := range p.Alertmanagers {
		if a.Events != nil && a.Events.Secret != nil { // those of a cluster may share one
			secrets = append(secrets, keyring.Key{
				Name: fmt.Sprintf("alertmanagers[%d].events.secret", i), Owner: "alertmanager", Ref: *a.Events.Secret,
			})
		}
	}
	err := errors.Join(c.people.Read(ctx, keyring.People(p)), c.recorders.Read(ctx, secrets))
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	return nil
}

// Events serves the address to which the policy's Alertmanagers post the events of their recorder. An event is
// acknowledged when what it changed is on the disk.
func (c *Collector) Events() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c.mu.Lock()
		p := c.policy
		c.mu.Unlock()
		switch {
		case p == nil:
			c.refuse(w, unavailable, http.StatusServiceUnavailable, "no policy is in force yet; send it again")
			return
		case !p.ReceivesEvents():
			http.NotFound(w, req)
			return
		case req.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "send POST", http.StatusMethodNotAllowed)
			return
		case !c.recorders.Known():
			c.refuse(w, unavailable, http.StatusServiceUnavailable, "the secrets are not read yet; send it again")
			return
		case c.recorders.Owner(keyring.Bearer(req)) == "":
			w.Header().Set("WWW-Authenticate", "Bearer")
			c.refuse(w, unauthorized, http.StatusUnauthorized, "the secret is missing or wrong")
			return
		}
		ctx, cancel := context.WithTimeout(req.Context(), postTimeout)
		defer cancel()
		c.take(ctx, w, req)
	})
}

// take reads a post of an Alertmanager and applies it.
func (c *Collector) take(ctx context.Context, w http.ResponseWriter, req *http.Request) {
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		c.refuse(w, unavailable, http.StatusServiceUnavailable, "too many posts at once; send it again")
		return
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = http.NewResponseController(w).SetReadDeadline(deadline)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		c.refuse(w, tooLarge, http.StatusRequestEntityTooLarge,
			fmt.Sprintf("more than %d bytes: set batch_max_bytes of the webhook output lower", maxBody))
		return
	case err != nil:
		c.refuse(w, unreadable, http.StatusBadRequest, "the body cannot be read")
		return
	}
	all, err := event.Parse(body)
	if err != nil {
		c.refuse(w, unreadable, http.StatusBadRequest, "no events of an Alertmanager: "+secret.Mask(err.Error()))
		return
	}
	c.mu.Lock()
	c.apply(all)
	c.mu.Unlock()
	if err := c.saver.wait(ctx); err != nil {
		c.refuse(w, unavailable, http.StatusServiceUnavailable, "it cannot be saved now; send it again")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// apply applies events to what is open. The caller holds the lock.
func (c *Collector) apply(all []event.Event) {
	x := events{tracker: c.tracker, now: time.Now(), known: c.known, policy: c.policy, past: &c.past, muted: c.muted}
	x.apply(all)
}

func (c *Collector) refuse(w http.ResponseWriter, why rejection, status int, text string) {
	c.reject(why)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, text, status)
}

func (c *Collector) reject(why rejection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rejects[why]++
}
