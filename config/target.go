package config

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	"golang.org/x/net/idna"
)

// Bounds of a target.
const (
	maxTarget     = 8 << 10
	maxSocketPath = 107 // sun_path of Linux less its NUL
	maxHost       = 253 // RFC 1035, section 2.3.4, as it is written
	maxLabel      = 63
)

// checkTarget reports a target that its module's prober could never reach: a typing error would otherwise page as an
// outage that no restart ends. Nothing of the target is repeated but hosts and ports, for the rest may be a secret.
func (v *validator) checkTarget(path, target, module string) {
	m, ok := v.policy.modules[module]
	if !ok || target == "" {
		return // reported elsewhere
	}
	if err := targetError(m.Prober, strings.ReplaceAll(target, "{tenant}", "tenant")); err != nil {
		v.failAt(path, "%v", err)
	}
	if source := sourceAddress(m); source != "" && net.ParseIP(source) == nil {
		v.failAt(path, "invalid source_ip_address %q in module %s: write an address of this machine, like 192.0.2.1",
			source, module)
	}
}

// targetError reads a target as the prober does (blackbox_exporter v0.28.0, package prober).
func targetError(prober, target string) error {
	switch {
	case len(target) > maxTarget:
		return fmt.Errorf("longer than %d bytes: write less", maxTarget)
	case strings.ContainsFunc(target, unicode.IsControl),
		prober != "unix" && strings.ContainsFunc(target, unicode.IsSpace):
		return errors.New("invalid target: it holds white space; write it without")
	}
	switch prober {
	case "http":
		return httpTargetError(target)
	case "tcp":
		host, port, err := net.SplitHostPort(target)
		if err != nil {
			return errors.New("invalid target: write host and port, like example.com:443 or [2001:db8::1]:443")
		}
		return errors.Join(hostError(host), portError(port))
	case "icmp":
		switch {
		case strings.Contains(target, "://") || strings.Contains(target, "/"):
			return errors.New("invalid target: icmp takes a host alone; write it like example.com")
		case strings.HasPrefix(target, "["):
			address, _, _ := strings.Cut(target, "]")
			return fmt.Errorf("invalid target: icmp takes an address without brackets or port; write %s",
				strings.Trim(address, "["))
		}
		return hostError(target)
	case "dns":
		return dnsTargetError(target)
	case "grpc":
		return grpcTargetError(target)
	case "unix":
		return unixTargetError(target)
	}
	return nil // an unknown prober is reported at the module
}

func httpTargetError(target string) error {
	lower := strings.ToLower(target)
	for _, scheme := range []string{"https", "http"} {
		rest, ok := strings.CutPrefix(lower, scheme)
		if !ok || strings.HasPrefix(target, scheme+"://") {
			continue
		}
		if strings.HasPrefix(rest, "://") {
			return fmt.Errorf("invalid scheme %q: the prober knows it in lower case only; write %s://",
				target[:len(scheme)], scheme)
		}
		if rest != "" && (rest[0] == ':' || rest[0] == '/') {
			return fmt.Errorf("invalid scheme: write %s:// before the host, like %s://example.com/healthz", scheme, scheme)
		}
	}
	scheme, _, ok := strings.Cut(target, "://")
	if ok && scheme != "http" && scheme != "https" && !strings.ContainsAny(scheme, "/?#") {
		return errors.New("invalid scheme: an http module asks by http:// or https://; " +
			"write it like https://example.com/healthz")
	}
	u, err := url.Parse(WithScheme(target))
	switch {
	case err != nil || u.Host == "":
		return errors.New("invalid target: write it like https://example.com/healthz")
	case u.User != nil:
		return errors.New("holds a user or password, which pages and logs would show; " +
			"write basic_auth in the module, or secret_headers")
	case strings.HasPrefix(u.Path, "//") && (u.Hostname() == "http" || u.Hostname() == "https"):
		return errors.New("invalid target: it has a scheme twice; write it like https://example.com/healthz")
	}
	if port := u.Port(); port != "" {
		return errors.Join(hostError(u.Hostname()), numberError(port))
	}
	return hostError(u.Hostname())
}

