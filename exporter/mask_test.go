package exporter

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// A target that sends a check's secret back, in a redirect and in its body, has it shown by no page.
func TestEchoedSecretsAreOnNoPage(t *testing.T) {
	const token = "token-that-is-echoed"
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/login?from="+url.QueryEscape(r.Header.Get("Authorization"))+"&t="+token)
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(target.Close)
	dir := t.TempDir()
	file := policyFile(filepath.Join(dir, "thorbis.yaml"))
	for name, text := range map[string]string{"token": "Bearer " + token, "thorbis.yaml": fmt.Sprintf(`version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
health:
  checks: [{name: home, app_service: web, target: %q, secret_headers: {Authorization: {file: token}}}]
`, target.URL)} {
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	load := func(ctx context.Context) (*config.Policy, error) {
		p, err := file.load(ctx)
		if err == nil {
			p.LearnSecrets(ctx)
		}
		return p, err
	}
	_, base := start(t, Options{Load: load})
	debug := get(t, base+"/probe?debug=true&target="+url.QueryEscape(target.URL))
	if !strings.Contains(debug.body, "<secret>") {
		t.Errorf("nothing was echoed, so nothing is tested:\n%s", debug.body)
	}
	pages := []answer{
		debug, get(t, base+"/status"), get(t, base+"/probe?target="+url.QueryEscape(target.URL)),
		get(t, base+"/probe?target="+token), get(t, base+"/"+token), get(t, base+"/api/v1/status"),
		get(t, base+"/api/v1/checks"), get(t, base+"/api/v1/checks/home"), get(t, base+"/api/v1/checks/"+token),
	}
	for _, page := range pages {
		if strings.Contains(page.body, token) || strings.Contains(fmt.Sprint(page.header), token) {
			t.Errorf("%d %v\n%s", page.code, page.header, page.body)
		}
	}
}
