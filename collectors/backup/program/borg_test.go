package program

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestBorgTimesHaveNoZone(t *testing.T) {
	g := parsed(t, "borg").only(t, metric.KindSnapshot)
	if !g.Oldest.Equal(stamp(t, "2026-09-20T00:05:00Z")) {
		t.Errorf("02:05 in Berlin is %s", g.Oldest)
	}
	if !g.Newest.Stop.Equal(stamp(t, "2026-09-21T00:05:00Z")) { // this one, of Borg 2, has a zone
		t.Errorf("newest %s", g.Newest.Stop)
	}
}

func TestBorgCheckpointsAndOtherArchivesAreLeftOut(t *testing.T) {
	if g := parsed(t, "borg").only(t, metric.KindSnapshot); g.Retained != 2 || g.Newest.Size != 1100 ||
		g.Newest.Added != 10 {
		t.Errorf("%+v", g)
	}
}

// 1 is a warning of Borg, and so is 100 and more with modern exit codes: the listing holds, and the warning is shown
// with the repository. A verification that ends with one has found something.
func TestBorgExitCode1IsAWarning(t *testing.T) {
	listing := backuptest.Listing(t, "borg.json")
	for _, code := range []int{1, 100, 127} {
		b := backuptest.Scripted(t, config.BackupSource{Program: "borg", Repository: "/r"},
			fmt.Sprintf("cat %s; echo 'the index is stale' >&2; exit %d", listing, code))
		s := listReal(t, b)
		if g := s.only(t, metric.KindSnapshot); g.Retained == 0 {
			t.Errorf("%d: %+v", code, g)
		}
		if r := s.Repositories[DefaultRepository]; r.State != metric.RepositoryOK ||
			!strings.Contains(r.Problem, "the index is stale") {
			t.Errorf("%d: %+v", code, r)
		}
		if r := verified(t, b); r.success() || !strings.Contains(r.checks[0].err.Error(),
			fmt.Sprint("exited with code ", code)) {
			t.Errorf("%d: %+v", code, r)
		}
	}
	for _, text := range []string{"cat " + listing + "; exit 2", "head -c 100 " + listing + "; exit 1", "exit 1"} {
		_ = listError(t, backuptest.Scripted(t, config.BackupSource{Program: "borg", Repository: "/r"}, text))
	}
}

func FuzzBorgList(f *testing.F) {
	f.Add(backuptest.Recorded(f, "borg.json"))
	f.Add([]byte(`{"archives":[{"id":"1","name":"db-1","time":"2026-09-20T02:00:00.000000"}]}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		to := NewListing(true)
		if parseBorg(text, &config.BackupSource{Scope: "db-", TimeZone: "Europe/Berlin", Pattern: "{tenant}"}, false,
			to) == nil {
			to.Finish(metric.KindSnapshot)
		}
	})
}

func FuzzBorg(f *testing.F) { fuzzListing(f, "borg") }
