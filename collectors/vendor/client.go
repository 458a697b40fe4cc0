package vendor

import (
	"net/url"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/fetch"
)

const (
	// readTimeout bounds one read, redirects included.
	readTimeout = 15 * time.Second
	// maxAnswer bounds a page. Cloudflare's summary has about 300 kB.
	maxAnswer = 8 << 20
	// maxRetryAfter bounds for how long a page can keep us away.
	maxRetryAfter = time.Hour
)

// request asks for the page of a vendor, unless it is still what is known.
func request(v *config.Vendor, known fetch.Validators) fetch.Request {
	return fetch.Request{
		Address: address(v), Known: known, Limit: maxAnswer, Timeout: readTimeout, MostWait: maxRetryAfter,
		Accept: "application/json, application/atom+xml, application/rss+xml, application/xml;q=0.9",
	}
}

// address is where the document of a format is.
func address(v *config.Vendor) string {
	path := map[string]string{config.VendorStatuspage: statuspagePath, config.VendorIncidentIO: incidentIOPath}[v.Format]
	u, err := url.Parse(v.StatusPage)
	if path == "" || err != nil || strings.HasSuffix(u.Path, path) {
		return v.StatusPage
	}
	return u.JoinPath(path).String()
}
