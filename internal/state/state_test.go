package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func save(t *testing.T, d *Dir, payload string) {
	t.Helper()
	if err := d.Save("health", 1, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func wantLoad(t *testing.T, d *Dir, want string, wantErr error) {
	t.Helper()
	got, err := d.Load("health", 1, 1<<20)
	if !errors.Is(err, wantErr) || string(got) != want {
		t.Fatalf("Load = %q, %v; want %q, %v", got, err, want, wantErr)
	}
}

func TestSavedPayloadSurvivesReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	d := open(t, path)
	wantLoad(t, d, "", ErrNotFound)
	for i := range 5 {
		save(t, d, strconv.Itoa(i))
		wantLoad(t, d, strconv.Itoa(i), nil)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, open(t, path), "4", nil)
	if left, _ := filepath.Glob(filepath.Join(path, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// On a full disk the snapshot that was there stays, and nothing else.
func TestFullDiskKeepsTheSnapshot(t *testing.T) {
	const full = "/dev/full" // every write to it says that there is no room
	if _, err := os.Stat(full); err != nil {
		t.Skip(err)
	}
	path := t.TempDir()
	d := open(t, path)
	save(t, d, "old")
	if err := os.Symlink(full, d.file("health")+".tmp"); err != nil {
		t.Fatal(err)
	}
	if err := d.Save("health", 1, []byte("new")); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("err = %v", err)
	}
	wantLoad(t, d, "old", nil)
	if left, _ := filepath.Glob(filepath.Join(path, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	save(t, d, "new") // with room again
	wantLoad(t, d, "new", nil)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, open(t, path), "new", nil)
}

func TestSecondHolderLearnsWhoHoldsTheDirectory(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	_, err := Open(path)
	if err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Fatalf("err = %v, want the other process", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestClosedDirectoryRefuses(t *testing.T) {
	d := open(t, t.TempDir())
	_ = d.Close()
	if err := d.Save("health", 1, nil); err == nil {
		t.Error("saved without the lock")
	}
}

// A disk that hangs keeps neither the process from ending nor, after it, the next one from starting.
func TestCloseIsBoundedWhileASaveHangs(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	l := mustLog(t, d)
	pipe := d.file("health") + ".tmp"
	mkfifo(t, pipe)
	saved := make(chan error, 1)
	go func() { saved <- d.Save("health", 1, []byte("x")) }()
	testkit.Eventually(t, func() bool { return held(d, "health") }, "the save to hang")
	start := time.Now()
	if err := l.Close(); err != nil {
		t.Errorf("the log: %v", err)
	}
	if err := d.Close(); err == nil || !strings.Contains(err.Error(), "hangs") {
		t.Errorf("err = %v, want that the disk hangs", err)
	}
	if took := time.Since(start); took < closeTimeout || took > 5*closeTimeout {
		t.Errorf("closing took %s, want about %s", took, closeTimeout)
	}
	if _, err := Open(path); err == nil {
		t.Error("the lock was released while a save may still write")
	}
	if err := d.Save("storage", 1, nil); !errors.Is(err, errClosed) {
		t.Errorf("saved after Close: %v", err)
	}
	r, err := os.OpenFile(pipe, os.O_RDONLY, 0) // the disk answers again
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	<-saved
	if err := d.Close(); err != nil {
		t.Errorf("closing once more: %v", err)
	}
	open(t, path)
}

func TestOlderSnapshotPutBackIsARollback(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	save(t, d, "old")
	old, err := os.ReadFile(d.file("health"))
	if err != nil {
		t.Fatal(err)
	}
	save(t, d, "new")
	_ = d.Close()
	if err := os.WriteFile(d.file("health"), old, 0o640); err != nil {
		t.Fatal(err)
	}
	d = open(t, path)
	wantLoad(t, d, "", ErrRolledBack)
	save(t, d, "afresh")
	wantLoad(t, d, "afresh", nil)
}

func TestRemovedSnapshotPutBackIsARollback(t *testing.T) {
	d := open(t, t.TempDir())
	save(t, d, "x")
	old, _ := os.ReadFile(d.file("health"))
	if err := d.Remove("health"); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, d, "", ErrNotFound)
	if err := os.WriteFile(d.file("health"), old, 0o640); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, d, "", ErrRolledBack)
}

// A crash after the rename and before the record: the snapshot is one generation ahead.
func TestCrashBeforeTheRecordIsNoRollback(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	save(t, d, "1")
	lockBefore, _ := os.ReadFile(filepath.Join(path, "LOCK"))
	save(t, d, "2")
	_ = d.Close()
	if err := os.WriteFile(filepath.Join(path, "LOCK"), lockBefore, 0o640); err != nil {
		t.Fatal(err)
	}
	d = open(t, path)
	wantLoad(t, d, "2", nil)
	save(t, d, "3")
	wantLoad(t, d, "3", nil)
	if got := d.recorded("health").Generation; got != 3 {
		t.Errorf("generation %d, want 3: one that is used must not be used again", got)
	}
}

// A crash in the middle of a record tears one slot; the other still says what was saved before.
func TestTornRecordFallsBackToTheOther(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	save(t, d, "1")
	save(t, d, "2")
	torn := slots*slotBytes + int64(d.recorded("health").Sequence%slots)*nameSlotBytes
	_ = d.Close()
	f, err := os.OpenFile(filepath.Join(path, "LOCK"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("torn"), torn+20); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	d = open(t, path)
	if got := d.recorded("health").Generation; got != 1 {
		t.Errorf("generation %d, want that of the whole slot, 1", got)
	}
	wantLoad(t, d, "2", nil)
}

func TestDamagedSnapshotIsCorrupt(t *testing.T) {
	d := open(t, t.TempDir())
	save(t, d, "payload")
	good, _ := os.ReadFile(d.file("health"))
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		_ = os.WriteFile(d.file("health"), bad, 0o640)
		wantLoad(t, d, "", ErrCorrupt)
		_ = os.WriteFile(d.file("health"), good[:i], 0o640)
		wantLoad(t, d, "", ErrCorrupt)
	}
}

func TestLoadRefusesOtherVersionsAndSizes(t *testing.T) {
	d := open(t, t.TempDir())
	save(t, d, "payload")
	if _, err := d.Load("health", 2, 100); !errors.Is(err, ErrVersion) {
		t.Errorf("version: %v", err)
	}
	if _, err := d.Load("health", 1, 6); !errors.Is(err, ErrCorrupt) {
		t.Errorf("size: %v", err)
	}
	if _, err := d.Load("health", 1, 7); err != nil {
		t.Errorf("exact size: %v", err)
	}
}

func TestLoadJSON(t *testing.T) {
	d := open(t, t.TempDir())
	var got struct{ Runs int }
	if err := d.LoadJSON("health", 1, 100, &got); !errors.Is(err, ErrNotFound) {
		t.Errorf("nothing saved: %v", err)
	}
	save(t, d, `{"Runs": 3}`)
	if err := d.LoadJSON("health", 1, 100, &got); err != nil || got.Runs != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := d.LoadJSON("health", 2, 100, &got); !errors.Is(err, ErrVersion) {
		t.Errorf("version: %v", err)
	}
	save(t, d, `{"Runs": `)
	err := d.LoadJSON("health", 1, 100, &got)
	if err == nil || !strings.Contains(err.Error(), "load health: invalid JSON") {
		t.Errorf("cut: %v", err)
	}
}

func TestNamesCannotLeaveTheDirectory(t *testing.T) {
	d := open(t, t.TempDir())
	for _, name := range []string{"", "../x", "a/b", "A", ".", "LOCK"} {
		if err := d.Save(name, 1, nil); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	h := header{version: 1, generation: 2, length: 3}
	f.Add(append(h.encode([]byte("abc")), "abc"...))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		payload, h, err := parse(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if again := append(h.encode(payload), payload...); !bytes.Equal(again, data) {
			t.Fatalf("%x reads as %x", data, again)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Fuzz(func(_ *testing.T, data []byte) { parseRecord(data) })
}
