package domain

import (
	"strings"
	"testing"
	"time"
)

func TestApex(t *testing.T) {
	for host, want := range map[string]string{
		"thorbis.com":             "thorbis.com",
		"www.thorbis.com":         "thorbis.com",
		"a.b.Thorbis.COM.":        "thorbis.com",
		"shop.example.co.uk":      "example.co.uk",
		"www.example.com.br":      "example.com.br",
		"bücher.example.de":       "example.de",
		"www.bücher.de":           "xn--bcher-kva.de",
		"xn--bcher-kva.de":        "xn--bcher-kva.de",
		"acme.github.io":          "github.io", // a private suffix: its owner is who renews it
		"github.io":               "github.io",
		"x.s3.amazonaws.com":      "amazonaws.com",
		"shop.city.kawasaki.jp":   "city.kawasaki.jp", // an exception of the list
		"www.a.b.kawasaki.jp":     "a.b.kawasaki.jp",  // a wildcard of the list
		"co.uk":                   "",
		"com":                     "",
		"localhost":               "",
		"db.internal":             "",
		"web.default.svc":         "",
		"192.0.2.1":               "",
		"2001:db8::1":             "",
		"":                        "",
		"a..example.com":          "",
		"exa mple.com":            "",
		"{tenant}.thorbis.app":    "",
		"tenant.eu.thorbis.app":   "thorbis.app",
		"_acme.thorbis.app":       "thorbis.app",
		"www.my_shop.example.com": "example.com",
		"my_shop.com":             "",
		"very.long.thorbis.cloud": "thorbis.cloud",
	} {
		if got := apex(host); got != want {
			t.Errorf("apex(%q) = %q, want %q", host, got, want)
		}
	}
}

// A name has the length that the DNS permits; what a registry or a tenant writes at length costs no time.
func TestLongNames(t *testing.T) {
	label := strings.Repeat("a", maxLabel)
	longest := strings.Join([]string{label, label, label, label[:maxName-3*64-4]}, ".") + ".com"
	if len(longest) != maxName || apex(longest) == "" || apex(label+".com") != label+".com" {
		t.Errorf("a name of %d bytes is none", len(longest))
	}
	var varied strings.Builder
	for r := rune(0x4e00); r < 0x9000; r++ {
		varied.WriteRune(r)
	}
	start := time.Now()
	for _, host := range []string{
		"a." + longest, label + "a.com", "www." + label + "a.com", strings.Repeat("ü", maxLabel) + ".de",
		strings.Repeat(varied.String(), 5) + ".de",
	} {
		if got := apex(host); got != "" {
			t.Errorf("a name of %d bytes is %.80q", len(host), got)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %s", took)
	}
}
