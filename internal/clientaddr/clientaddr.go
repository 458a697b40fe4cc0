// Package clientaddr returns the network of a client, by which limits per sender are kept.
package clientaddr

import (
	"net"
	"net/http"
	"net/netip"
)

// Prefix returns the network from which a request comes: an IPv4 address, or the /64 of an IPv6 address, because one
// sender can have all of its addresses. It is invalid if the address of the request cannot be read.
func Prefix(req *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		host = req.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits)
	return prefix
}
