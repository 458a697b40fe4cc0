package program

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestWALGPositionsAreNumbers(t *testing.T) {
	s := parsed(t, "walg")
	if g := s.only(t, metric.KindFull); g.Newest.Position != 1<<64-1 || g.Newest.Size != 31_000_000 ||
		g.Newest.Added != 4_000_000 || !g.Newest.Stop.Equal(stamp(t, "2026-09-20T02:04:58Z")) {
		t.Errorf("%+v", g)
	}
}

func TestWALGDeltaByName(t *testing.T) {
	if g := parsed(t, "walg").only(t, metric.KindIncremental); g.Retained != 1 {
		t.Errorf("%+v", g)
	}
}

func TestWALGShow(t *testing.T) {
	s := NewListing(false)
	if err := parseWALG([]byte(`[]`), s); err != nil {
		t.Fatal(err)
	}
	err := parseWALGShow([]byte(
		`[{"id":1,"parent_id":0,"start_segment":"000000010000000000000001","end_segment":"000000010000000000000004",`+
			`"segments_count":3,"missing_segments":["000000010000000000000003"],"status":"LOST_SEGMENTS"}]`), s)
	if w := s.Repositories[DefaultRepository].WAL; err != nil || w.Missing != 1 || w.Newest != 5<<24 || w.Oldest != 1<<24 {
		t.Errorf("%+v, %v", w, err)
	}
}

// Delayed and uploading segments are on their way; only lost ones are missing.
func TestWALGVerify(t *testing.T) {
	for text, want := range map[string]int{
		`{"integrity":{"status":"OK","details":[{"segments_count":9,"status":"FOUND"}]},"timeline":{"status":"OK"}}`: 0,
		`{"integrity":{"status":"WARNING","details":[{"segments_count":2,"status":"MISSING_DELAYED"},{"segments_count":1,` +
			`"status":"MISSING_UPLOADING"}]},"timeline":{"status":"OK"}}`: 0,
		`{"integrity":{"status":"FAILURE","details":[{"segments_count":3,"status":"MISSING_LOST"}]},` +
			`"timeline":{"status":"OK"}}`: 3,
	} {
		v := &findings{}
		if err := parseWALGVerify([]byte(text), v); err != nil || v.missing != want || v.success() != (want == 0) {
			t.Errorf("%s: %+v, %v", text, v, err)
		}
	}
}

// Versions of WAL-G before 3 print nothing for a storage without backups, and end well.
func TestWALGWithoutBackups(t *testing.T) {
	b := backuptest.Scripted(t, config.BackupSource{Program: "wal-g"}, `test "$WALG_LOG_DESTINATION" = stderr || exit 9
		case "$*" in *wal-show*) echo '[]';; *) echo 'INFO: 2026/09/20 02:00:00 No backups found' >&2;; esac`)
	s := listReal(t, b)
	if g := s.only(t, metric.KindFull); g.Retained != 0 ||
		s.Repositories[DefaultRepository].State != metric.RepositoryEmpty {
		t.Errorf("%+v", g)
	}
	b = backuptest.Scripted(t, config.BackupSource{Program: "wal-g"}, "echo 'INFO: no route' >&2")
	if err := listError(t, b); !strings.Contains(err.Error(), "it is empty") {
		t.Errorf("nothing at all: %v", err)
	}
}

// WAL-G logs to stderr, also where all is well.
func TestWALGLogsToStderr(t *testing.T) {
	listing := backuptest.Listing(t, "walg.json")
	b := backuptest.Scripted(t,
		config.BackupSource{Program: "wal-g"}, `echo 'INFO: 2026/09/20 List backups from storages: [default]' >&2
		case "$*" in *wal-show*) echo '[]';; *) cat `+listing+`;; esac`)
	if g := listReal(t, b).only(t, metric.KindFull); g.Retained != 1 {
		t.Errorf("%+v", g)
	}
}

func FuzzWALGShow(f *testing.F) {
	f.Add([]byte(
		`[{"id":1,"start_segment":"000000010000000000000001","end_segment":"0000000100000000000000A4",` +
			`"missing_segments":["000000010000000000000002"]}]`))
	f.Add([]byte(
		`[{"id":4294967295,"start_segment":"FFFFFFFFFFFFFFFFFFFFFFFF","end_segment":"FFFFFFFFFFFFFFFFFFFFFFFF"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		to := NewListing(false)
		if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
			t.Fatal(err)
		}
		if err := parseWALGShow(text, to); err == nil {
			if w := to.Repositories[DefaultRepository].WAL; w != nil && w.Missing < 0 {
				t.Errorf("%+v", w)
			}
		}
	})
}

func FuzzWALGVerify(f *testing.F) {
	f.Add([]byte(
		`{"integrity":{"status":"FAILURE","details":[{"segments_count":3,"status":"MISSING_LOST"}]},` +
			`"timeline":{"status":"OK"}}`))
	f.Add([]byte(`{"integrity":{"status":"OK"},"timeline":{"status":"OK"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v := &findings{}
		if parseWALGVerify(text, v) == nil && len(v.checks) != 2 {
			t.Errorf("%+v", v.checks)
		}
	})
}

func FuzzWALG(f *testing.F) { fuzzListing(f, "walg") }
