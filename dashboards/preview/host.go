package preview

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// checkHost refuses requests that are addressed to a name that is not ours. A page of another site can make its own
// name resolve to 127.0.0.1 and would then be of the same origin as this one (DNS rebinding); it cannot do so with an
// IP address or with localhost.
func checkHost(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ours(r.Host, names) {
			refuse(w, http.StatusMisdirectedRequest,
				"unknown host: address this page by localhost, an IP address or a name given to --web.hostname")
			return
		}
		if foreign(r) {
			refuse(w, http.StatusForbidden, "requests of other sites are refused")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ours reports whether a Host header names this server.
func ours(host string, names []string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return name == "localhost" || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// foreign reports whether a page of another site made the request. A link from elsewhere to a page is welcome.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none" && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}
