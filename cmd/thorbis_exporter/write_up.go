package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/internal/post"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// writeUpTimeout bounds the report of a write-up to one exporter.
const writeUpTimeout = 20 * time.Second

// writeUp reports the write-up of an incident.
type writeUp struct {
	command  string
	urls     []string
	keyFile  string
	id, link string
}

func newWriteUp(app *kingpin.Application) *writeUp {
	w := &writeUp{}
	c := app.Command("write-up", "Report where the write-up of an incident is; exit 1 if no exporter takes the report.")
	w.command = c.FullCommand()
	c.Flag("receive.url", "The receiving listener of an exporter, such as https://thorbis.example.com:10089; repeatable.").
		Envar("THORBIS_RECEIVE_URL").Required().StringsVar(&w.urls)
	c.Flag("key-file", "File that holds your own key.").Envar("THORBIS_KEY_FILE").Required().StringVar(&w.keyFile)
	c.Arg("incident", "ID of the incident, as /api/v1/incidents has it.").Required().StringVar(&w.id)
	c.Arg("link", "Where the write-up is.").Required().StringVar(&w.link)
	return w
}

// run reports to all exporters. One that takes it is enough; those that do not are said.
func (w *writeUp) run(ctx context.Context, stderr io.Writer) error {
	key, err := secret.Ref{File: w.keyFile}.Line(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"link": w.link})
	if err != nil {
		return err
	}
	var errs []error
	for _, base := range w.urls {
		if err := w.report(ctx, base, key, body); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", secret.Mask(base), secret.Error(err)))
		}
	}
	if len(errs) == len(w.urls) {
		return errors.Join(errs...)
	}
	for _, err := range errs {
		_, _ = fmt.Fprintf(stderr, "thorbis_exporter: %v\n", err)
	}
	return nil
}

func (w *writeUp) report(ctx context.Context, base, key string, body []byte) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("invalid address: write it like --receive.url=https://thorbis.example.com:10089")
	}
	ctx, cancel := context.WithTimeout(ctx, writeUpTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		u.JoinPath("api", "v1", "incidents", url.PathEscape(w.id), "write-up").String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "thorbis_exporter")
	resp, err := post.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
}
