package state

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// written is a closed directory with a log of five records in two segments.
func written(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	d := open(t, path)
	l := mustLog(t, d)
	_ = l.Append([]byte("a"), []byte("b"))
	if _, err := l.Rotate(); err != nil {
		t.Fatal(err)
	}
	_ = l.Append([]byte("c"))
	_ = l.Append([]byte("d"), []byte("e"))
	_ = d.Close() // killed: the log is not closed
	return path
}

func edit(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if b = change(b); b == nil {
		err = os.Remove(name)
	} else {
		err = os.WriteFile(name, b, 0o640)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Damage to the log alone is noticed by its checkpoint. Damage to both must be noticed too.
func TestDamageToMarkAndLogIsNoticed(t *testing.T) {
	checkpoints := map[string]func([]byte) []byte{
		"removed": func([]byte) []byte { return nil },
		"empty":   func([]byte) []byte { return []byte{} },
		"flipped": func(b []byte) []byte { b[3] ^= 1; return b },
		"cut":     func(b []byte) []byte { return b[:len(b)-1] },
		"longer":  func(b []byte) []byte { return append(b, 0) },
	}
	logs := map[string]func([]byte) []byte{
		"intact":         func(b []byte) []byte { return b },
		"last is gone":   func(b []byte) []byte { return b[:len(b)-frameHeader-1] },
		"last is torn":   func(b []byte) []byte { return b[:len(b)-1] },
		"flipped":        func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"all is gone":    func(b []byte) []byte { return b[:segmentHeader] },
		"file is gone":   func([]byte) []byte { return nil },
		"file is empty":  func([]byte) []byte { return []byte{} },
		"only its bytes": func(b []byte) []byte { return make([]byte, len(b)) },
	}
	for checkpointName, damageCheckpoint := range checkpoints {
		for logName, damageLog := range logs {
			t.Run(checkpointName+", "+logName, func(t *testing.T) {
				path := written(t)
				edit(t, filepath.Join(path, "tenant.mark"), damageCheckpoint)
				edit(t, filepath.Join(path, "tenant.00000002.log"), damageLog)
				d := open(t, path)
				if _, got, err := replayAll(t, d, 1); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrRolledBack) {
					t.Fatalf("replayed %q, %v", got, err)
				}
				if err := d.ResetLog("tenant"); err != nil {
					t.Fatal(err)
				}
				l := mustLog(t, d)
				_ = l.Append([]byte("anew"))
				mustLog(t, d, "anew")
			})
		}
	}
}

// All files of a log are removed: what was saved is lost, which is not the same as a log that there never was.
func TestRemovedLogIsNoNewLog(t *testing.T) {
	path := written(t)
	for _, name := range []string{"tenant.mark", "tenant.00000001.log", "tenant.00000002.log"} {
		edit(t, filepath.Join(path, name), func([]byte) []byte { return nil })
	}
	d := open(t, path)
	if _, _, err := replayAll(t, d, 1); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("err = %v", err)
	}
}

// A piece of a log that is there twice, or in another place, is no continuation of it.
func TestLogIsOnlyContinuedByItself(t *testing.T) {
	whole := []string{"a", "b", "c", "d", "e"}
	frame := frameHeader + 1
	for name, tc := range map[string]struct {
		segment string
		change  func([]byte) []byte
		want    []string // nil is an error
	}{
		"appended to itself":     {"2", func(b []byte) []byte { return slices.Concat(b, b) }, whole},
		"records appended again": {"2", func(b []byte) []byte { return slices.Concat(b, b[segmentHeader:]) }, whole},
		"last record again":      {"2", func(b []byte) []byte { return slices.Concat(b, b[len(b)-frame:]) }, whole},
		"older one to itself":    {"1", func(b []byte) []byte { return slices.Concat(b, b) }, nil},
		"records changed places": {"2", func(b []byte) []byte {
			return slices.Concat(b[:segmentHeader], b[len(b)-frame:], b[segmentHeader+frame:])
		}, nil},
		"one in place of another": {"2", func(b []byte) []byte {
			return slices.Concat(b[:len(b)-frame],
				b[segmentHeader:segmentHeader+frame])
		}, nil},
		"older one lacks a record":  {"1", func(b []byte) []byte { return b[:len(b)-frame] }, nil},
		"a record in between twice": {"1", func(b []byte) []byte { return slices.Concat(b, b[len(b)-frame:]) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := written(t)
			edit(t, filepath.Join(path, "tenant.0000000"+tc.segment+".log"), tc.change)
			d := open(t, path)
			l, got, err := replayAll(t, d, 1)
			if tc.want == nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrRolledBack) {
					t.Fatalf("replayed %q, %v", got, err)
				}
				return
			}
			if err != nil || !slices.Equal(got, tc.want) || l.Dropped() == 0 {
				t.Fatalf("replayed %q, %v", got, err)
			}
			_ = l.Append([]byte("f"))
			mustLog(t, d, append(whole, "f")...)
		})
	}
	t.Run("one segment in place of the other", func(t *testing.T) {
		path := written(t)
		first, _ := os.ReadFile(filepath.Join(path, "tenant.00000001.log"))
		edit(t, filepath.Join(path, "tenant.00000002.log"), func([]byte) []byte { return first })
		d := open(t, path)
		if _, got, err := replayAll(t, d, 1); !errors.Is(err, ErrRolledBack) {
			t.Fatalf("replayed %q, %v", got, err)
		}
	})
}
