package domain

import "testing"

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
		"very.long.thorbis.cloud": "thorbis.cloud",
	} {
		if got := apex(host); got != want {
			t.Errorf("apex(%q) = %q, want %q", host, got, want)
		}
	}
}
