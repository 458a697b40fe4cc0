package domain

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// apex returns the domain that is registered at a registry for a host, in lower case and ASCII: example.co.uk for
// www.example.co.uk, and github.io for acme.github.io, which is a public suffix only by its owner's wish. It is empty
// for an address, a name without a public suffix, a public suffix itself, and what no registry registers.
func apex(host string) string {
	name, ok := canonical(host)
	if !ok {
		return ""
	}
	suffix, registry := publicsuffix.PublicSuffix(name)
	for !registry {
		_, parent, ok := strings.Cut(suffix, ".")
		if !ok {
			return "" // no rule names it: a name of a private network
		}
		suffix, registry = publicsuffix.PublicSuffix(parent)
	}
	rest, ok := strings.CutSuffix(name, "."+suffix)
	if !ok {
		return "" // the suffix itself
	}
	label := rest[strings.LastIndexByte(rest, '.')+1:]
	if strings.Contains(label, "_") {
		return "" // no registry registers it
	}
	return label + "." + suffix
}

// Bounds of a name: that before it is in ASCII, since the conversion takes time by the square of the length, and those
// of the DNS (RFC 1035, section 2.3.4).
const (
	maxUnicodeName = 1024
	maxName        = 253
	maxLabel       = 63
)

// canonical returns a host in lower case and ASCII, and whether it is a name of two labels or more.
func canonical(host string) (string, bool) {
	if len(host) > maxUnicodeName {
		return "", false
	}
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(host), "."))
	if strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) >= 0 {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return "", false
		}
		name = ascii
	}
	if len(name) > maxName {
		return "", false
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabel || strings.IndexFunc(label, func(r rune) bool { return !inName(r) }) >= 0 {
			return "", false
		}
	}
	// No top-level domain is a number (RFC 3696, section 2): such a host is an address.
	return name, len(labels) > 1 && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func inName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}