func dnsTargetError(target string) error {
	if strings.Contains(target, "/") {
		return errors.New("invalid target: dns takes a server's host, and a port if it is not 53; " +
			"write it like 192.0.2.1 or example.com:5353")
	}
	host, port, err := net.SplitHostPort(target)
	switch {
	case err == nil:
		return errors.Join(hostError(host), portError(port))
	case strings.HasPrefix(target, "["):
		return errors.New("invalid target: an address in brackets has a port after them; write it like [2001:db8::1]:53")
	}
	return hostError(target)
}

func grpcTargetError(target string) error {
	if scheme, rest, ok := strings.Cut(target, "://"); ok {
		if scheme != "http" && scheme != "https" {
			return errors.New("invalid scheme: grpc takes host and port; " +
				"write it like example.com:50051, and tls: true in the module for TLS")
		}
		target = rest
	}
	target, _, _ = strings.Cut(target, "/")
	if host, port, err := net.SplitHostPort(target); err == nil {
		return errors.Join(hostError(host), portError(port))
	}
	if inner, ok := strings.CutPrefix(target, "["); ok {
		target = strings.TrimSuffix(inner, "]")
	}
	return hostError(target)
}

func unixTargetError(target string) error {
	if path, ok := strings.CutPrefix(target, "unix:"); ok {
		return fmt.Errorf("invalid target: write the path of the socket alone: /%s", strings.TrimLeft(path, "/"))
	}
	switch {
	case len(target) > maxSocketPath:
		return fmt.Errorf("the path of the socket is longer than %d bytes: move the socket, or link to it", maxSocketPath)
	case !filepath.IsAbs(target) && !strings.HasPrefix(target, "@"):
		return errors.New("invalid target: write the whole path of the socket, like /run/postgresql/.s.PGSQL.5432")
	}
	return nil
}

// hostError reports a host that is neither an address nor a name that DNS could hold.
func hostError(host string) error {
	if host == "" {
		return errors.New("invalid target without a host: write it like example.com")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if strings.Contains(host, "@") {
		return errors.New("invalid host: it holds a user or password, which pages and logs would show; write the host alone")
	}
	ascii := host
	if strings.IndexFunc(host, func(r rune) bool { return r >= 0x80 }) >= 0 {
		var err error
		if ascii, err = idna.Lookup.ToASCII(host); err != nil {
			return fmt.Errorf("invalid host %q: it is no international name; "+
				"write it as its registry does, or in Punycode (xn--...)", host)
		}
	}
	name := strings.TrimSuffix(ascii, ".")
	labels := strings.Split(name, ".")
	bad := fmt.Errorf("invalid host %q: write a name like example.com or an address like 192.0.2.1", host)
	if len(name) > maxHost {
		return bad
	}
	for _, label := range labels {
		if label == "" || len(label) > maxLabel || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.IndexFunc(label, func(r rune) bool { return !isLabelRune(r) }) >= 0 {
			return bad
		}
	}
	// No top-level domain is a number (RFC 3696, section 2): this is an address with an error in it.
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return fmt.Errorf("invalid address %q: write four numbers up to 255, like 192.0.2.1", host)
	}
	return nil
}

func isLabelRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// portError reports a port that is neither a number nor the name of a service.
func portError(port string) error {
	if strings.Trim(port, "0123456789") == "" {
		return numberError(port)
	}
	if _, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port); err != nil {
		return fmt.Errorf("invalid port %q: write 1 to 65535", port)
	}
	return nil
}

func numberError(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("invalid port %q: write 1 to 65535", port)
	}
	return nil
}

func sourceAddress(m bbconfig.Module) string {
	switch m.Prober {
	case "tcp":
		return m.TCP.SourceIPAddress
	case "icmp":
		return m.ICMP.SourceIPAddress
	case "dns":
		return m.DNS.SourceIPAddress
	}
	return ""
}
