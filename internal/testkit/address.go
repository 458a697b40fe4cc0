package testkit

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
)

// FreeAddress returns an address of this machine on which nothing listens, and that no other test is given.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, err := loopback.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
