package domain

import (
	"strings"
	"testing"
)

// The list that the exporter brings along serves the common top-level domains.
func TestVendoredBootstrap(t *testing.T) {
	b, err := readBootstrap(vendored)
	if err != nil {
		t.Fatal(err)
	}
	if b.published.Before(day(2026, 2, 1)) {
		t.Errorf("published %s", b.published)
	}
	for domain, want := range map[string]string{
		"example.com":   "https://rdap.verisign.com/com/v1/",
		"example.org":   "https://rdap.publicinterestregistry.org/rdap/",
		"example.co.uk": "https://rdap.nominet.uk/uk/",
		"example.dev":   "https://pubapi.registry.google/rdap/",
		"example.de":    "", // its registry is not on IANA's list
	} {
		if got := b.server(nil, domain); got != want {
			t.Errorf("%s is asked at %q, want %q", domain, got, want)
		}
	}
	for suffix, base := range b.servers {
		if !strings.HasPrefix(base, "http") || !strings.HasSuffix(base, "/") {
			t.Errorf("%s: %s", suffix, base)
		}
	}
}

// The longest suffix counts, the policy's before the list's, https before http, whatever the order and the case.
func TestBootstrapServer(t *testing.T) {
	b, err := readBootstrap([]byte(`{"publication": "2026-01-01T00:00:00Z", "services": [
		[["COM", "net"], ["http://plain.example/", "https://safe.example/rdap"]],
		[["special.com"], ["https://special.example/"]],
		[["old"], ["http://old.example/"]],
		[["odd"], ["ftp://odd.example/", "https:///"]]]}`))
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{"net": "https://mine.example", "de": "https://rdap.denic.example/"}
	for domain, want := range map[string]string{
		"a.com":         "https://safe.example/rdap/",
		"a.special.com": "https://special.example/",
		"special.com":   "https://special.example/",
		"a.net":         "https://mine.example/",
		"a.de":          "https://rdap.denic.example/",
		"a.old":         "http://old.example/",
		"a.odd":         "",
		"a.unknown":     "",
	} {
		if got := b.server(own, domain); got != want {
			t.Errorf("%s is asked at %q, want %q", domain, got, want)
		}
	}
}

func TestBootstrapRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`<html>`: "invalid list",
		`{"publication": "2026-01-01T00:00:00Z", "services": []}`:                            "empty",
		`{"publication": "soon", "services": [[["com"], ["https://a.example/"]]]}`:           "date",
		`{"publication": "2026-01-01T00:00:00Z", "services": [[["com"]]]}`:                   "a service has",
		`{"publication": "2026-01-01T00:00:00Z", "services": {"com": "https://a.example/"}}`: "invalid list",
	} {
		if _, err := readBootstrap([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
}
