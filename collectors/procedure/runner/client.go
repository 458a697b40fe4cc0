// Package runner runs the command of a procedure and reports its result by the pinging API of healthchecks.io. What
// cannot be delivered is kept as a file and delivered later, with its own times.
package runner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/post"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// Bounds of a report.
const (
	attemptTimeout = 10 * time.Second
	attempts       = 3
	maxAnswer      = 4 << 10
)

// Client reports runs.
type Client struct {
	// URL is the address below which pings are received, such as https://thorbis.example.com:10089/ping.
	URL string
	// Key is a ping key; ID, instead of it, the UUID of one procedure.
	Key, ID string
	// Pause is the time between two attempts; 0 is 2 s.
	Pause time.Duration
}

// Check returns why nothing can be reported.
func (c *Client) Check() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("invalid address of pings: write it like --ping.url=https://thorbis.example.com:10089/ping")
	case (c.Key == "") == (c.ID == ""):
		return errors.New("missing key: write either --ping.key-file or --ping.id-file")
	}
	return nil
}

// ping is one report.
type ping struct {
	name, action string // start, log, or an exit status
	rid, by      string
	began, ended time.Time // of the end of a run
	body         string
}

// refusedError is an answer that another attempt does not change.
type refusedError struct {
	code int
	text string
}

func (e *refusedError) Error() string {
	text := fmt.Sprintf("%d %s", e.code, e.text)
	if e.code == http.StatusNotFound {
		text += ": check the key and the name of the procedure"
	}
	return text
}

// send sends a ping, several times if need be.
func (c *Client) send(ctx context.Context, p ping) error {
	pause := c.Pause
	if pause == 0 {
		pause = 2 * time.Second
	}
	var err error
	for i := range attempts {
		if i > 0 {
			select {
			case <-time.After(pause << (i - 1)):
			case <-ctx.Done():
				return err
			}
		}
		err = c.try(ctx, p)
		var refused *refusedError
		if err == nil || errors.As(err, &refused) {
			return err
		}
	}
	return err
}

func (c *Client) try(ctx context.Context, p ping) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address(p), strings.NewReader(p.body))
	if err != nil {
		return secret.Error(err)
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	req.Header.Set("User-Agent", "thorbis_exporter")
	resp, err := post.Do(req)
	if err != nil {
		return secret.Error(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	answer := strings.TrimSpace(string(text))
	if answer == "" {
		answer = http.StatusText(resp.StatusCode)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("%d %s", resp.StatusCode, answer)
	}
	return &refusedError{resp.StatusCode, answer}
}

func (c *Client) address(p ping) string {
	parts := []string{strings.TrimSuffix(c.URL, "/"), c.ID}
	if c.ID == "" {
		parts = []string{parts[0], url.PathEscape(c.Key), url.PathEscape(p.name)}
	}
	query := url.Values{"rid": {p.rid}}
	if p.by != "" {
		query.Set("by", p.by)
	}
	if !p.ended.IsZero() {
		query.Set("began", p.began.UTC().Format(time.RFC3339Nano))
		query.Set("ended", p.ended.UTC().Format(time.RFC3339Nano))
	}
	return strings.Join(append(parts, p.action), "/") + "?" + query.Encode()
}

// Done reports that a procedure is done now; by, if it is not empty, names the person whose key it is reported with.
func (c *Client) Done(ctx context.Context, name, by, message string) error {
	if err := c.Check(); err != nil {
		return err
	}
	if err := c.send(ctx, ping{name: name, action: "0", rid: newID(), by: by, body: message}); err != nil {
		return fmt.Errorf("procedure %s is not reported: %w", name, err)
	}
	return nil
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func statusOf(n int) string { return strconv.Itoa(min(max(n, 0), 255)) }
