package state

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// Whatever of the state is removed or changed while it is in use, no save succeeds that a restart would not read back.
func TestRemovedStateIsNoticedAtTheNextSave(t *testing.T) {
	for name, remove := range map[string]func(t *testing.T, d *Dir){
		"directory removed": func(t *testing.T, d *Dir) {
			if err := os.RemoveAll(d.path); err != nil {
				t.Fatal(err)
			}
		},
		"directory moved": func(t *testing.T, d *Dir) {
			if err := os.Rename(d.path, d.path+".old"); err != nil {
				t.Fatal(err)
			}
		},
		"directory emptied": func(t *testing.T, d *Dir) {
			entries, _ := os.ReadDir(d.path)
			for _, e := range entries {
				edit(t, filepath.Join(d.path, e.Name()), func([]byte) []byte { return nil })
			}
		},
		"lock removed": func(t *testing.T, d *Dir) {
			edit(t, filepath.Join(d.path, "LOCK"),
				func([]byte) []byte { return nil })
		},
		"checkpoint removed": func(t *testing.T, d *Dir) {
			edit(t, d.checkpointFile("tenant"),
				func([]byte) []byte { return nil })
		},
		"segment removed": func(t *testing.T, d *Dir) {
			edit(t, d.segmentFile("tenant", 2),
				func([]byte) []byte { return nil })
		},
		"segment cut off": func(_ *testing.T, d *Dir) {
			_ = os.Truncate(d.segmentFile("tenant", 2),
				int64(segmentHeader))
		},
		"segment emptied":  func(_ *testing.T, d *Dir) { _ = os.Truncate(d.segmentFile("tenant", 2), 0) },
		"segment grown":    func(_ *testing.T, d *Dir) { _ = os.Truncate(d.segmentFile("tenant", 2), 1000) },
		"segment replaced": func(t *testing.T, d *Dir) { replaceFile(t, d.segmentFile("tenant", 2)) },
		"old segment removed": func(t *testing.T, d *Dir) {
			edit(t, d.segmentFile("tenant", 1),
				func([]byte) []byte { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			path := filepath.Join(t.TempDir(), "state")
			d := open(t, path)
			d.SetLogger(slog.New(slog.NewTextHandler(&log, nil)))
			save(t, d, "health before")
			l := mustLog(t, d)
			_ = l.Append([]byte("a"))
			if _, err := l.Rotate(); err != nil {
				t.Fatal(err)
			}
			_ = l.Append([]byte("b"))
			if err := l.Check(); err != nil {
				t.Fatalf("nothing was removed: %v", err)
			}
			remove(t, d)
			checked := l.Check()
			if err := l.Append([]byte("c")); (err == nil) != (checked == nil) {
				t.Errorf("append: %v, check: %v", err, checked)
			}
			all := "a b c"
			if checked != nil {
				if !errors.Is(checked, ErrGone) {
					t.Errorf("check: %v", checked)
				}
				segment, err := l.Restart()
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Save("tenant", 1, []byte("a b")); err != nil {
					t.Fatal(err)
				}
				if err := l.Drop(segment); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(l.Append([]byte("c")), l.Check()); err != nil {
					t.Fatal(err)
				}
			} else if name != "lock removed" {
				t.Error("it is not noticed")
			}
			save(t, d, "health after")
			if strings.Contains(name, "directory") || name == "lock removed" {
				if n := strings.Count(log.String(), "was removed while in use"); n != 1 {
					t.Errorf("logged %d times:\n%s", n, log.String())
				}
			}
			_ = d.Close() // killed
			d = open(t, path)
			wantLoad(t, d, "health after", nil)
			from, got := uint64(1), []string{}
			if snapshot, err := d.Load("tenant", 1, 100); err == nil {
				got, from = append(got, string(snapshot)), l.first
			}
			again, err := d.OpenLog("tenant", from, func(r []byte) error { got = append(got, string(r)); return nil })
			if err != nil || strings.Join(got, " ") != all {
				t.Fatalf("replayed %q, %v; want %q", got, err, all)
			}
			_ = again.Close()
		})
	}
}

func replaceFile(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".copy", b, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".copy", name); err != nil {
		t.Fatal(err)
	}
}

// Who takes the directory after its lock was removed has it: nothing is saved beside them, nor after them.
func TestDirectoryThatAnotherTookIsNotWritten(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	save(t, d, "ours")
	l := mustLog(t, d)
	_ = l.Append([]byte("ours"))
	edit(t, filepath.Join(path, "LOCK"), func([]byte) []byte { return nil })
	other := open(t, path)
	refused := func(want string) {
		t.Helper()
		for _, err := range []error{d.Save("health", 1, []byte("lost")), l.Append([]byte("lost"))} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("err = %v, want %s", err, want)
			}
		}
	}
	refused("in use by process")
	save(t, other, "theirs")
	_ = other.Close()
	refused("restart this exporter")
	_ = d.Close()
	wantLoad(t, open(t, path), "theirs", nil)
}

// A save of one name that hangs keeps neither another name nor the log waiting.
func TestNamesDoNotWaitForEachOther(t *testing.T) {
	d := open(t, t.TempDir())
	l := mustLog(t, d)
	pipe := d.file("tenant") + ".tmp"
	mkfifo(t, pipe)
	hangs := make(chan error, 1)
	go func() { hangs <- d.Save("tenant", 1, []byte("x")) }()
	testkit.Eventually(t, func() bool { return held(d, "tenant") }, "the save to hang")
	done := make(chan struct{})
	go func() {
		defer close(done)
		save(t, d, "health")
		wantLoad(t, d, "health", nil)
		if err := l.Append([]byte("a")); err != nil {
			t.Error(err)
		}
		if _, err := l.Rotate(); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("they wait")
	}
	if r, err := os.OpenFile(pipe, os.O_RDONLY, 0); err == nil { // lets it go on
		defer r.Close()
	}
	<-hangs
}

// held reports whether a goroutine works on the files of a name.
func held(d *Dir, name string) bool {
	d.mu.Lock()
	m := d.names[name]
	d.mu.Unlock()
	if m == nil || !m.TryLock() {
		return m != nil
	}
	m.Unlock()
	return false
}
