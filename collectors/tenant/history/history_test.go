package history

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

func dayOf(date Date, tenants int) *Day {
	d := &Day{Date: date, Part: "0123abcd.1", Zone: "Europe/Berlin", Thresholds: []uint64{3e8, 1e9}}
	random := rand.New(rand.NewPCG(1, uint64(tenants)))
	for i := range tenants {
		for _, service := range []string{"web", "api"}[:1+i%2] {
			d.Entries = append(d.Entries, Entry{service, fmt.Sprintf("tenant-%d", i), Counts{
				Requests: uint64(1000 + random.IntN(1000)), Failed: uint64(i % 3), Late: uint64(i % 5), LateFailed: uint64(i % 2),
				Bytes: uint64(random.IntN(1e6)), Slow: []uint64{uint64(i % 7), uint64(i % 4)},
			}})
		}
	}
	random.Shuffle(len(d.Entries), func(i, j int) { d.Entries[i], d.Entries[j] = d.Entries[j], d.Entries[i] })
	return d
}

// Every tenant of every day is read back as it was written, in the order of the dates; parts of a day add up.
func TestDaysAreReadBack(t *testing.T) {
	d := Open(filepath.Join(t.TempDir(), "history"))
	want := map[string][]Record{}
	for i := range 5 {
		day := dayOf(Date("2026-02-27").Add(i), 3000)
		if i == 3 {
			day.Part = "0123abcd.7"
		}
		if err := d.Write(day); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(day); err != nil { // again, as after a crash
			t.Fatal(err)
		}
		slices.SortFunc(day.Entries, func(a, b Entry) int { return cmp.Compare(a.Service, b.Service) })
		for _, e := range day.Entries {
			want[e.Tenant] = append(want[e.Tenant], Record{day.Date, day.Part, day.Zone, day.Thresholds, e})
		}
	}
	for i := 0; i < 3000; i += 1 + i/30 {
		name := fmt.Sprintf("tenant-%d", i)
		got, unreadable, err := d.Read(t.Context(), name, "2026-02-27", "2026-03-03")
		if err != nil || len(unreadable) > 0 || !reflect.DeepEqual(got, want[name]) {
			t.Fatalf("%s: %v %v %+v, want %+v", name, err, unreadable, got, want[name])
		}
	}
	for _, name := range []string{"", "absent", "zzz", "tenant-"} {
		if got, _, err := d.Read(t.Context(), name, "2026-02-27", "2026-03-03"); len(got) > 0 || err != nil {
			t.Errorf("%q: %v %v", name, got, err)
		}
	}
	got, _, err := d.Read(t.Context(), "tenant-2", "2026-02-28", "2026-03-01")
	if err != nil || len(got) != 2 || got[0].Date != "2026-02-28" || got[1].Date != "2026-03-01" {
		t.Errorf("two days: %v %+v", err, got)
	}
	if days, size, _ := d.Status(); days != 5 || size < 5*3000 || size > 5*3000*40 {
		t.Errorf("%d days in %d bytes", days, size)
	}
}

