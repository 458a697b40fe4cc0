package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func replayAll(t *testing.T, d *Dir, from uint64) (*Log, []string, error) {
	t.Helper()
	var got []string
	l, err := d.OpenLog("tenant", from, func(r []byte) error { got = append(got, string(r)); return nil })
	if err == nil {
		t.Cleanup(func() { _ = l.Close() })
	}
	return l, got, err
}

func mustLog(t *testing.T, d *Dir, want ...string) *Log {
	t.Helper()
	l, got, err := replayAll(t, d, 1)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("replayed %q, %v; want %q", got, err, want)
	}
	return l
}

func TestLogIsReplayedInOrder(t *testing.T) {
	d := open(t, t.TempDir())
	l := mustLog(t, d)
	if err := l.Append([]byte("a"), []byte("b")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Rotate(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]byte("c")); err != nil {
		t.Fatal(err)
	}
	l = mustLog(t, d, "a", "b", "c")
	if l.Size() != 2*int64(segmentHeader)+3*(frameHeader+1) {
		t.Errorf("size %d", l.Size())
	}
	if err := l.Drop(2); err != nil || l.Size() != int64(segmentHeader)+frameHeader+1 {
		t.Errorf("%v, size %d", err, l.Size())
	}
	if _, got, err := replayAll(t, d, 2); err != nil || !slices.Equal(got, []string{"c"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// A crash in the middle of a write leaves every possible beginning of the record.
func TestTornRecordIsDropped(t *testing.T) {
	d := open(t, t.TempDir())
	l := mustLog(t, d)
	if err := l.Append([]byte("whole")); err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(d.segmentFile("tenant", 1))
	saved, _ := os.ReadFile(d.checkpointFile("tenant"))
	next := appendFrame(nil, 2, []byte("torn"))
	for cut := range len(next) {
		torn := slices.Concat(whole, next[:cut])
		if err := os.WriteFile(d.segmentFile("tenant", 1), torn, 0o640); err != nil {
			t.Fatal(err)
		}
		l = mustLog(t, d, "whole")
		if err := l.Append([]byte("next")); err != nil {
			t.Fatal(err)
		}
		mustLog(t, d, "whole", "next")
		if err := os.WriteFile(d.checkpointFile("tenant"), saved, 0o640); err != nil { // the epochs after it are the lock's
			t.Fatal(err)
		}
		d.holder().names[epochKey("tenant")].Generation = 1
		if err := os.WriteFile(d.segmentFile("tenant", 1), whole, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLogCutShortOrPutBackIsARollback(t *testing.T) {
	d := open(t, t.TempDir())
	l := mustLog(t, d)
	for i := range 3 {
		if err := l.Append(fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(d.segmentFile("tenant", 1), int64(segmentHeader)+frameHeader+1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := replayAll(t, d, 1); !errors.Is(err, ErrRolledBack) {
		t.Fatalf("err = %v, want a rollback", err)
	}
	if err := d.ResetLog("tenant"); err != nil {
		t.Fatal(err)
	}
	mustLog(t, d)
}

// A whole copy of the log, its checkpoint with it, that was made while it was open or before.
func TestLogPutBackWithItsMarkIsARollback(t *testing.T) {
	for _, later := range []string{"closed", "opened again", "killed and opened again"} {
		t.Run(later, func(t *testing.T) {
			path, old := t.TempDir(), t.TempDir()
			d := open(t, path)
			l := mustLog(t, d)
			_ = l.Append([]byte("a"))
			files := []string{"tenant.00000001.log", "tenant.mark"}
			for _, name := range files {
				text, _ := os.ReadFile(filepath.Join(path, name))
				_ = os.WriteFile(filepath.Join(old, name), text, 0o600)
			}
			_ = l.Append([]byte("b"))
			if later == "killed and opened again" {
				_ = d.Close() // the lock goes with the process, and nothing else happens
			} else {
				_ = l.Close()
				_ = d.Close()
			}
			if later != "closed" {
				d = open(t, path)
				_ = mustLog(t, d, "a", "b")
				_ = d.Close()
			}
			for _, name := range files {
				text, _ := os.ReadFile(filepath.Join(old, name))
				_ = os.WriteFile(filepath.Join(path, name), text, 0o600)
			}
			d = open(t, path)
			if _, _, err := replayAll(t, d, 1); !errors.Is(err, ErrRolledBack) {
				t.Fatalf("err = %v, want a rollback", err)
			}
			if err := d.ResetLog("tenant"); err != nil {
				t.Fatal(err)
			}
			l = mustLog(t, d)
			_ = l.Append([]byte("c"))
			mustLog(t, d, "c")
		})
	}
}

func TestDamageInsideTheLogIsCorrupt(t *testing.T) {
	d := open(t, t.TempDir())
	l := mustLog(t, d)
	_ = l.Append([]byte("first"))
	_, _ = l.Rotate()
	_ = l.Append([]byte("second"))
	name := d.segmentFile("tenant", 1)
	b, _ := os.ReadFile(name)
	b[segmentHeader+frameHeader] ^= 1
	if err := os.WriteFile(name, b, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := replayAll(t, d, 1); !errors.Is(err, ErrCorrupt) {
		t.Errorf("flipped bit: %v", err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, _, err := replayAll(t, d, 1); !errors.Is(err, ErrCorrupt) {
		t.Errorf("missing segment: %v", err)
	}
}

func TestFailedAppendLeavesNothing(t *testing.T) {
	d := open(t, t.TempDir())
	l := mustLog(t, d)
	_ = l.Append([]byte("kept"))
	good := l.file
	var err error
	if l.file, err = os.Open(d.segmentFile("tenant", 1)); err != nil { // for reading only: writes fail
		t.Fatal(err)
	}
	if err := l.Append([]byte("lost")); err == nil {
		t.Fatal("no error")
	}
	_ = l.file.Close()
	l.file = good
	if err := l.Append([]byte("again")); err != nil {
		t.Fatal(err)
	}
	mustLog(t, d, "kept", "again")
}

// Whatever lies in a segment, replaying it ends with records or an error, and records come in their order.
func FuzzReplay(f *testing.F) {
	seed := appendSegmentHeader(nil, 1, 1)
	seed = appendFrame(appendFrame(seed, 1, []byte("one")), 2, []byte("two"))
	f.Add(seed)
	f.Add(seed[:len(seed)-1])
	f.Add(slices.Concat(seed, seed))
	f.Add([]byte("\x01\x00\x00\x00\xb4\x5d\x0b\x1fa"))
	f.Fuzz(func(t *testing.T, b []byte) {
		name := t.TempDir() + "/x"
		testkit.WriteFile(t, name, b)
		end, err := replaySegment(name, place{number: 1, next: 1, last: true}, func([]byte) error { return nil })
		if err != nil || end.at+end.rest != int64(len(b)) || end.err == nil && end.rest > 0 {
			t.Fatalf("%+v, %v", end, err)
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(checkpoint{1, 2, 3}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, ok := parseCheckpoint(b); ok && string(m.encode()) != string(b) {
			t.Fatalf("%x reads as %+v", b, m)
		}
	})
}
