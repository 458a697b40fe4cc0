package exporter

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/delivery"
	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/collectors/incident"
	"github.com/thorbis/thorbis_exporter/collectors/procedure"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// pollDeployments polls a source of deployments.
func pollDeployments(source string) rotation {
	return rotation{
		policy: `delivery: {services: [{app_service: web, sources: [{` + source + `, url: "WEB"}}]}]}`,
		ask: func(t *testing.T, _ *used, p *config.Policy) func() {
			return background(t, p, delivery.New(delivery.Options{Logger: quiet(), Interval: 50 * time.Millisecond}))
		},
	}
}

// postDeployments posts deployments with each secret, and sees the secret whose post is taken.
func postDeployments(kind, source string) rotation {
	return rotation{
		policy: `delivery: {services: [{app_service: web, sources: [{` + source + `}}]}]}`, text: "long-enough-%s",
		ask: func(t *testing.T, u *used, p *config.Policy) func() {
			c := delivery.New(delivery.Options{Logger: quiet(), Interval: 50 * time.Millisecond})
			background(t, p, c)
			return func() {
				for _, secret := range []string{"first-secret", "other-secret"} {
					const body = `{"id":"1"}`
					r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/receive/delivery/"+kind,
						strings.NewReader(body))
					r.Header.Set("Authorization", "Bearer long-enough-"+secret)
					r.Header.Set("X-Hub-Signature-256", "sha256="+signature(sha256.New, "long-enough-"+secret, body))
					r.Header.Set("X-Vercel-Signature", signature(sha1.New, "long-enough-"+secret, body))
					w := httptest.NewRecorder()
					c.Deliveries().ServeHTTP(w, r)
					if w.Code == http.StatusNoContent {
						u.see(secret)
					}
				}
			}
		},
	}
}

func signature(h func() hash.Hash, secret, body string) string {
	mac := hmac.New(h, []byte(secret))
	_, _ = mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// pingID is a UUID that is made of a secret.
const pingID = "5e3c1f9a-0000-4000-8000-%.6x"

// pingWith reports a procedure by the addresses of each secret, and sees the secret whose report is taken.
func pingWith(t *testing.T, u *used, p *config.Policy, address func(secret string) string) func() {
	c := procedure.New(procedure.Options{Logger: quiet(), Interval: 50 * time.Millisecond})
	background(t, p, c)
	return func() {
		for _, secret := range []string{"first-secret", "other-secret"} {
			w := httptest.NewRecorder()
			c.Pings().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ping/"+address(secret), nil))
			if w.Code == http.StatusOK {
				u.see(secret)
			}
		}
	}
}

// logProbes writes requests with each secret into a log, and sees the secret whose request is taken for a health check.
func logProbes(t *testing.T, u *used, p *config.Policy) func() {
	log := filepath.Join(u.dir, "access.json")
	testkit.WriteFile(t, log, "")
	c := tenant.New(tenant.Options{Logger: quiet()})
	background(t, p, c)
	probes := func() (n uint64) {
		for _, s := range c.Store().Services() {
			for _, of := range s.Probes {
				n += of
			}
		}
		return n
	}
	return func() {
		for _, secret := range []string{"first-secret", "other-secret"} {
			lines, before := c.Lines(), probes()
			f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(f, `{"n":%d,"host":"a.example.com","status":200,"http_x_thorbis_probe":%q}`+"\n", lines, secret)
			f.Close()
			testkit.Eventually(t, func() bool { return c.Lines() > lines }, "the line is counted")
			if probes() > before {
				u.see(secret)
			}
		}
	}
}

// postEvents posts an event of an Alertmanager with each secret, and sees the secret whose post is taken.
func postEvents(t *testing.T, u *used, p *config.Policy) func() {
	c := incident.New(incident.Options{Logger: quiet(), Interval: 50 * time.Millisecond})
	background(t, p, c)
	return func() {
		for _, secret := range []string{"first-secret", "other-secret"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/receive/alertmanager",
				strings.NewReader(`{"@timestamp":"2026-11-30T12:00:00Z","data":{"alertmanagerShutdownEvent":{}}}`))
			r.Header.Set("Authorization", "Bearer long-enough-"+secret)
			w := httptest.NewRecorder()
			c.Events().ServeHTTP(w, r)
			if w.Code == http.StatusNoContent {
				u.see(secret)
			}
		}
	}
}

func probeHome(t *testing.T, _ *used, p *config.Policy) func() {
	c := health.New(health.Options{Logger: quiet()})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	return func() { _, _ = c.Probe(t.Context(), health.ProbeRequest{Check: "home"}) }
}

func openIncidents(t *testing.T, _ *used, p *config.Policy) func() {
	return background(t, p, incident.New(incident.Options{Logger: quiet(), Interval: 50 * time.Millisecond}))
}

// background runs a collector until the test ends.
func background(t *testing.T, p *config.Policy, c collectors.Collector) func() {
	t.Helper()
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		_ = collectors.Run(ctx, c, quiet(), func(error, time.Duration) {})
		close(done)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return func() {}
}

func read(u *used) string {
	text, _ := os.ReadFile(filepath.Join(u.dir, "calls"))
	return string(text)
}
