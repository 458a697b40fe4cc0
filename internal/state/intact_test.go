package state

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A snapshot that is removed or replaced while it is in use is noticed by its owner, reported and saved anew.
func TestChangedSnapshotIsNotIntact(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, d *Dir)
		logged string
	}{
		"removed": {
			func(t *testing.T, d *Dir) { edit(t, d.file("health"), func([]byte) []byte { return nil }) },
			"health.state",
		},
		"replaced": {func(t *testing.T, d *Dir) { replaceFile(t, d.file("health")) }, "health.state"},
		"emptied":  {func(_ *testing.T, d *Dir) { _ = os.Truncate(d.file("health"), 0) }, "health.state"},
		"lock removed": {func(t *testing.T, d *Dir) {
			edit(t, filepath.Join(d.path, "LOCK"),
				func([]byte) []byte { return nil })
		}, "or its lock"},
		"directory removed": {func(_ *testing.T, d *Dir) { _ = os.RemoveAll(d.path) }, "or its lock"},
		"directory replaced": {
			func(_ *testing.T, d *Dir) { _ = os.RemoveAll(d.path); _ = os.Mkdir(d.path, 0o700) },
			"or its lock",
		},
	} {
		for _, loaded := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				d := open(t, filepath.Join(t.TempDir(), "state"))
				if d.Intact("health") {
					t.Fatal("nothing was saved yet")
				}
				save(t, d, "before")
				if loaded {
					_ = d.Close()
					d = open(t, d.path)
					wantLoad(t, d, "before", nil)
				}
				var log bytes.Buffer
				d.SetLogger(slog.New(slog.NewTextHandler(&log, nil)))
				if !d.Intact("health") {
					t.Fatal("nothing has changed yet")
				}
				tc.change(t, d)
				if d.Intact("health") {
					t.Error("it is not noticed")
				}
				save(t, d, "after")
				if !d.Intact("health") || !strings.Contains(log.String(), tc.logged) {
					t.Errorf("it is not mended or not reported: %s", log.String())
				}
				log.Reset()
				save(t, d, "again")
				if log.Len() > 0 {
					t.Errorf("it is reported again: %s", log.String())
				}
				path := d.path
				_ = d.Close()
				if d.Intact("health") {
					t.Error("a closed directory is not ours")
				}
				wantLoad(t, open(t, path), "again", nil)
			})
		}
	}
}

// The snapshot before a log is checked with it: one that was replaced would be rolled back at the next start.
func TestReplacedSnapshotOfALogIsNoticed(t *testing.T) {
	d := open(t, t.TempDir())
	l := mustLog(t, d)
	_ = l.Append([]byte("a"))
	segment, err := l.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Save("tenant", 1, []byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := l.Drop(segment); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	replaceFile(t, d.file("tenant"))
	if err := l.Check(); err == nil {
		t.Error("it is not noticed")
	}
}
