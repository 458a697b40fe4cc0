package program

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func pgBackRestOf(t *testing.T, text string) *Listing {
	return listed(t, metric.KindFull, func(to *Listing) error {
		_, err := parsePgBackRest([]byte(text), "main", to)
		return err
	})
}

func TestPgBackRest(t *testing.T) {
	s := pgBackRestOf(t, string(backuptest.Recorded(t, "pgbackrest.json")))
	full := s.Groups[GroupKey{"1", metric.KindFull}]
	if full.Retained != 1 || !full.Newest.Stop.Equal(time.Unix(1789869700, 0)) || full.Newest.Size != 31_000_000 ||
		full.Newest.Stored != 4_000_000 || full.Newest.Position != 0x91000050 {
		t.Errorf("full: %+v", full)
	}
	r := s.Repositories["1"]
	if r.State != metric.RepositoryOK || r.WAL.Newest != 0xA5000000 || r.WAL.Oldest != 0x10000000 || r.WAL.Timeline != 1 {
		t.Errorf("repository: %+v, archive %+v", r, r.WAL)
	}
	if r.Running == nil || !r.Running.Active || r.Running.Done != 250 || r.Running.Total != 1000 || *r.Restoring {
		t.Errorf("running: %+v", r.Running)
	}
}

// error is true for page checksum errors inside a completed backup: it is there, and it is no good one.
func TestPgBackRestErrorIsACompletedBackupWithBadPages(t *testing.T) {
	g := pgBackRestOf(t, string(backuptest.Recorded(t, "pgbackrest.json"))).Groups[GroupKey{"1", metric.KindDifferential}]
	if g.Flawed != 1 || g.Retained != 0 || !g.Newest.Stop.IsZero() {
		t.Errorf("%+v", g)
	}
}

func TestPgBackRestBlockIncrementalHasNoRepositorySize(t *testing.T) {
	g := pgBackRestOf(t, string(backuptest.Recorded(t, "pgbackrest.json"))).Groups[GroupKey{"1", metric.KindIncremental}]
	if g.Newest.Stored != Unknown || g.Newest.Added != 50_000 {
		t.Errorf("%+v", g.Newest)
	}
}

// The exit code is 0 with status 99, so the code decides; the repository beside it is judged by its own.
func TestPgBackRestExitCodeZeroWithStatus99(t *testing.T) {
	s := pgBackRestOf(t, string(backuptest.Recorded(t, "pgbackrest.json")))
	if r := s.Repositories["3"]; r.State != metric.RepositoryUnreadable || r.Problem == "" {
		t.Errorf("%+v", r)
	}
	if r := s.Repositories["2"]; r.State != metric.RepositoryEmpty {
		t.Errorf("%+v", r)
	}
	if s.Groups[GroupKey{"3", metric.KindFull}] != nil {
		t.Error("what cannot be read reads as no backup")
	}
	if g := s.Groups[GroupKey{"2", metric.KindFull}]; g == nil || g.Retained != 0 {
		t.Error("an empty repository does not read as no backup")
	}
}

func TestPgBackRestArchiveRangeMayBeNull(t *testing.T) {
	if r := pgBackRestOf(t, string(backuptest.Recorded(t, "pgbackrest.json"))).Repositories["2"]; r.WAL != nil {
		t.Errorf("%+v", r.WAL)
	}
}

func TestPgBackRestEmptyListIsNoStanza(t *testing.T) {
	s := pgBackRestOf(t, `[]`)
	if r := s.Repositories["1"]; r == nil || r.State != metric.RepositoryMissing {
		t.Errorf("%+v", r)
	}
	if g := s.Groups[GroupKey{"1", metric.KindFull}]; g == nil || g.Retained != 0 {
		t.Errorf("%+v", g)
	}
}

func TestPgBackRestStatusCodes(t *testing.T) {
	for code, want := range map[int]string{
		0: metric.RepositoryOK, 1: metric.RepositoryMissing, 2: metric.RepositoryEmpty, 3: metric.RepositoryMissing,
		4: metric.RepositoryOK, 5: metric.RepositoryMismatch, 6: metric.RepositoryOK, 99: metric.RepositoryUnreadable,
		7: metric.RepositoryUnreadable,
	} {
		if got, _ := (stanzaStatus{Code: code}).state(); got != want {
			t.Errorf("%d is %s, want %s", code, got, want)
		}
	}
}

// After a major upgrade the older cluster's backups are still there, and their logs are counted from elsewhere.
func TestPgBackRestOldestNeededIsOfTheSameCluster(t *testing.T) {
	var s stanza
	if err := document.Decode([]byte(`{"name": "main",
		"archive": [
			{"id": "14-1", "database": {"id": 1, "repo-key": 1},
				"min": "00000009000000A100000001", "max": "00000009000000A100000008"},
			{"id": "15-2", "database": {"id": 2, "repo-key": 1},
				"min": "000000010000000000000003", "max": "000000010000000000000009"}],
		"backup": [
			{"label": "a", "type": "full", "database": {"id": 1, "repo-key": 1},
				"archive": {"start": "00000009000000A100000001", "stop": "00000009000000A100000002"}},
			{"label": "b", "type": "full", "database": {"id": 2, "repo-key": 1},
				"archive": {"start": "000000010000000000000003", "stop": "000000010000000000000004"}}]}`), &s); err != nil {
		t.Fatal(err)
	}
	ends := s.newestArchives()
	if len(ends) != 1 || ends[0].id != "15-2" {
		t.Fatalf("%+v", ends)
	}
	if oldest, ok := s.oldestNeeded(ends[0]); !ok || oldest.String() != "000000010000000000000003" {
		t.Errorf("%s, %v", oldest, ok)
	}
}

