package health

import (
	"context"
	"net"
	"net/http"
	"slices"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	pconfig "github.com/prometheus/common/config"

	"github.com/thorbis/thorbis_exporter/config"
)

// cacheHeaders show that an answer came from a cache, so that the state of the service is unknown.
// Sources: Vercel's x-vercel-cache, Cloudflare's cf-cache-status, Age of RFC 9111 section 5.1.
var cacheHeaders = map[string]string{
	"X-Vercel-Cache":  "^(HIT|STALE|PRERENDER)$",
	"Cf-Cache-Status": "^(HIT|STALE|UPDATING|REVALIDATED)$",
	"Age":             "^[1-9]",
}

// cacheMatches are cacheHeaders in the prober's grammar.
var cacheMatches = func() []bbconfig.HeaderMatch {
	var matches []bbconfig.HeaderMatch
	for header, re := range cacheHeaders {
		matches = append(matches, bbconfig.HeaderMatch{
			Header: header, Regexp: bbconfig.MustNewRegexp(re),
			AllowMissing: true,
		})
	}
	return matches
}()

func isCacheHeader(name string) bool { _, ok := cacheHeaders[name]; return ok }

// challengeStatuses are those that an edge answers a challenge with.
var challengeStatuses = []string{"403", "429", "503"}

// challenged asks once more and looks whether the edge put a challenge in front of the service. The prober
// judges the status before any header, so a challenge (403 or 429 or 503) shows it only its status.
// Sources: Cloudflare's cf-mitigated, Vercel's x-vercel-mitigated.
func (r request) challenged(ctx context.Context, m *measured) bool {
	if r.module.Prober != "http" || !slices.Contains(challengeStatuses, m.log.attr("status_code")) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	client, err := pconfig.NewClientFromConfig(r.module.HTTP.HTTPClientConfig, "health_edge",
		pconfig.WithKeepAlivesDisabled(), pconfig.WithDialContextFunc(m.dial))
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, config.WithScheme(r.target), nil)
	if err != nil {
		return false
	}
	for name, value := range r.module.HTTP.Headers {
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.Header.Get("Cf-Mitigated") == "challenge" || resp.Header.Get("X-Vercel-Mitigated") == "challenge"
}

// dial connects to the address that answered the probe, where its host was a name, and to no other of that name.
func (m *measured) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && m.addr.IsValid() && config.IsName(host) {
		address = net.JoinHostPort(m.addr.String(), port)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}
