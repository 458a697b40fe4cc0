package program

import (
	"strings"
	"testing"
)

func FuzzPattern(f *testing.F) {
	f.Add("{tenant}/db-*.dump", "acme/db-1.dump")
	f.Add("**/{backup}/?", "a/b/c/d")
	f.Add("[a-z", "[a-z")
	f.Fuzz(func(t *testing.T, text, name string) {
		p, err := newPattern(text)
		if err != nil {
			return
		}
		tenant, _, ok := p.match(name)
		if ok && strings.Contains(tenant, "/") {
			t.Error("a tenant with a slash")
		}
	})
}
