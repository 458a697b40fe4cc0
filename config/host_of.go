package config

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// HostOf returns the host that a prober takes from its target, without brackets, and empty where it takes none.
func HostOf(prober, target string) string {
	switch prober {
	case "http":
		if u, err := url.Parse(WithScheme(target)); err == nil {
			return u.Hostname()
		}
		return ""
	case "grpc":
		rest := target
		if _, after, ok := strings.Cut(target, "://"); ok {
			rest = after
		}
		rest, _, _ = strings.Cut(rest, "/")
		if host, _, err := net.SplitHostPort(rest); err == nil {
			return host
		}
		return strings.Trim(rest, "[]")
	case "icmp":
		return target
	case "tcp", "dns":
		if host, _, err := net.SplitHostPort(target); err == nil || prober == "tcp" {
			return host
		}
		return target
	}
	return ""
}

// WithScheme returns an HTTP target as its prober reads it: http unless it has a scheme.
func WithScheme(target string) string {
	if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
		return target
	}
	return "http://" + target
}

// IsName reports whether a host must be looked up: it is neither empty nor an address.
func IsName(host string) bool {
	if host == "" {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil
}
