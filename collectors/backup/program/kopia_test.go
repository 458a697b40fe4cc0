package program

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

func TestKopiaListsIncompleteAndFlawedSnapshots(t *testing.T) {
	g := parsed(t, "kopia").only(t, metric.KindSnapshot)
	if g.Retained != 1 || g.Flawed != 1 || g.Newest.ID != "k1" || g.Newest.Size != 1000 ||
		!g.LastFailure.Equal(stamp(t, "2026-09-21T02:01:00Z")) {
		t.Errorf("%+v", g)
	}
}

func FuzzKopia(f *testing.F) { fuzzListing(f, "kopia") }
