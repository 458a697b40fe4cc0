package tenant

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The API lists the tenants of the registry, and when each was in it.
func TestTenantsOfTheRegistry(t *testing.T) {
	registry := filepath.Join(t.TempDir(), "tenants.yaml")
	testkit.WriteFile(t, registry, "tenants: [{name: acme, tier: free}, {name: zoo}]")
	policy := strings.Replace(receivingPolicy, "tenants:\n", "tenants:\n  registry: {file: "+registry+"}\n", 1)
	o := newTestCollector(t, policy, filepath.Join(t.TempDir(), "state"))
	ask := func(path, query string) (string, error) {
		mux := http.NewServeMux()
		var data any
		var err error
		for _, e := range o.c.Endpoints() {
			mux.HandleFunc("GET /"+e.Path, func(_ http.ResponseWriter, r *http.Request) { data, err = e.Answer(r) })
		}
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/"+path+"?"+query, nil))
		text, _ := json.Marshal(data)
		return string(text), err
	}
	if text, err := ask("tenants", ""); err != nil || !strings.Contains(text, `"acme"`) || strings.Contains(text, "next") {
		t.Errorf("%v %s", err, text)
	}
	if text, err := ask("tenants", "after=zzz"); err != nil || !strings.Contains(text, `"tenants":[]`) {
		t.Errorf("behind the last one: %v %s", err, text)
	}
	if text, err := ask("tenants", "after=acme"); err != nil || strings.Contains(text, `"acme"`) {
		t.Errorf("behind the first one: %v %s", err, text)
	}
	for _, query := range []string{"limit=3", "from=yesterday", "after=a&after=b", "from=2026-02-02&to=2026-02-01"} {
		if _, err := ask("tenants", query); err == nil || !strings.Contains(err.Error(), " ") {
			t.Errorf("%s: %v", query, err)
		} else if _, ok := errors.AsType[*collectors.RequestError](err); !ok {
			t.Errorf("%s: %v is a defect", query, err)
		}
	}
	testkit.Eventually(t, func() bool {
		text, err := ask("tenants/acme", "")
		return err == nil && strings.Contains(text, `"memberships":[{"tier":"free","from":null,"to":null}]`)
	}, "the record of acme")
}
