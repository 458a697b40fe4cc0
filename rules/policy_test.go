package rules

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
)

// testPolicy is a policy with one of everything that the rules look at.
func testPolicy(t testing.TB) *config.Policy {
	t.Helper()
	p, err := config.Load("testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}
