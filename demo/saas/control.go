package saas

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Control returns the handler that breaks and mends: POST /outage?mode=&tenant=, POST /recover, GET /. Below /vendor/
// it has the status page of the platform's vendor, and below /github the deployments of the platform, which no
// outage of it takes away.
func (p *Platform) Control() http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, p.describe())
	}
	mux.HandleFunc("POST /outage", func(w http.ResponseWriter, r *http.Request) {
		mode, tenant := Mode(r.URL.Query().Get("mode")), r.URL.Query().Get("tenant")
		switch {
		case mode == "" && tenant == "":
			mode = Refuse
		case mode == "":
			mode = Error
		}
		if tenant == "" {
			answer(w, p.Break(mode))
			return
		}
		answer(w, p.BreakTenant(tenant, mode))
	})
	mux.HandleFunc("POST /recover", func(w http.ResponseWriter, _ *http.Request) { answer(w, p.Recover()) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /vendor/api/v2/summary.json", p.serveVendor)
	p.deliver(mux)
	return mux
}

// describe returns the state of the platform and of the tenants that are broken alone.
func (p *Platform) describe() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	parts := []string{fmt.Sprintf("the platform is now in mode %s", p.mode)}
	for _, tenant := range slices.Sorted(maps.Keys(p.broken)) {
		parts = append(parts, fmt.Sprintf("tenant %s in mode %s", tenant, p.broken[tenant]))
	}
	return strings.Join(parts, ", ")
}