// What lies between two backups may have been deleted on purpose only before the newest full one.
func TestPgBackRestGapAfterTheNewestFullIsOne(t *testing.T) {
	var s stanza
	if err := document.Decode([]byte(`{"name": "main", "backup": [
		{"label": "a", "type": "full", "database": {"id": 1, "repo-key": 1},
			"archive": {"start": "000000010000000000000002", "stop": "000000010000000000000003"}},
		{"label": "b", "type": "full", "database": {"id": 1, "repo-key": 1},
			"archive": {"start": "000000010000000000000006", "stop": "000000010000000000000007"}},
		{"label": "c", "type": "incr", "database": {"id": 1, "repo-key": 1},
			"archive": {"start": "00000001000000000000000A", "stop": "00000001000000000000000A"}}]}`), &s); err != nil {
		t.Fatal(err)
	}
	var found []segment
	for _, i := range []uint32{2, 3, 6, 7, 10, 11} {
		found = append(found, segment{1, 0, i})
	}
	missing, named := continuity(found, s.meant(archiveEnd{repository: 1, database: 1}))
	if want := []string{"000000010000000000000008", "000000010000000000000009"}; missing != 2 ||
		!slices.Equal(named, want) {
		t.Errorf("%d missing: %q, want %q", missing, named, want)
	}
}

func TestPgBackRestNeedsAStanza(t *testing.T) {
	if _, err := NewQuery(&config.Backup{Name: "x", Source: config.BackupSource{Program: "pgbackrest"}}); err == nil {
		t.Error("no stanza is accepted")
	}
}

func FuzzPgBackRest(f *testing.F) {
	f.Add(backuptest.Recorded(f, "pgbackrest.json"))
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"name":"main","backup":[{"type":"full","lsn":{"stop":"FFFFFFFF/FFFFFFFF"}}]}]`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		to := NewListing(false)
		if s, err := parsePgBackRest(text, "main", to); err == nil {
			to.Finish(metric.KindFull)
			s.newestArchives()
		}
		_, _ = parsePgBackRestFiles(text)
	})
}

// An archive into which nothing came yet has a range of nulls or empty texts. One whose range cannot be read is a fault
// of its repository alone.
func TestPgBackRestEmptyArchives(t *testing.T) {
	whole := string(backuptest.Recorded(t, "pgbackrest.json"))
	for _, empty := range []string{`""`, `null`} {
		text := regexp.MustCompile(`"(min|max)":"[0-9A-F]*"`).ReplaceAllString(whole, `"$1":`+empty)
		if text == whole {
			t.Fatal("the fixture has another archive")
		}
		to := NewListing(false)
		stanza, err := parsePgBackRest([]byte(text), "main", to)
		if err != nil {
			t.Fatalf("%s: %v", empty, err)
		}
		if r := to.Repositories["1"]; r.State != metric.RepositoryOK || r.WAL != nil {
			t.Errorf("%s: %+v", empty, r)
		}
		for _, a := range stanza.newestArchives() {
			if a.repository == 1 {
				t.Errorf("%s: the archive is asked for %q", empty, a.newest)
			}
		}
	}
	text := strings.Replace(whole, `"0000000100000000000000A4"`, `"nonsense"`, 1)
	s := pgBackRestOf(t, text)
	if r := s.Repositories["1"]; r.Readable() || !strings.Contains(r.Problem, "nonsense") {
		t.Errorf("%+v", r)
	}
	if r := s.Repositories["2"]; !r.Readable() {
		t.Errorf("%+v", r)
	}
}

// A backup with page checksum errors is no good one, and the repository is not empty.
func TestPgBackRestOnlyBackupIsFlawed(t *testing.T) {
	s := pgBackRestOf(t, `[{"name":"main","status":{"code":0,"message":"ok"},
		"repo":[{"key":1,"status":{"code":0,"message":"ok"}}],"archive":[],
		"backup":[{"label":"20260920-020000F","type":"full","error":true,"database":{"id":1,"repo-key":1},
			"timestamp":{"start":1789869600,"stop":1789869700}}]}]`)
	g := s.Groups[GroupKey{"1", metric.KindFull}]
	if r := s.Repositories["1"]; r.State != metric.RepositoryOK || g.Flawed != 1 || g.Retained != 0 ||
		!g.Newest.Stop.IsZero() {
		t.Errorf("%+v, %+v", r, g)
	}
}
