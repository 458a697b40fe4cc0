package exporter

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// prefixes are the paths below which the pages are, each "" for the root or like /thorbis: route is where this server
// serves them, links is where a browser finds them, in front of a reverse proxy if there is one.
type prefixes struct{ route, links string }

// newPrefixes reads --web.external-url and --web.route-prefix as Prometheus defines them: without a route prefix the
// path of the external URL is also where the pages are served. Without an external URL, links lead to where they are
// served.
func newPrefixes(externalURL, routePrefix string) (prefixes, error) {
	var p prefixes
	if externalURL != "" {
		u, err := url.Parse(externalURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" ||
			u.User != nil {
			return p, fmt.Errorf("invalid --web.external-url: write it like https://example.com/thorbis")
		}
		p.links = cleanPrefix(u.Path)
		p.route = p.links
	}
	if routePrefix != "" {
		if strings.ContainsAny(routePrefix, "?#{}%") {
			return p, fmt.Errorf("invalid --web.route-prefix %q: write a path like /thorbis", routePrefix)
		}
		p.route = cleanPrefix(routePrefix)
	}
	if externalURL == "" {
		p.links = p.route
	}
	return p, nil
}

func cleanPrefix(p string) string { return strings.TrimSuffix(path.Clean("/"+p), "/") }

// serve has the pages below the route prefix, and the root lead to them.
func (p prefixes) serve(pages http.Handler) http.Handler {
	if p.route == "" {
		return pages
	}
	mux := http.NewServeMux()
	mux.Handle(p.route+"/", http.StripPrefix(p.route, pages))
	start := http.RedirectHandler(p.links+"/", http.StatusFound)
	mux.Handle("GET /{$}", start)
	mux.Handle("GET "+p.route, start)
	return mux
}

// landing serves the landing page, which knows only the path of its links.
func (p prefixes) landing(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL.Path = p.links + "/"
		page.ServeHTTP(w, r)
	})
}
