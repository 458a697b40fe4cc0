package backup

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// What is saved of backups is removed, replaced or cannot be written, while nothing changes that would be saved.
func TestRemovedStateIsSavedAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	script := filepath.Join(t.TempDir(), "pgbackrest")
	backuptest.Script(t, script, `echo '[]'`)
	c := newCollector(t, dir, scripted(t, script, t.TempDir()))
	unsaved := func(want float64) {
		t.Helper()
		if got, ok := value(t, c, metric.StateUnsaved, snapshotName); !ok || got != want {
			t.Errorf("thorbis_state_unsaved %v, want %v", got, want)
		}
	}
	saved := func() {
		t.Helper()
		if err := c.save(time.Now()); err != nil {
			t.Fatal(err)
		}
		if !dir.Intact(snapshotName) {
			t.Error("it is not saved anew")
		}
		unsaved(0)
	}
	if at, ok := value(t, c, metric.StateLastSave, snapshotName); !ok || at == 0 {
		t.Error("no time from which the alert could count")
	}
	saved()
	file := filepath.Join(path, snapshotName+".state")
	for name, change := range map[string]func() error{
		"file removed":      func() error { return os.Remove(file) },
		"file emptied":      func() error { return os.Truncate(file, 0) },
		"lock removed":      func() error { return os.Remove(filepath.Join(path, "LOCK")) },
		"directory removed": func() error { return os.RemoveAll(path) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			saved()
		})
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file+".tmp", 0o700); err != nil { // saving fails
		t.Fatal(err)
	}
	if err := c.save(time.Now()); err == nil {
		t.Error("saving succeeded over a directory")
	}
	unsaved(1)
	if err := os.Remove(file + ".tmp"); err != nil {
		t.Fatal(err)
	}
	saved()
}
