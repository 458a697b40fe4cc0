package program

import (
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
