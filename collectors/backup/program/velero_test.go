package program

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

func TestVeleroPhases(t *testing.T) {
	g := parsed(t, "velero").only(t, metric.KindFull)
	if g.Retained != 1 || g.Flawed != 1 || g.Newest.ID != "nightly-1" ||
		!g.LastFailure.Equal(stamp(t, "2026-09-23T02:00:00Z")) {
		t.Errorf("%+v", g)
	}
}

func FuzzVelero(f *testing.F) { fuzzListing(f, "velero") }
