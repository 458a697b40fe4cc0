package health

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// distance is how far away a target seems to be, by its name alone. What is near answers without the network
// that a farther one needs, so its answer proves nothing of that.
type distance int

const (
	onHost    distance = iota // loopback, a socket
	onNetwork                 // private addresses, names that only a private network knows
	elsewhere
	distances
)

// privateSuffixes end names of private networks: RFC 6762, RFC 8375, what Kubernetes and the clouds use.
var privateSuffixes = []string{".local", ".internal", ".lan", ".home.arpa", ".svc", ".private"}

// distanceOf looks at a target as the probers take it: URL, host:port, host, or the path of a socket.
func distanceOf(target string) distance {
	host := target
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		host = u.Host
	}
	if strings.HasPrefix(host, "/") {
		return onHost
	}
	host, _, _ = strings.Cut(host, "/")
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		switch {
		case ip.IsLoopback() || ip.IsUnspecified():
			return onHost
		case ip.IsPrivate() || ip.IsLinkLocalUnicast():
			return onNetwork
		}
		return elsewhere
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return onHost
	}
	for _, suffix := range privateSuffixes {
		if strings.HasSuffix(host, suffix) {
			return onNetwork
		}
	}
	if !strings.Contains(host, ".") {
		return onNetwork
	}
	return elsewhere
}
