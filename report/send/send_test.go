package send

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/report"
)

var message = Message{
	Name: "sla-2026-10", Model: map[string]int{"down_seconds": 7500},
	Document: &report.Document{
		Title: "Service level report: <acme>", Subtitle: "October 2026", Verdict: "The contract was kept.",
		Figures: []report.Figure{
			{Key: "availability", Title: "Availability", Value: report.Ratio{Part: 99950, Whole: 100000}},
		},
	},
}

func policy(t *testing.T, site, smarthost string) *config.Policy {
	t.Helper()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "url"), site+"/hook-of-the-test\n")
	return policytest.Load(t, dir, `version: 1
channels:
  deadman: none
  chat: {slack: {channel: "#ops", url_file: `+dir+`/url}}
  teams: {msteams: {url_file: `+dir+`/url}}
  hook: {webhook: {url: "`+site+`/plain"}}
  gone: {slack: {channel: "#ops", url_file: `+dir+`/absent}}
  mail: {email: {to: ops@example.com, from: reports@example.com, smarthost: "`+smarthost+`"}}
  pager: {pagerduty: {routing_key_file: `+dir+`/url}}
`)
}

// Each kind of channel gets the head of the report in its own form; a webhook gets all of it.
func TestSend(t *testing.T) {
	bodies := map[string]string{}
	status := http.StatusOK
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		bodies[r.URL.Path] = string(text)
		w.WriteHeader(status)
	}))
	defer site.Close()
	p := policy(t, site.URL, "127.0.0.1:1")
	for channel, want := range map[string][]string{
		"chat":  {`"channel":"#ops"`, `\u0026lt;acme\u0026gt;`, "Availability: 99.950 %"},
		"teams": {"AdaptiveCard", "The contract was kept.", "Availability: 99.950 %"},
		"hook":  {`"down_seconds":7500`, `"conclusion":"The contract was kept."`},
	} {
		clear(bodies)
		if err := Send(t.Context(), p, channel, message); err != nil {
			t.Errorf("%s: %v", channel, err)
		}
		if len(bodies) != 1 {
			t.Errorf("%s: %q", channel, bodies)
		}
		for _, body := range bodies {
			for _, text := range want {
				if !strings.Contains(body, text) || !json.Valid([]byte(body)) {
					t.Errorf("%s lacks %q: %s", channel, text, body)
				}
			}
		}
	}
	status = http.StatusForbidden
	for channel, want := range map[string]string{
		"chat": "channel chat: it answered 403", "pager": "it notifies people of incidents", "deadman": "it notifies people",
		"caht": "did you mean chat?", "gone": "channel gone: ", "mail": "channel mail: ",
	} {
		err := Send(t.Context(), p, channel, message)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hook-of-the-test") {
			t.Errorf("%s: %v, want %q", channel, err, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Send(ended, p, "hook", message); err == nil {
		t.Error("sent after the end")
	}
}

// A mail has the head as text and the page as an attachment.
func TestMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	received := make(chan string, 1)
	go func() {
		connection, err := l.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		fmt.Fprint(connection, "220 test\r\n")
		var data strings.Builder
		in := false
		for lines := bufio.NewScanner(connection); lines.Scan(); {
			line := lines.Text()
			switch {
			case in && line == ".":
				in = false
				fmt.Fprint(connection, "250 ok\r\n")
			case in:
				data.WriteString(line + "\n")
			case line == "DATA":
				in = true
				fmt.Fprint(connection, "354 go on\r\n")
			case line == "QUIT":
				fmt.Fprint(connection, "221 bye\r\n")
				received <- data.String()
				return
			default:
				fmt.Fprint(connection, "250 ok\r\n")
			}
		}
	}()
	if err := Send(t.Context(), policy(t, "http://127.0.0.1:1", l.Addr().String()), "mail", message); err != nil {
		t.Fatal(err)
	}
	text := <-received
	head := base64.StdEncoding.EncodeToString([]byte("October 2026\nThe contract was kept."))
	for _, want := range []string{
		"From: reports@example.com", "To: ops@example.com", "Subject: Service level report: <acme>",
		"filename=sla-2026-10.html", head[:40],
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
