package domain

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// vendored is the list of servers that is used until IANA's has been read, or where the policy permits no other.
//
//go:embed dns.json
var vendored []byte

// maxBootstrap bounds a list of servers; IANA's has 50 kB.
const maxBootstrap = 4 << 20

// bootstrap maps suffixes of domains to the RDAP servers of their registries (RFC 9224).
type bootstrap struct {
	published time.Time
	servers   map[string]string // base URL, which ends in a slash, by suffix
}

// readBootstrap reads a list in IANA's format.
func readBootstrap(text []byte) (*bootstrap, error) {
	var file struct {
		Publication string       `json:"publication"`
		Services    [][][]string `json:"services"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("invalid list of RDAP servers: %w", err)
	}
	published, err := time.Parse(time.RFC3339, file.Publication)
	if err != nil {
		return nil, fmt.Errorf("invalid list of RDAP servers: invalid publication date %q", file.Publication)
	}
	b := &bootstrap{published: published, servers: map[string]string{}}
	for _, service := range file.Services {
		if len(service) != 2 { // RFC 9224, section 10.2
			return nil, errors.New("invalid list of RDAP servers: a service has a list of names and a list of addresses")
		}
		base := preferred(service[1])
		if base == "" {
			continue
		}
		for _, suffix := range service[0] {
			b.servers[strings.ToLower(suffix)] = base
		}
	}
	if len(b.servers) == 0 {
		return nil, errors.New("invalid list of RDAP servers: it is empty")
	}
	return b, nil
}

// preferred returns the first address that begins with https, else the first that begins with http, else nothing.
func preferred(addresses []string) string {
	for _, scheme := range []string{"https", "http"} {
		for _, address := range addresses {
			if u, err := url.Parse(address); err == nil && strings.EqualFold(u.Scheme, scheme) && u.Host != "" {
				return withSlash(address)
			}
		}
	}
	return ""
}

func withSlash(base string) string { return strings.TrimSuffix(base, "/") + "/" }

// server returns the base URL for a domain: that of its longest suffix among the policy's own, else among the list's.
// It is empty if the registry has no RDAP server.
func (b *bootstrap) server(own map[string]string, domain string) string {
	for _, servers := range []map[string]string{own, b.servers} {
		for suffix := domain; suffix != ""; _, suffix, _ = strings.Cut(suffix, ".") {
			if base := servers[suffix]; base != "" {
				return withSlash(base)
			}
		}
	}
	return ""
}
