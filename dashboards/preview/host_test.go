package preview

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	h := page(t, newUpstream(t, success))
	for host, want := range map[string]int{
		"localhost": 200, "localhost:10090": 200, "LOCALHOST:1": 200, "127.0.0.1:10090": 200, "[::1]:10090": 200, "::1": 200,
		"192.0.2.7:10090": 200, "wall.example.com:10090": 200, "Wall.Example.com.": 200,
		"evil.example.com": 421, "evil.example.com:10090": 421, "localhost.evil.example.com": 421,
		"127.0.0.1.evil.example.com": 421,
		"evil-localhost":             421, "0x7f.1": 421, "2130706433": 421, "wall.example.com.evil.com": 421, "": 421,
	} {
		r := do(h, http.MethodGet, "/api/preview", "", "Host", host)
		if host == "" {
			continue // httptest's own stands in
		}
		if r.Code != want {
			t.Errorf("host %q: %d, want %d", host, r.Code, want)
		}
	}
}

// Pages of other sites can send requests here, with what the browser says of them.
func TestOtherSitesAreRefused(t *testing.T) {
	u := newUpstream(t, success)
	h := page(t, u)
	for _, site := range []string{"cross-site", "same-site"} {
		for _, target := range []string{"/prometheus/api/v1/query?query=up", "/api/dashboards", "/assets/js/app.js"} {
			w := do(h, http.MethodGet, target, "", "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "no-cors")
			if w.Code != http.StatusForbidden {
				t.Errorf("%s of a %s page: %d", target, site, w.Code)
			}
		}
	}
	if n := u.requests.Load(); n != 0 {
		t.Errorf("%d of them reached Prometheus", n)
	}
	w := do(h, http.MethodGet, "/d/a", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
	if w.Code != http.StatusOK {
		t.Errorf("a link in an alert: %d", w.Code)
	}
	if w := do(h, http.MethodGet, "/api/dashboards", "", "Sec-Fetch-Site", "same-origin"); w.Code != http.StatusOK {
		t.Errorf("the page's own request: %d", w.Code)
	}
}

// FuzzHost checks that only addresses, localhost and the given names are ours.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost:1", "[::1]:2", "a.b.", "127.0.0.1", "[::1%25lo]:1", "[a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !ours(host, []string{"wall.example.com"}) {
			return
		}
		lower := strings.ToLower(host)
		if strings.HasPrefix(lower, "localhost") || strings.Contains(lower, "wall.example.com") {
			return
		}
		name := strings.Trim(lower, "[].")
		for i := len(name); i > 0; i-- {
			if _, err := netip.ParseAddr(strings.Trim(name[:i], "[].")); err == nil {
				return
			}
		}
		t.Errorf("%q is accepted", host)
	})
}
