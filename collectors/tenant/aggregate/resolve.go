// Package aggregate turns events into counts by tenant. An aggregator belongs to one goroutine at a time, so that
// nothing is locked for a line.
package aggregate

import (
	"bytes"
	"net"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// Names resolves hosts and paths to tenants. It is immutable.
type Names struct {
	prefix, suffix string // around the tenant in a host
	pattern        bool
	hosts          map[string]string
	path           []byte // before the tenant in a path
	// folded are registered names that a host cannot spell, by how it does: a host has no capitals.
	folded map[string]string
	// Registered are the registered tenants with their tiers; nil admits every name.
	Registered map[string]string
}

const placeholder = "{tenant}"

// NewNames returns names for a host and a path with {tenant} in it, and for tenants by host.
func NewNames(host, path string, hosts map[string]string, registered map[string]string) *Names {
	n := &Names{hosts: hosts, Registered: registered, folded: folded(registered)}
	n.prefix, n.suffix, n.pattern = strings.Cut(host, placeholder)
	if before, _, ok := strings.Cut(path, placeholder); ok {
		n.path = []byte(before)
	}
	return n
}

// folded finds the registered names with capitals, but for those that differ in nothing else from another.
func folded(registered map[string]string) map[string]string {
	all := map[string]string{}
	for name := range registered {
		lower := strings.ToLower(name)
		if _, taken := registered[lower]; taken {
			continue // its own name, or another tenant's
		}
		if _, twice := all[lower]; twice {
			name = ""
		}
		all[lower] = name
	}
	return all
}

const (
	maxName = 63  // the longest name of a tenant, as the registry has it
	maxHost = 300 // the longest host that can be one's, with its port
)

// validName reports whether a name can be that of a tenant. Names that begin with _ are the exporter's own.
func validName(b []byte) bool {
	if len(b) == 0 || len(b) > maxName {
		return false
	}
	for i, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '-' || c == '_'):
		default:
			return false
		}
	}
	return true
}

// ofHost returns the tenant of a host, nil if there is none. scratch is overwritten.
func (n *Names) ofHost(host, scratch []byte) []byte {
	host = normalHost(host, scratch)
	if name, ok := n.hosts[string(host)]; ok {
		return []byte(name)
	}
	if !n.pattern || len(host) <= len(n.prefix)+len(n.suffix) ||
		string(host[:len(n.prefix)]) != n.prefix || string(host[len(host)-len(n.suffix):]) != n.suffix {
		return nil
	}
	name := host[len(n.prefix) : len(host)-len(n.suffix)]
	if bytes.IndexByte(name, '.') >= 0 {
		return nil
	}
	if registered, ok := n.folded[string(name)]; ok {
		return []byte(registered)
	}
	return name
}

// normalHost lowers a host and takes off its port and final dot.
func normalHost(host, scratch []byte) []byte {
	if len(host) > maxHost {
		return nil
	}
	scratch = append(scratch[:0], host...)
	for i, c := range scratch {
		if 'A' <= c && c <= 'Z' {
			scratch[i] = c + 'a' - 'A'
		}
	}
	if i := bytes.LastIndexByte(scratch, ':'); i >= 0 {
		if scratch[0] == '[' {
			if h, _, err := net.SplitHostPort(string(scratch)); err == nil {
				scratch = append(scratch[:0], h...)
			}
		} else {
			scratch = scratch[:i]
		}
	}
	return bytes.TrimSuffix(scratch, []byte("."))
}

// withoutPort takes off a port, so that a host is remembered once and not with each of its ports. What else can differ
// in the spelling of a host is seldom, and left to normalHost.
func withoutPort(host []byte) []byte {
	if n := len(host); n == 0 || host[n-1] > '9' || host[0] == '[' {
		return host // it ends with a letter, as nearly all do
	}
	i := bytes.LastIndexByte(host, ':')
	if i <= 0 || bytes.IndexByte(host[:i], ':') >= 0 {
		return host
	}
	return host[:i]
}

// normal reports whether a key is spelled as the only one that is remembered for its tenant.
func (r *Rule) normal(key []byte) bool {
	if r.By != ByHost {
		return true // it is the name itself
	}
	for _, c := range key {
		if 'A' <= c && c <= 'Z' || c == ':' {
			return false
		}
	}
	return len(key) > 0 && key[len(key)-1] != '.'
}

// ofPath returns the tenant of a path, nil if there is none.
func (n *Names) ofPath(path []byte) []byte {
	if !bytes.HasPrefix(path, n.path) {
		return nil
	}
	path = path[len(n.path):]
	if i := bytes.IndexByte(path, '/'); i >= 0 {
		path = path[:i]
	}
	return path
}

// By is the part of an event that names the tenant.
type By uint8

// The ways to a tenant.
const (
	ByHost By = iota
	ByPath
	ByField
	ByFixed
)

// Rule finds the tenants of events. Sources with the same rule share a pointer.
type Rule struct {
	Service int
	By      By
	Tenant  string // with ByFixed
	Names   *Names
}

// key is the part of an event that the tenant follows from.
func (r *Rule) key(e *decode.Event) []byte {
	switch r.By {
	case ByHost:
		return withoutPort(e.Host)
	case ByPath:
		return r.Names.ofPath(e.Path)
	case ByField:
		return e.Tenant
	}
	return nil
}

// TenantOf returns the tenant of an event, and what it has instead, such as a host, if no known tenant owns it. scratch
// is overwritten.
func (r *Rule) TenantOf(e *decode.Event, scratch []byte) []byte {
	key := r.key(e)
	if name := r.name(key, scratch); name != nil {
		return name
	}
	return key
}

// name returns the tenant of a key, nil if no known tenant owns it.
func (r *Rule) name(key, scratch []byte) []byte {
	switch r.By {
	case ByHost:
		key = r.Names.ofHost(key, scratch)
	case ByFixed:
		key = []byte(r.Tenant)
	}
	if !validName(key) {
		return nil
	}
	if r.Names.Registered != nil {
		if _, ok := r.Names.Registered[string(key)]; !ok {
			return nil
		}
	}
	return key
}
