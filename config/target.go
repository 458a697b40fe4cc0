package config

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// checkTarget reports a target that its module's prober could never reach, because it is none: a typing
// error would otherwise page as an outage.
func (v *validator) checkTarget(path, target, module string) {
	m, ok := v.policy.modules[module]
	if !ok || target == "" {
		return // told elsewhere
	}
	target = strings.ReplaceAll(target, "{tenant}", "tenant")
	switch m.Prober {
	case "http":
		if !strings.Contains(target, "://") {
			target = "http://" + target // as the prober does
		}
		u, err := url.Parse(target)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			v.failAt(path, "is no address; write it like https://example.com/healthz")
		case u.User != nil:
			v.failAt(path, "holds a user or password, which pages and logs would show; write basic_auth in the module, or secret_headers")
		}
	case "tcp":
		if host, port, err := net.SplitHostPort(target); err != nil || host == "" || port == "" {
			v.failAt(path, "is no address; write it like example.com:443")
		}
	case "unix":
		if !filepath.IsAbs(strings.TrimPrefix(target, "unix://")) {
			v.failAt(path, "is no socket; write its whole path, like /run/postgresql/.s.PGSQL.5432")
		}
	default:
		if strings.ContainsAny(target, " \t\n") {
			v.failAt(path, "is no address; write it like example.com or example.com:53")
		}
	}
}
