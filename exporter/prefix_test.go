package exporter

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPrefixes(t *testing.T) {
	for _, tc := range []struct{ external, route, wantRoute, wantLinks string }{
		{"", "", "", ""},
		{"https://example.com", "", "", ""},
		{"https://example.com/", "", "", ""},
		{"https://example.com/thorbis/", "", "/thorbis", "/thorbis"},
		{"https://example.com/a/b", "/", "", "/a/b"},
		{"https://example.com/a", "x/y/", "/x/y", "/a"},
		{"", "/thorbis", "/thorbis", "/thorbis"},
		{"", "//thorbis//", "/thorbis", "/thorbis"},
	} {
		p, err := newPrefixes(tc.external, tc.route)
		if err != nil || p.route != tc.wantRoute || p.links != tc.wantLinks {
			t.Errorf("--web.external-url=%s --web.route-prefix=%s: %+v, %v", tc.external, tc.route, p, err)
		}
	}
	for _, external := range []string{
		"example.com/thorbis", "ftp://example.com", "https:///thorbis", "https://example.com/?a", `"https://example.com"`,
		"https://user:password@example.com",
	} {
		if _, err := newPrefixes(external, ""); err == nil || strings.Contains(err.Error(), "password") {
			t.Errorf("--web.external-url=%s: %v", external, err)
		}
	}
	if _, err := newPrefixes("", "/a?b"); err == nil {
		t.Error("--web.route-prefix=/a?b is accepted")
	}
}

// TestPagesBelowAPrefix: every page is served below the prefix and nowhere else, and links lead to where a browser
// finds them.
func TestPagesBelowAPrefix(t *testing.T) {
	for _, tc := range []struct{ external, route, links string }{
		{"", "", ""},
		{"https://example.com/thorbis/", "", "/thorbis"},
		{"https://example.com/thorbis/", "/", "/thorbis"}, // the proxy strips the prefix
		{"", "/inside", "/inside"},
	} {
		_, base := start(t, Options{
			Load: newPolicyFile(t, site(t)).load, ExternalURL: tc.external, RoutePrefix: tc.route, EnableLifecycle: true,
		})
		p, err := newPrefixes(tc.external, tc.route)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range []string{"/", "/metrics", "/-/healthy", "/-/ready", "/status", "/probe"} {
			if code := get(t, base+p.route+page).code; code == http.StatusNotFound {
				t.Errorf("%+v: %s is not served below %q", tc, page, p.route)
			}
			if p.route == "" || page == "/" {
				continue
			}
			if code := get(t, base+page).code; code != http.StatusNotFound {
				t.Errorf("%+v: %s is served outside the prefix: %d", tc, page, code)
			}
		}
		if body := get(t, base+p.route+"/").body; !strings.Contains(body, `href="`+tc.links+`/metrics"`) ||
			!strings.Contains(body, `action="`+tc.links+`/probe"`) {
			t.Errorf("%+v: links of the landing page:\n%s", tc, body)
		}
		if code := get(t, base+p.route+"/nothing").code; code != http.StatusNotFound {
			t.Errorf("%+v: %d for a page that does not exist", tc, code)
		}
		if a := ask(t, http.MethodPost, base+p.route+"/-/reload"); a.code != http.StatusOK {
			t.Errorf("%+v: reload: %+v", tc, a)
		}
	}
}

// TestRootLeadsToThePrefix: who asks for the root, or for the prefix without its slash, is sent to where a browser
// finds the pages.
func TestRootLeadsToThePrefix(t *testing.T) {
	p := prefixes{route: "/inside", links: "/outside"}
	for _, path := range []string{"/", "/inside"} {
		w := httptest.NewRecorder()
		p.serve(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusFound || w.Header().Get("Location") != "/outside/" {
			t.Errorf("%s: %d, %s", path, w.Code, w.Header().Get("Location"))
		}
	}
}
