package health

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	bbconfig "github.com/prometheus/blackbox_exporter/config"
	"golang.org/x/net/idna"

	"github.com/thorbis/thorbis_exporter/config"
)

// maxAddresses bounds how many addresses of a name are tried.
const maxAddresses = 8

// resolver looks names up; *net.Resolver is one.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// atHost writes a target with another host.
func atHost(prober, target, host string) string {
	switch prober {
	case "http":
		u, err := url.Parse(config.WithScheme(target))
		if err != nil {
			return target
		}
		port := u.Port()
		u.Host = host
		switch {
		case port != "":
			u.Host = net.JoinHostPort(host, port)
		case strings.Contains(host, ":"):
			u.Host = "[" + host + "]"
		}
		return u.String()
	case "grpc":
		scheme, rest, ok := strings.Cut(target, "://")
		if !ok {
			scheme, rest = "", target
		} else {
			scheme += "://"
		}
		rest, _, _ = strings.Cut(rest, "/")
		if _, port, err := net.SplitHostPort(rest); err == nil {
			return scheme + net.JoinHostPort(host, port)
		}
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return scheme + host
	case "tcp", "dns":
		if _, port, err := net.SplitHostPort(target); err == nil {
			return net.JoinHostPort(host, port)
		}
	}
	return host
}

// inASCII writes a target whose host has letters outside ASCII as DNS and certificates have it (RFC 5891). One that
// cannot be written so is left to the prober.
func inASCII(prober, target string) string {
	outside := func(r rune) bool { return r >= 0x80 }
	if strings.IndexFunc(target, outside) < 0 {
		return target
	}
	host := config.HostOf(prober, target)
	if !config.IsName(host) || strings.IndexFunc(host, outside) < 0 {
		return target
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return target
	}
	return atHost(prober, target, ascii)
}

// family returns the module's preferred family and whether it accepts the other.
func family(m *bbconfig.Module) (preferred string, fallback bool) {
	switch m.Prober {
	case "http":
		preferred, fallback = m.HTTP.IPProtocol, m.HTTP.IPProtocolFallback
	case "tcp":
		preferred, fallback = m.TCP.IPProtocol, m.TCP.IPProtocolFallback
	case "icmp":
		preferred, fallback = m.ICMP.IPProtocol, m.ICMP.IPProtocolFallback
	case "dns":
		preferred, fallback = m.DNS.IPProtocol, m.DNS.IPProtocolFallback
	case "grpc":
		preferred, fallback = m.GRPC.PreferredIPProtocol, m.GRPC.IPProtocolFallback
	}
	if preferred != "ip4" { // the blackbox_exporter's own default
		preferred = "ip6"
	}
	return preferred, fallback
}

// resolves reports whether the exporter looks the name up: a proxy does it instead if the module has one.
func resolves(m *bbconfig.Module) bool {
	if m.Prober != "http" {
		return true
	}
	proxied := m.HTTP.HTTPClientConfig.ProxyURL.URL != nil || m.HTTP.HTTPClientConfig.ProxyFromEnvironment
	return !m.HTTP.SkipResolvePhaseWithProxy || !proxied
}

// addressesOf looks a name up and returns its addresses in the order in which they are to be tried. A module that
// prefers IPv6 and accepts IPv4 tries both, as every client with both does. One that prefers IPv4 tries IPv6 only where
// there is no IPv4 address: a service that has lost IPv4 is lost to most clients, however well IPv6 works.
func addressesOf(ctx context.Context, r resolver, m *bbconfig.Module, host string) ([]netip.Addr, error) {
	preferred, fallback := family(m)
	network := "ip"
	if !fallback {
		network = preferred
	}
	found, err := r.LookupNetIP(ctx, network, host)
	if err != nil {
		return nil, err
	}
	var first, second []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, a := range found {
		a = a.Unmap()
		if seen[a] {
			continue
		}
		seen[a] = true
		if a.Is4() == (preferred == "ip4") {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	switch {
	case !fallback || preferred == "ip4" && len(first) > 0:
	default:
		first = append(first, second...)
	}
	if len(first) == 0 {
		return nil, &net.DNSError{Err: "no address of the family that the module wants", Name: host, IsNotFound: true}
	}
	return first[:min(len(first), maxAddresses)], nil
}

// keepName returns a module that sends the target's name to an address: in the Host header and the TLS handshake, as
// the prober would have done, had it looked the name up itself.
func keepName(module *bbconfig.Module, target, host string) *bbconfig.Module {
	m := *module
	switch m.Prober {
	case "http":
		u, err := url.Parse(config.WithScheme(target))
		if err != nil {
			return module
		}
		headers := make(map[string]string, len(m.HTTP.Headers)+1)
		name := host
		headers["Host"] = u.Host
		for k, v := range m.HTTP.Headers {
			if k = http.CanonicalHeaderKey(k); k == "Host" {
				name = hostOfHeader(v)
			}
			headers[k] = v
		}
		m.HTTP.Headers = headers
		if m.HTTP.HTTPClientConfig.TLSConfig.ServerName == "" {
			m.HTTP.HTTPClientConfig.TLSConfig.ServerName = name
		}
	case "tcp":
		if m.TCP.TLSConfig.ServerName == "" {
			m.TCP.TLSConfig.ServerName = host
		}
	case "dns":
		if m.DNS.TLSConfig.ServerName == "" {
			m.DNS.TLSConfig.ServerName = host
		}
	case "grpc":
		if m.GRPC.TLSConfig.ServerName == "" {
			m.GRPC.TLSConfig.ServerName = host
		}
	}
	return &m
}

// hostOfHeader returns a Host header without its port, which no certificate names.
func hostOfHeader(value string) string {
	if host, _, err := net.SplitHostPort(value); err == nil {
		return host
	}
	return value
}
