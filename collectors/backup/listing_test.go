package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/s3test"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A listing that a timer wrote is as old as its file, and nothing is run for it.
func TestListingFromAFile(t *testing.T) {
	written := time.Now().Add(-25 * time.Minute).Truncate(time.Second)
	for fixed, s := range map[string]config.BackupSource{
		"restic": {Program: "restic"}, "barman": {Program: "barman", Scope: "main"}, "borg": {Program: "borg"},
		"walg":  {Program: "wal-g"},
		"kopia": {Program: "kopia", Scope: "/srv"}, "velero": {Program: "velero", Scope: "nightly"},
		"generic":    {Program: "json"},
		"pgbackrest": {Program: "pgbackrest", Scope: "main"},
	} {
		t.Run(fixed, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir()) // no program is found
			s.File = filepath.Join(t.TempDir(), "listing.json")
			backuptest.Write(t, s.File, backuptest.Recorded(t, fixed+".json"), written)
			b := backuptest.Policy(t, s)
			c := newCollector(t, nil, &config.Policy{Backups: []*config.Backup{b}})
			// what the file itself says of one
			if err := c.listNow(t); err != nil && !strings.Contains(err.Error(), "repository ") {
				t.Fatal(err)
			}
			known := 0
			for name, r := range c.facts["main"].Repositories {
				if !r.Readable() {
					continue
				}
				if known++; !r.ListedAt.Equal(written) {
					t.Errorf("repository %s is listed as of %s, want %s", name, r.ListedAt, written)
				}
			}
			if known == 0 {
				t.Fatal("nothing is known")
			}
			if err := os.Remove(s.File); err != nil {
				t.Fatal(err)
			}
			if err := c.listNow(t); program.Reason(err) != metric.ListingMissing {
				t.Errorf("without its file: %v", err)
			}
		})
	}
}

// A delete marker hides its object from the listing: the backup is gone, whatever older versions there are.
func TestS3DeleteMarkerHidesAnObject(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	objects := []s3test.Object{
		{Key: "a.dump", Modified: now.Add(-2 * time.Hour), Size: 1},
		{Key: "b.dump", Modified: now.Add(-time.Hour), Size: 1},
	}
	s := s3test.NewFunc("backups", "AKIATEST", 2, func(i int) s3test.Object { return objects[i] })
	defer s.Close()
	b := backuptest.Bucket(t, s, "", "*.dump")
	c := newCollector(t, nil, &config.Policy{Backups: []*config.Backup{b}})
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	s.Len = 1
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	if v, _ := value(t, c, metric.BackupRetained, "main", metric.KindFull, program.DefaultRepository, ""); v != 1 {
		t.Errorf("%v are kept", v)
	}
	if v, ok := value(t, c, metric.BackupRemovedAge, "main", program.DefaultRepository); !ok || v < 3600 || v > 7200 {
		t.Errorf("removed at the age of %v, %v", v, ok)
	}
}

// Results and listings, which others write, are read only from a regular file that no link leads to.
func TestResultsAndListingsFromOutside(t *testing.T) {
	b := backuptest.Policy(t, config.BackupSource{Program: "restic", File: filepath.Join(t.TempDir(), "listing.json")})
	c := newCollector(t, nil, &config.Policy{Backups: []*config.Backup{b}})
	backuptest.Outsiders(t, b.Source.File, func(t *testing.T) {
		if err := c.listNow(t); err == nil || backuptest.Shows(err.Error()) {
			t.Errorf("err = %v", err)
		}
	})
	backuptest.Outsiders(t, result.File(b.Results, b.Name, metric.TestVerify), func(t *testing.T) {
		if err := c.readResults(t.Context()); err == nil || backuptest.Shows(err.Error()) {
			t.Errorf("err = %v", err)
		}
	})
}

// If the program does not report when the newest log arrived, the time of the first listing that shows it is used.
func TestNewestLogIsAsOldAsItsFirstListing(t *testing.T) {
	script := filepath.Join(t.TempDir(), "wal-g")
	show := func(end string) {
		backuptest.Script(
			t, script, `case "$*" in *wal-show*) echo '[{"id": 1, "start_segment": "000000010000000000000001", "end_segment": "`+
				end+`"}]';; *) echo '[]';; esac`)
	}
	b := scripted(t, script, t.TempDir())
	b.Backups[0].Source = config.BackupSource{Program: "wal-g", Command: []string{script}}
	c := newCollector(t, nil, b)
	newest := func() (float64, bool) {
		if err := c.listNow(t); err != nil {
			t.Fatal(err)
		}
		return value(t, c, metric.BackupLastSuccess, "main", metric.KindWAL, "default", "")
	}
	show("000000010000000000000005")
	if at, ok := newest(); ok {
		t.Errorf("the first listing knows: %v", at)
	}
	show("000000010000000000000006")
	first, ok := newest()
	if !ok || time.Since(time.Unix(int64(first), 0)) > time.Minute {
		t.Errorf("%v, %v", first, ok)
	}
	if again, ok := newest(); !ok || again != first {
		t.Errorf("%v after %v", again, first)
	}
}

// A repository of which the archive cannot be looked at is not seen; the one beside it is.
func TestOneRepositoryThatFailsHidesNoOther(t *testing.T) {
	script := filepath.Join(t.TempDir(), "pgbackrest")
	listing := backuptest.Listing(t, "pgbackrest.json")
	backuptest.Script(
		t, script, `case "$*" in *--repo=1*repo-ls*) echo 'no such host' >&2; exit 103;; *repo-ls*) echo '{}';; *) cat `+
			listing+`;; esac`)
	c := newCollector(t, nil, scripted(t, script, t.TempDir()))
	if err := c.listNow(t); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("err = %v", err)
	}
	if v, _ := value(t, c, metric.BackupRepositoryState, "main", "1", metric.RepositoryUnreadable); v != 1 {
		t.Error("what cannot be looked at is readable")
	}
	if v, ok := value(t, c, metric.BackupListingLastSuccess, "main", "1"); !ok || v != 0 {
		t.Errorf("listed at %v, %v; want 0", v, ok)
	}
	if v, ok := value(t, c, metric.BackupListingLastSuccess, "main", "2"); !ok || v == 0 {
		t.Errorf("the other was listed at %v, %v", v, ok)
	}
}

func TestUnreadableRepositoryWasNeverListed(t *testing.T) {
	script := filepath.Join(t.TempDir(), "pgbackrest")
	listing := backuptest.Listing(t, "pgbackrest.json")
	backuptest.Script(t, script, `case "$*" in *repo-ls*) echo '{}';; *) cat `+listing+`;; esac`)
	c := newCollector(t, nil, scripted(t, script, t.TempDir()))
	_ = c.listNow(t)
	if v, ok := value(t, c, metric.BackupListingLastSuccess, "main", "3"); !ok || v != 0 {
		t.Errorf("listed at %v, %v; want 0", v, ok)
	}
	if v, ok := value(t, c, metric.BackupRepositoryState, "main", "3", metric.RepositoryUnreadable); !ok || v != 1 {
		t.Errorf("state %v, %v", v, ok)
	}
	if _, ok := value(t, c, metric.BackupLastSuccess, "main", "full", "3", ""); ok {
		t.Error("what cannot be read reads as no backup")
	}
}
