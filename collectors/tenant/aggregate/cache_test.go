package aggregate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// However a client spells a host, it is counted for its tenant and remembered once.
func TestSpellingsOfAHostAreRememberedOnce(t *testing.T) {
	long := strings.Repeat("a", 200) + ".example.com"
	d := newTestStore(t, 10, map[string]string{"acme": "", "long": ""}, nil)
	d.source.Rule.Names = NewNames("{tenant}.thorbis.app", "", map[string]string{long: "long"},
		map[string]string{"acme": "", "long": ""})
	d.Begin(d.source)
	const ports = 20_000
	for port := range ports {
		for _, host := range []string{"acme.thorbis.app", long} {
			d.add(fmt.Sprintf("%s:%d", host, port), decode.Event{})
			d.add(fmt.Sprintf("%s:%090d", host, port), decode.Event{})
			d.add(fmt.Sprintf("%s.:%d", host, port), decode.Event{})
			var mixed strings.Builder
			for i, c := range host {
				if i < 16 && port>>i&1 == 1 {
					mixed.WriteString(strings.ToUpper(string(c)))
				} else {
					mixed.WriteRune(c)
				}
			}
			d.add(mixed.String(), decode.Event{})
			d.add(mixed.String()+fmt.Sprintf(".:x%d", port), decode.Event{})
		}
	}
	d.drain()
	if d.cache.used != 2 || len(d.cache.text) > len(long)+len("acme.thorbis.app") {
		t.Errorf("%d hosts in %d bytes are remembered", d.cache.used, len(d.cache.text))
	}
	rows := d.rows()
	for _, tenant := range []string{"acme", "long"} {
		if got := rows[tenant][0]; got != 5*ports {
			t.Errorf("%s: %d requests, want %d", tenant, got, 5*ports)
		}
	}
}

// Whatever is remembered, it takes no more than so many bytes.
func TestCacheIsBoundedInBytes(t *testing.T) {
	c := newCache(1 << 18)
	key := make([]byte, maxHost)
	for i := range 1 << 18 {
		copy(key, fmt.Sprint(i, " "))
		hash := hashOf(key)
		c.put(key, hash, uint32(i))
		if slot, ok := c.find(key, hash); !ok || slot != uint32(i) {
			t.Fatalf("key %d leads to %d, %v", i, slot, ok)
		}
		if len(c.text) > cacheBytes || cap(c.text) > 2*cacheBytes {
			t.Fatalf("%d bytes of %d after %d keys", len(c.text), cap(c.text), i)
		}
	}
}

func FuzzHostWithoutPort(f *testing.F) {
	for _, host := range []string{"a.example.com:80", "[::1]:80", "[:0", "a:b:1", "a.:80", ":80", "10.0.0.1:1"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if len(host) > maxHost {
			return
		}
		once, twice := string(normalHost([]byte(host), nil)), string(normalHost(withoutPort([]byte(host)), nil))
		if once != twice {
			t.Errorf("%q is %q, and without its port %q", host, once, twice)
		}
	})
}
