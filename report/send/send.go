// Package send sends reports through the channels of the policy.
package send

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

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/post"
	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/report"
)

// sendTime bounds one attempt to send.
const sendTime = 30 * time.Second

// errPager is why a report is not sent to whom a channel wakes.
var errPager = errors.New("it notifies people of incidents: send reports to a slack, msteams, email or webhook channel")

// Message is a report as it is sent.
type Message struct {
	// Name is that of the file of an attachment, without its end.
	Name     string
	Document *report.Document
	Model    any
}

// Send sends a report through a channel of the policy.
func Send(ctx context.Context, p *config.Policy, channel string, m Message) error {
	c, ok := p.Channels[channel]
	if !ok {
		var known []string
		for name := range p.Channels {
			known = append(known, name)
		}
		return fmt.Errorf("unknown channel %q: %s", channel, config.Suggest(channel, known))
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	var err error
	switch {
	case c.Slack != nil:
		err = deliver(ctx, "", c.Slack.URLFile, map[string]any{"channel": c.Slack.Channel, "text": m.slack()})
	case c.MSTeams != nil:
		err = deliver(ctx, "", c.MSTeams.URLFile, m.card())
	case c.Webhook != nil:
		err = deliver(ctx, c.Webhook.URL, c.Webhook.URLFile, map[string]any{
			"title": m.Document.Title, "subtitle": m.Document.Subtitle, "conclusion": m.Document.Verdict, "report": m.Model,
		})
	case c.Email != nil:
		err = mail(ctx, c.Email, m)
	default:
		err = errPager
	}
	if err != nil {
		return fmt.Errorf("channel %s: %w", channel, err)
	}
	return nil
}

// deliver posts JSON to an address, or to the one in a file. The address may hold a secret and is in no error.
func deliver(ctx context.Context, address, file string, body any) error {
	if file != "" {
		var err error
		if address, err = (secret.Ref{File: file}).Line(ctx); err != nil {
			return err
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return errors.New("invalid address: write it like https://hooks.example.com/reports")
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := post.Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return fmt.Errorf("it does not answer: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", answer.Status)
	}
	return nil
}

// lines are the head of a report: its conclusion and figures.
func (m *Message) lines() []string {
	lines := []string{m.Document.Subtitle, m.Document.Verdict}
	for _, f := range m.Document.Figures {
		lines = append(lines, report.Line(m.Document, f))
	}
	return lines
}

// slackEscapes are the characters that mean something in Slack's own markup.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "\u2217", "`", "'")

func (m *Message) slack() string {
	lines := []string{"*" + slackEscapes.Replace(m.Document.Title) + "*"}
	for _, l := range m.lines() {
		lines = append(lines, slackEscapes.Replace(l))
	}
	return strings.Join(lines, "\n")
}

// card is an Adaptive Card for a workflow of Microsoft Teams.
func (m *Message) card() any {
	type block = map[string]any
	body := []block{{"type": "TextBlock", "text": m.Document.Title, "weight": "Bolder", "size": "Medium", "wrap": true}}
	for _, l := range m.lines() {
		body = append(body, block{"type": "TextBlock", "text": l, "wrap": true, "spacing": "Small"})
	}
	return block{"type": "message", "attachments": []block{{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"content": block{
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
			"body": body,
		},
	}}}
}
