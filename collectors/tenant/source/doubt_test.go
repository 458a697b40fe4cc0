package source

import (
	"bytes"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// TestDoubt: X-Forwarded-For is recognised wherever combined would take it for the host, or find none.
func TestDoubt(t *testing.T) {
	const (
		clf  = `192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8"`
		host = `"acme.example.com" `
	)
	for name, tc := range map[string]struct {
		format string
		ends   []string
		want   string
	}{
		"host and time":            {"combined", []string{" " + host + "0.1", " " + host + "0.2"}, ""},
		"some ask by address":      {"combined", []string{" " + host + "0.1", " " + host + "0.2", ` "192.0.2.1" 0.1`}, ""},
		"bare host":                {"combined", []string{" acme.example.com", " acme.example.com"}, ""},
		"main":                     {"combined", []string{` "-"`, ` "203.0.113.9"`}, "the first 2 requests end with a text"},
		"main, a host of a client": {"combined", []string{` "acme.example.com"`}, "the first 1 requests end with a text"},
		"main and a time": {
			"combined",
			[]string{` "-" 0.1`, ` "203.0.113.9, 192.0.2.1" 0.2`, ` "acme.example.com" 0.1`},
			"2 of the first 3 requests have an address or - where combined has the host",
		},
		"a time":                        {"combined", []string{" 0.123", " 0.2"}, "none of the first 2 requests has a host"},
		"plain":                         {"combined", []string{"", ""}, "none of the first 2 requests has a host"},
		"nginx-main":                    {"nginx-main", []string{` "-"`}, "none of the first 1 requests has a host"},
		"nginx-main with host and time": {"nginx-main", []string{` "-" ` + host + "0.1"}, ""},
		"not read at all":               {"nginx-json", []string{""}, ""},
	} {
		var sample [][]byte
		for _, end := range tc.ends {
			sample = append(sample, []byte(clf+end))
		}
		got, err := Doubt(sample, decode.Options{Format: tc.format})
		if err != nil || (got == "") != (tc.want == "") || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: %q, want %q (%v)", name, got, tc.want, err)
		}
	}
	if _, err := Doubt(nil, decode.Options{Format: "nonsense"}); err == nil {
		t.Error("an unknown format is accepted")
	}
}

func TestIsHostName(t *testing.T) {
	for text, want := range map[string]bool{
		"acme.example.com": true, "acme.example.com:443": true, "1.example": true, "a.b-c": true,
		"": false, "-": false, "localhost": false, "203.0.113.9": false, "203.0.113.9, 192.0.2.1": false, "0.123": false,
		"[2001:db8::1]": false, ".com": false, "a_b.com": false, "1.2": false,
	} {
		if got := isHostName([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// FuzzDoubt: what lines hold breaks nothing, and a doubt names none of it.
func FuzzDoubt(f *testing.F) {
	f.Add([]byte(`192.0.2.7 - - [21/Sep/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8" "secret-of-a-client"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Doubt(bytes.Split(text, []byte{'\n'}), decode.Options{Format: "combined"})
		if err != nil || len(got) > 400 {
			t.Errorf("%q: %v", got, err)
		}
	})
}