// A day without requests has no file, and old ones are removed.
func TestOldDaysAreRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	d := Open(path)
	if err := d.Write(&Day{Date: "2026-01-01", Part: "a.1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a day without requests: %v", err)
	}
	first := Date("2025-01-01")
	if err := d.Write(dayOf(first, 1)); err != nil {
		t.Fatal(err)
	}
	for i := range Days + 4 { // without waiting for the disk each time
		text, err := encode(dayOf(first.Add(i), 1))
		if err == nil {
			err = os.WriteFile(filepath.Join(path, string(first.Add(i))+".0123abcd.1.day"), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Write(dayOf(first.Add(Days+4), 1)); err != nil {
		t.Fatal(err)
	}
	if days, _, _ := d.Status(); days != Days+1 {
		t.Errorf("%d days", days)
	}
	got, _, _ := d.Read(t.Context(), "tenant-0", "2000-01-01", "2100-01-01")
	if len(got) != Days+1 || got[0].Date != first.Add(4) {
		t.Errorf("%d days from %s", len(got), got[0].Date)
	}
}

// A damaged file is reported and counted, and costs no other day.
func TestDamagedDays(t *testing.T) {
	day := dayOf("2026-01-02", 2000)
	text, err := encode(day)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string]func([]byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"cut off":   func(b []byte) []byte { return b[:len(b)/2] },
		"one byte":  func(b []byte) []byte { return b[:len(b)-1] },
		"a bit":     func(b []byte) []byte { b[30] ^= 1; return b },
		"a block":   func(b []byte) []byte { b[len(b)/3] ^= 4; return b },
		"a zero":    func(b []byte) []byte { clear(b[len(b)-600:]); return b },
		"other day": func([]byte) []byte { b, _ := encode(dayOf("2026-01-09", 3)); return b },
	}
	for name, f := range damage {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := Open(path)
			for _, date := range []Date{"2026-01-01", "2026-01-02", "2026-01-03"} {
				if err := d.Write(dayOf(date, 2000)); err != nil {
					t.Fatal(err)
				}
			}
			file := filepath.Join(path, "2026-01-02.0123abcd.1.day")
			if err := os.WriteFile(file, f(bytes.Clone(text)), 0o600); err != nil {
				t.Fatal(err)
			}
			failed := 0
			for i := 0; i < 2000; i += 29 {
				got, unreadable, err := d.Read(t.Context(), fmt.Sprintf("tenant-%d", i), "2026-01-01", "2026-01-03")
				switch {
				case err == nil && len(unreadable) == 0:
				case !errors.Is(err, ErrCorrupt) || !reflect.DeepEqual(unreadable, []Date{"2026-01-02"}):
					t.Fatalf("%v %v", err, unreadable)
				default:
					failed++
					if len(got) == 0 || got[0].Date != "2026-01-01" || got[len(got)-1].Date != "2026-01-03" {
						t.Fatalf("the other days: %+v", got)
					}
				}
			}
			if _, _, errors := d.Status(); failed == 0 || errors.Read != uint64(failed) {
				t.Errorf("%d reads failed, %+v are counted", failed, errors)
			}
		})
	}
}

func TestDates(t *testing.T) {
	for _, bad := range []string{"", "2026-2-3", "2026-02-30", "20260203", "2026-02-03T00:00:00Z", "../etc"} {
		if d, err := ParseDate(bad); err == nil {
			t.Errorf("%q is %s", bad, d)
		}
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC)
	if got := DateOf(at.In(berlin)); got != "2026-03-29" || got.Add(-1) != "2026-03-28" {
		t.Errorf("%s", got)
	}
}

// Whatever a file holds, reading it ends, with entries or with an error.
func FuzzFile(f *testing.F) {
	for _, n := range []int{0, 1, 50} {
		text, err := encode(dayOf("2026-01-02", n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(text[:len(text)-3])
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		day, err := openFile(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		for _, b := range day.blocks {
			if entries, err := day.find(b.first); err == nil && len(entries) == 0 {
				t.Log("an index that names a tenant it does not have")
			}
		}
	})
}

// What a year of days costs: on the disk by tenant and day, and to read for one tenant.
func BenchmarkReadYear(b *testing.B) {
	d := Open(filepath.Join(b.TempDir(), "history"))
	for i := range 365 {
		if err := d.Write(dayOf(Date("2025-01-01").Add(i), 2000)); err != nil {
			b.Fatal(err)
		}
	}
	_, size, _ := d.Status()
	for b.Loop() {
		if got, _, err := d.Read(b.Context(), "tenant-1000", "2025-01-01", "2025-12-31"); err != nil || len(got) != 365 {
			b.Fatal(err, len(got))
		}
	}
	b.ReportMetric(float64(size)/365/3000, "bytes/tenant-day")
}
