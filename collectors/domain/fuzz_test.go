package domain

import (
	"testing"
)

// FuzzParse: whatever a registry answers, a date lies within the bounds and a status is one that is exported.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"objectClassName":"domain","ldhName":"example.com","status":["client hold"],` +
		`"events":[{"eventAction":"expiration","eventDate":"2027-08-13T04:00:00Z"}]}`))
	f.Add([]byte(`{"objectClassName":"domain","status":"redemptionPeriod https://icann.org/epp","events":[]}`))
	f.Add([]byte(`{"objectClassName":"domain","events":[{"eventAction":"record expires","eventDate":"9999-12-31"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parse(text, "example.com")
		if err != nil {
			return
		}
		if !r.expires.IsZero() && (!r.expires.After(earliest) || !r.expires.Before(latest)) {
			t.Errorf("expires %s", r.expires)
		}
		for _, status := range r.statuses {
			if !isExported(status) {
				t.Errorf("status %q", status)
			}
		}
	})
}

func isExported(status string) bool {
	for _, known := range statusOf {
		if known == status {
			return true
		}
	}
	return false
}

// FuzzBootstrap: a list that is read leads each domain to an address with a scheme, or to none.
func FuzzBootstrap(f *testing.F) {
	f.Add([]byte(`{"publication":"2026-01-01T00:00:00Z","services":[[["com"],["https://rdap.example/com/"]]]}`),
		"example.com")
	f.Fuzz(func(t *testing.T, text []byte, domain string) {
		b, err := readBootstrap(text)
		if err != nil {
			return
		}
		if base := b.server(nil, domain); base != "" && preferred([]string{base}) != base {
			t.Errorf("%q leads to %q", domain, base)
		}
	})
}
