package program

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestRestic(t *testing.T) {
	to := NewListing(true)
	if err := parsers["restic"].parse(backuptest.Recorded(t, "restic.json"), to); err != nil {
		t.Fatal(err)
	}
	to.Finish(metric.KindSnapshot)
	g := to.only(t, metric.KindSnapshot)
	if g.Retained != 2 || g.Newest.Size != 90_000 || g.Newest.Added != 2000 ||
		!g.Newest.Stop.Equal(stamp(t, "2026-09-21T02:03:00Z")) ||
		!g.Oldest.Equal(stamp(t, "2026-09-20T00:00:00.123456789Z")) {
		t.Errorf("%+v", g)
	}
	if len(to.Tenants) != 2 || to.Tenants["acme"].Kind != metric.KindSnapshot {
		t.Errorf("tenants %v", to.Tenants)
	}
}

// Snapshots of restic before 0.17 carry no summary: no size is known, and none is 0.
func TestResticSummaryIsAbsentInOlderSnapshots(t *testing.T) {
	s := listed(t, metric.KindSnapshot, func(to *Listing) error {
		return parseRestic([]byte(`[{"time":"2026-09-20T02:00:00Z","id":"a"}]`), "", to)
	})
	if n := s.only(t, metric.KindSnapshot).Newest; n.Size != Unknown || n.Added != Unknown {
		t.Errorf("%+v", n)
	}
}

func TestResticGroupedSnapshots(t *testing.T) {
	s := listed(t, metric.KindSnapshot, func(to *Listing) error {
		return parseRestic([]byte(
			`[{"group_key":{"hostname":"a"},"snapshots":[{"time":"2026-09-20T02:00:00Z","id":"a"},`+
				`{"time":"2026-09-21T02:00:00Z","id":"b"}]}]`), "", to)
	})
	if g := s.only(t, metric.KindSnapshot); g.Retained != 2 {
		t.Errorf("%+v", g)
	}
}

// 3 is a backup some files of which could not be read, 10 no repository, 11 a lock, 12 a wrong password: none of them
// is an empty list, and a code that is not known is a failure too.
func TestResticExitCodes3And10And11And12(t *testing.T) {
	for _, code := range []int{1, 3, 10, 11, 12, 130, 77} {
		b := backuptest.Scripted(t, config.BackupSource{Program: "restic", Repository: "/r"},
			fmt.Sprintf(`echo '[]'; echo '{"message_type":"exit_error","code":%d,"message":"Fatal: no"}' >&2; exit %d`, code,
				code))
		err := listError(t, b)
		exit, ok := errors.AsType[*command.ExitError](err)
		if !ok || exit.Code != code || Reason(err) != metric.ListingExit || !strings.Contains(err.Error(), "Fatal: no") {
			t.Errorf("%d: %v", code, err)
		}
		if r := verified(t, b); r.success() {
			t.Errorf("%d: a verification passes", code)
		}
	}
}

func FuzzRestic(f *testing.F) { fuzzListing(f, "restic") }
