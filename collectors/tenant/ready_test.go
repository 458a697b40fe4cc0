package tenant

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const readyPolicy = `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
tenants:
  registry: {file: tenants.yaml}
  host: "{tenant}.example.com"
  sources:
    - {name: here, file: here.log, format: nginx-json, app_service: web}
    - {name: absent, file: absent.log, format: nginx-json, app_service: web}
    - {name: huge, file: huge.log, format: nginx-json, app_service: web}
`

// The program becomes ready while one source is missing and another has much to read. Neither delays the series of
// other sources, and each reports its own state.
func TestReadinessWaitsForNoSource(t *testing.T) {
	k := newKilled(t, program(t))
	testkit.WriteFile(t, k.path("p.yaml"), readyPolicy)
	testkit.WriteFile(t, k.path("tenants.yaml"), "tenants: [{name: acme}, {name: slow}]")
	k.append("here.log", `{"host":"acme.example.com","status":200}`+"\n", k.random("first"))
	// whose last line has no end
	testkit.WriteFile(t, k.path("huge.log"),
		strings.Repeat(`{"host":"slow.example.com","status":200}`+"\n", 1_000_000)+"{")
	cmd := k.start(false)
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	page := func(path string) (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://exporter"+path, nil)
		resp, err := k.client.Do(req)
		if err != nil {
			return 0, ""
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	testkit.Eventually(t, func() bool { code, _ := page("/-/ready"); return code == http.StatusOK }, "readiness")
	k.written["acme"] = 1
	testkit.Eventually(t, func() bool { return k.scrape() && len(k.missing()) == 0 }, "the other source's request")
	testkit.Eventually(t, func() bool {
		_, text := page("/metrics")
		for _, want := range []string{
			`source_up{app_service="web",environment="test",source="here"} 1`,
			`source_up{app_service="web",environment="test",source="absent"} 0`,
			`source_up{app_service="web",environment="test",source="huge"} 1`,
			`lag_bytes{app_service="web",environment="test",source="huge"} 1` + "\n",
		} {
			if !strings.Contains(text, want) {
				return false
			}
		}
		return true
	}, "word of all three sources")
}
