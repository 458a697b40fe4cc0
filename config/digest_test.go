package config

import (
	"fmt"
	"strings"
	"testing"
)

// The hash of many checks, which are written in parts, is of all of them.
func TestHashOfManyChecks(t *testing.T) {
	const checks = 2*hashedChecks + 1
	load := func(last string) *Policy {
		var b strings.Builder
		b.WriteString("version: 1\nchannels: {deadman: none}\nservices: [{name: web, owner: sre}]\nhealth:\n  checks:\n")
		for i := range checks - 1 {
			fmt.Fprintf(&b, "    - {name: check-%d, app_service: web, target: \"http://127.0.0.1:1\"}\n", i)
		}
		fmt.Fprintf(&b, "    - {name: last, app_service: web, target: %q}\n", last)
		p, err := parseStream(t.Context(), "policy.yaml", strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := load("http://127.0.0.1:1")
	if len(p.Health.Checks) != checks {
		t.Errorf("%d checks are left after hashing", len(p.Health.Checks))
	}
	if load("http://127.0.0.1:1").Hash() != p.Hash() || load("http://127.0.0.1:2").Hash() == p.Hash() {
		t.Error("the hash is not of the last check")
	}
}
