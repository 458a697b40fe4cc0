package state

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// firstFormat is a copy of a state that was written before records had sequence numbers and names had slots in the
// lock: "killed" by a process that was killed, "closed" by one that ended in order.
func firstFormat(t *testing.T, which string) string {
	t.Helper()
	path := t.TempDir()
	if err := os.CopyFS(path, os.DirFS(filepath.Join("testdata", "first_format", which))); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFirstFormatGoesOn(t *testing.T) {
	for _, which := range []string{"killed", "closed"} {
		t.Run(which, func(t *testing.T) {
			path := firstFormat(t, which)
			for i, added := 0, []string{"f", "g", "h"}; i <= len(added); i++ {
				d := open(t, path)
				if d.Session() != uint64(2+i) {
					t.Errorf("session %d", d.Session())
				}
				if got, err := d.Load("health", 1, 100); string(got) != "new" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				if got, err := d.Load("log", 1, 100); string(got) != "2" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				var got []string
				l, err := d.OpenLog("log", 2, func(r []byte) error { got = append(got, string(r)); return nil })
				if want := append([]string{"c", "d", "e"}, added[:i]...); err != nil || !slices.Equal(got, want) {
					t.Fatalf("%q, %v, want %q", got, err, want)
				}
				if i < len(added) {
					if err := l.Append([]byte(added[i])); err != nil {
						t.Fatal(err)
					}
				}
				if i != 1 { // once it is killed
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// What the first format noticed is still noticed.
func TestFirstFormatIsStillChecked(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"cut off": func(t *testing.T, path string) {
			edit(t, filepath.Join(path, "log.00000003.log"), func(b []byte) []byte { return b[:legacyHeader+1] })
		},
		"checkpoint removed, cut off": func(t *testing.T, path string) {
			edit(t, filepath.Join(path, "log.mark"), func([]byte) []byte { return nil })
			edit(t, filepath.Join(path, "log.00000003.log"), func(b []byte) []byte { return b[:legacyHeader+1] })
		},
		"segment removed": func(t *testing.T, path string) {
			edit(t, filepath.Join(path, "log.00000002.log"), func([]byte) []byte { return nil })
		},
		"checkpoint of an earlier epoch": func(t *testing.T, path string) {
			d := open(t, path)
			l, err := d.OpenLog("log", 2, func([]byte) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
			_ = d.Close()
			edit(t, filepath.Join(path, "log.mark"), func([]byte) []byte { return checkpoint{3, 18, 1}.encode() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := firstFormat(t, "closed")
			change(t, path)
			d := open(t, path)
			if _, err := d.OpenLog("log", 2, func([]byte) error { return nil }); !errors.Is(err, ErrCorrupt) &&
				!errors.Is(err, ErrRolledBack) {
				t.Errorf("err = %v", err)
			}
		})
	}
	path := firstFormat(t, "closed")
	d := open(t, path)
	if _, err := d.Load("health", 1, 100); err != nil {
		t.Fatal(err)
	}
	edit(t, d.file("health"), func([]byte) []byte {
		h := header{version: 1, generation: 1, length: 3}
		return append(h.encode([]byte("old")), "old"...)
	})
	if _, err := d.Load("health", 1, 100); !errors.Is(err, ErrRolledBack) ||
		!strings.Contains(err.Error(), "2 was saved") {
		t.Errorf("an older snapshot put back: %v", err)
	}
}

// A piece of a segment of the first format that is there again, which has no sequence number to show it, is not counted
// twice.
func TestFirstFormatIsOnlyContinuedByItself(t *testing.T) {
	frame := legacyHeader + 1
	last := func(b []byte) []byte { return b[len(b)-frame:] }
	for name, tc := range map[string]struct {
		segment string
		change  func([]byte) []byte
		refused bool
	}{
		"appended to itself":  {"3", func(b []byte) []byte { return slices.Concat(b, b) }, false},
		"appended twice":      {"3", func(b []byte) []byte { return slices.Concat(b, b, b) }, false},
		"and torn":            {"3", func(b []byte) []byte { return slices.Concat(b, b, b[:frame/2]) }, false},
		"first record again":  {"3", func(b []byte) []byte { return slices.Concat(b, b[:frame]) }, false},
		"last record again":   {"3", func(b []byte) []byte { return slices.Concat(b, last(b)) }, false},
		"older one to itself": {"2", func(b []byte) []byte { return slices.Concat(b, b) }, true},
	} {
		for _, which := range []string{"killed", "closed"} {
			t.Run(name+", "+which, func(t *testing.T) {
				path := firstFormat(t, which)
				edit(t, filepath.Join(path, "log.0000000"+tc.segment+".log"), tc.change)
				d := open(t, path)
				var got []string
				replay := func(r []byte) error { got = append(got, string(r)); return nil }
				l, err := d.OpenLog("log", 2, replay)
				if tc.refused {
					if !errors.Is(err, ErrCorrupt) {
						t.Fatalf("replayed %q, %v", got, err)
					}
					return
				}
				if err != nil || !slices.Equal(got, []string{"c", "d", "e"}) {
					t.Fatalf("replayed %q, %v", got, err)
				}
				_ = l.Append([]byte("f"))
				got = nil
				if _, err := d.OpenLog("log", 2, replay); err != nil || !slices.Equal(got, []string{"c", "d", "e", "f"}) {
					t.Fatalf("replayed %q, %v", got, err)
				}
			})
		}
	}
}

// What a crash left behind the checkpoint is a continuation, also if a record of it is like an older one.
func TestFirstFormatBehindItsCheckpoint(t *testing.T) {
	path := firstFormat(t, "killed")
	segment := filepath.Join(path, "log.00000003.log")
	edit(t, segment, func(b []byte) []byte { return slices.Concat(b, legacyFrame("d"), legacyFrame("g")) })
	var got []string
	_, err := open(t, path).OpenLog("log", 2, func(r []byte) error { got = append(got, string(r)); return nil })
	if want := []string{"c", "d", "e", "d", "g"}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("replayed %q, %v, want %q", got, err, want)
	}
}

func legacyFrame(payload string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
	return append(binary.LittleEndian.AppendUint32(b, crc32.Checksum(append(b, payload...), castagnoli)), payload...)
}
