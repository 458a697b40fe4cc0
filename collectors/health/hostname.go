package health

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
)

// ErrHostname reports a hostname that must not be asked for with the secrets of a check.
var ErrHostname = errors.New(
	"the parameter hostname is refused, because this probe sends secrets that are meant for the target's own name; " +
		"--web.probe-any-target allows it")

// maxHostname bounds a hostname with its port.
const maxHostname = 260

// withHostname returns the request with another name for the Host header and, by http and tcp, the TLS handshake, as
// the blackbox_exporter's /probe does it (v0.28.0, prober/handler.go).
func (r request) withHostname(name string, anyTarget bool) (request, error) {
	if name == "" || r.module.Prober != "http" && r.module.Prober != "tcp" {
		return r, nil
	}
	if len(name) > maxHostname || strings.IndexFunc(name, func(c rune) bool {
		return unicode.IsControl(c) ||
			unicode.IsSpace(c)
	}) >= 0 {
		return r, errors.New("invalid hostname: write a name like www.example.com")
	}
	if !anyTarget && (len(r.secrets) > 0 || sendsSecrets(r.module)) {
		return r, ErrHostname
	}
	module := *r.module
	if module.Prober == "tcp" {
		if module.TCP.TLSConfig.ServerName == "" {
			module.TCP.TLSConfig.ServerName = name
		}
		r.module = &module
		return r, nil
	}
	headers := maps.Clone(module.HTTP.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	for key, value := range headers {
		if strings.EqualFold(key, "Host") && value != name {
			return r, fmt.Errorf("host header defined both in module configuration (%s) and with URL-parameter 'hostname' (%s)",
				value, name)
		}
	}
	headers["Host"] = name
	module.HTTP.Headers = headers
	r.module = &module
	return r, nil
}

// sendsSecrets reports whether a module sends credentials, or proves who it is by a certificate.
func sendsSecrets(m *bbconfig.Module) bool {
	if m.Prober == "tcp" {
		return m.TCP.TLSConfig.CertFile != "" || m.TCP.TLSConfig.Cert != "" || len(m.TCP.QueryResponse) > 0
	}
	c := m.HTTP.HTTPClientConfig
	return c.BasicAuth != nil || c.Authorization != nil || c.OAuth2 != nil || c.BearerToken != "" ||
		c.BearerTokenFile != "" ||
		c.HTTPHeaders != nil || c.TLSConfig.CertFile != "" || c.TLSConfig.Cert != "" || m.HTTP.Body != "" ||
		m.HTTP.BodyFile != "" ||
		hasHeader(m.HTTP.Headers, "Authorization") || hasHeader(m.HTTP.Headers, "Cookie")
}

func hasHeader(headers map[string]string, name string) bool {
	for key := range headers {
		if strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}
