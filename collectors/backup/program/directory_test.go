package program

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

func directoryPolicy(t *testing.T, pattern string) *config.Backup {
	t.Helper()
	return backuptest.Policy(t, config.BackupSource{Program: "directory", Path: t.TempDir(), Pattern: pattern})
}

func TestDirectory(t *testing.T) {
	b := directoryPolicy(t, "db-*.dump")
	for name, at := range map[string]time.Time{
		"db-1.dump": backuptest.Noon, "db-2.dump": backuptest.Noon.Add(time.Hour),
		"db-3.dump.tmp": backuptest.Noon.Add(2 * time.Hour), "sub/db-4.dump": backuptest.Noon.Add(3 * time.Hour),
	} {
		backuptest.Write(t, filepath.Join(b.Source.Path, name), []byte("12345"), at)
	}
	if err := os.Symlink("db-1.dump", filepath.Join(b.Source.Path, "db-9.dump")); err != nil {
		t.Fatal(err)
	}
	if g := listReal(t, b).only(t, metric.KindFull); g.Retained != 2 ||
		!g.Newest.Stop.Equal(backuptest.Noon.Add(time.Hour)) || g.Newest.Size != 5 {
		t.Errorf("%+v", g)
	}
	// A directory that is not there cannot be seen; that is not the same as no backup.
	b.Source.Path += "/gone"
	q, err := NewQuery(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.List(t.Context(), nil); Reason(err) != metric.ListingMissing {
		t.Errorf("err = %v", err)
	}
}

// passing calls back whenever it is asked whether it has ended.
type passing struct {
	context.Context
	passed func()
}

func (p passing) Err() error {
	p.passed()
	return p.Context.Err()
}

// A backup that is being made renames and deletes files of its own, and one that is kept no longer goes as a whole.
// Neither costs the listing another backup, or the one that is being made itself.
func TestDirectoryWhileFilesGo(t *testing.T) {
	for _, gone := range []string{"base-2/x.tmp", "base-2/y", "base-1"} {
		for at := range 12 {
			b := directoryPolicy(t, "base-*")
			for _, name := range []string{"base-1/x", "base-2/w", "base-2/x.tmp", "base-2/y/z", "base-3/x"} {
				backuptest.Write(t, filepath.Join(b.Source.Path, name), []byte("12345"), backuptest.Noon)
			}
			q, err := NewQuery(b)
			if err != nil {
				t.Fatal(err)
			}
			steps := 0
			s, err := q.List(passing{t.Context(), func() {
				if steps++; steps == at {
					if err := os.RemoveAll(filepath.Join(b.Source.Path, gone)); err != nil {
						t.Error(err)
					}
				}
			}}, nil)
			if err != nil {
				t.Fatalf("%s went at step %d: %v", gone, at, err)
			}
			g := s.only(t, metric.KindFull)
			if g.Retained != 3 && (gone != "base-1" || g.Retained != 2) {
				t.Errorf("%s went at step %d: %d of 3 backups are listed", gone, at, g.Retained)
			}
		}
	}
}

func TestDirectoryMarker(t *testing.T) {
	b := directoryPolicy(t, "*.dump")
	b.Source.Marker = "{name}.done"
	backuptest.Write(t, filepath.Join(b.Source.Path, "a.dump"), []byte("1"), backuptest.Noon)
	backuptest.Write(t, filepath.Join(b.Source.Path, "a.dump.done"), nil, backuptest.Noon)
	backuptest.Write(t, filepath.Join(b.Source.Path, "b.dump"), []byte("1"), backuptest.Noon.Add(time.Hour))
	if g := listReal(t, b).only(t, metric.KindFull); g.Retained != 1 || g.Newest.ID != "a.dump" ||
		!g.LastFailure.Equal(backuptest.Noon.Add(time.Hour)) {
		t.Errorf("%+v", g)
	}
}

func TestDirectoriesPerTenant(t *testing.T) {
	b := directoryPolicy(t, "{tenant}/base-*")
	b.PerTenant = &config.BackupPerTenant{}
	backuptest.Write(t, filepath.Join(b.Source.Path, "acme/base-1/x"), []byte("12345"), backuptest.Noon)
	backuptest.Write(t, filepath.Join(b.Source.Path, "acme/base-1/y/z"), []byte("12345"), backuptest.Noon)
	s := listReal(t, b)
	if g := s.only(t, metric.KindFull); g.Newest.Size != 10 || g.Retained != 1 {
		t.Errorf("%+v", g)
	}
	if s.Tenants["acme"].Stop.IsZero() {
		t.Errorf("%v", s.Tenants)
	}
}
