package incident

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/keyring"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	maxWriteUp = 8 << 10 // bytes of what reports one
	maxLink    = 500
	// listedWriteUps bounds the write-ups that have series of their own: those that are missing, the oldest first, and
	// those that were written within writtenFor, the newest first.
	listedWriteUps = 100
	writtenFor     = 31 * 24 * time.Hour
)

// WriteUp is the write-up of an incident.
type WriteUp struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Link string    `json:"link"`
}

// wants reports whether an incident that is over must be written up: it ended after the policy first asked for it.
func wants(p *config.Policy, since time.Time, i *Incident) bool {
	w := p.WriteUps()
	return w != nil && !i.Drill && !since.IsZero() && slices.Contains(w.Priorities, i.Priority) && i.Resolved.After(since)
}

// declareWriteUps notes since when write-ups are asked for.
func (c *Collector) declareWriteUps(p *config.Policy, now time.Time) {
	switch {
	case p.WriteUps() == nil:
		c.tracker.WriteUpsSince = time.Time{}
	case c.tracker.WriteUpsSince.IsZero():
		c.tracker.WriteUpsSince = now
	}
}

// collectWriteUps exports what is missing and what was written of late.
func (c *Collector) collectWriteUps(e exposer, now time.Time) {
	if c.policy.WriteUps() == nil {
		return
	}
	missing, counts := 0, map[string]int{}
	for n := range c.past.list { // the oldest first; a copy of each would cost a scrape more than reading them
		i := &c.past.list[n]
		if i.WriteUp != nil || !wants(c.policy, c.tracker.WriteUpsSince, i) {
			continue
		}
		counts[i.Priority]++
		if missing++; missing <= listedWriteUps {
			due := i.Resolved.Add(c.policy.WriteUps().Within.Std())
			e.gauge(metric.IncidentWriteUpDue, unix(due), i.ID, i.Alert, i.AppService, i.Subject, i.Priority, i.Owner)
		}
	}
	for _, p := range c.policy.WriteUps().Priorities {
		e.gauge(metric.IncidentWriteUpsMissing, float64(counts[p]), p)
	}
	written := 0
	for n := len(c.past.list) - 1; n >= 0 && written < listedWriteUps; n-- {
		if i := &c.past.list[n]; i.WriteUp != nil && now.Sub(i.WriteUp.At) < writtenFor {
			written++
			e.gauge(metric.IncidentWriteUpWritten, unix(i.WriteUp.At), i.ID)
		}
	}
}

// errNotOver means that an incident cannot be written up yet, or that there is none of the ID.
var errNotOver = errors.New("no incident of this ID is over: /api/v1/incidents lists them")

// written notes the write-up of an incident. A later one takes the place of an earlier.
func (c *Collector) written(id string, w WriteUp) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past.add(w.At, c.tracker.over)
	c.tracker.over = nil
	list := slices.Clone(c.past.list) // a save may be reading the old one
	at := slices.IndexFunc(list, func(i Incident) bool { return i.ID == id })
	if at < 0 {
		return errNotOver
	}
	list[at].WriteUp = &w
	c.past.list, c.past.dirty = list, true
	return nil
}

// WriteUps serves the address at which the write-up of an incident is reported: POST {"link": "https://..."} with the
// key of a person as bearer token. It is acknowledged when it is on the disk.
func (c *Collector) WriteUps() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c.mu.Lock()
		p := c.policy
		c.mu.Unlock()
		if p == nil || !c.people.Known() {
			w.Header().Set("Retry-After", "5")
			http.Error(w, "the people are not known yet; send it again", http.StatusServiceUnavailable)
			return
		}
		by := c.people.Owner(keyring.Bearer(req))
		if by == "" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the key of a person is missing or wrong", http.StatusUnauthorized)
			return
		}
		ctx, cancel := context.WithTimeout(req.Context(), postTimeout)
		defer cancel()
		link, err := linkOf(w, req)
		if err == nil {
			err = c.written(req.PathValue("id"), WriteUp{At: time.Now(), By: by, Link: link})
		}
		switch {
		case errors.Is(err, errNotOver):
			http.Error(w, err.Error(), http.StatusNotFound)
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
		case c.saver.wait(ctx) != nil:
			w.Header().Set("Retry-After", "5")
			http.Error(w, "it cannot be saved now; send it again", http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
}

// linkOf reads where a write-up is.
func linkOf(w http.ResponseWriter, req *http.Request) (string, error) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(postTimeout))
	text, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxWriteUp))
	if err != nil {
		return "", errors.New("the body is too large or cannot be read")
	}
	var body struct {
		Link string `json:"link"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return "", errors.New(`invalid body: write {"link": "https://wiki.example.com/write-up"}`)
	}
	u, err := url.Parse(body.Link)
	if err != nil || len(body.Link) > maxLink || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" ||
		u.User != nil {
		return "", errors.New("invalid link: write the address of the write-up, like https://wiki.example.com/write-up")
	}
	return body.Link, nil
}
