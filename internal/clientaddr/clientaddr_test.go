package clientaddr

import (
	"net/http"
	"testing"
)

func TestPrefixIsWhatOneSenderHas(t *testing.T) {
	for from, want := range map[string]string{
		"192.0.2.1:443": "192.0.2.1/32", "192.0.2.1": "192.0.2.1/32", "[::ffff:192.0.2.1]:1": "192.0.2.1/32",
		"[2001:db8:1:2:3::4]:443": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64",
		"@": "invalid Prefix", "": "invalid Prefix",
	} {
		if got := Prefix(&http.Request{RemoteAddr: from}).String(); got != want {
			t.Errorf("%q: %s, want %s", from, got, want)
		}
	}
}
