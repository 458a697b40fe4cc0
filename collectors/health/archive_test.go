package health

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

const testMonth = monthID(2026*12 + 10) // November 2026

// someEnded returns random entries of a month about a few targets.
func someEnded(random *rand.Rand, n int) []ended {
	var list []ended
	for range n {
		p := place{fmt.Sprint("check", random.IntN(3)), []string{"", "acme", "globex"}[random.IntN(3)], "fra"}
		e := ended{Sequence: uint64(len(list) + 1), Check: p.check, Tenant: p.tenant, Location: p.location, Month: testMonth}
		date := testMonth.first() + date(random.IntN(30))
		if random.IntN(2) == 0 {
			part := time.Duration(random.IntN(1000)) * 7 * time.Millisecond
			e.Day = day{Date: date, Observed: 1000 * part, Down: part, Unknown: 3 * part, Outages: uint64(random.IntN(3))}
		} else {
			begin := date.midnight().Add(time.Duration(random.IntN(86_400_000)) * time.Millisecond)
			length := time.Duration(random.IntN(1e7)) * time.Millisecond
			e.Outage = outage{
				Begin: begin, End: begin.Add(length), Down: length / 7000 * 1e6, Reason: reasonTimeout,
				Ended: outageEnds[random.IntN(3)],
			}
		}
		list = append(list, e)
	}
	return list
}

func decodeAll(t *testing.T, a *archive) []archivedTarget {
	t.Helper()
	parsed, err := parseArchive(a.data)
	if err != nil {
		t.Fatal(err)
	}
	parsed.slot = a.slot
	if !reflect.DeepEqual(parsed, a) {
		t.Fatalf("parsed as %+v, want %+v", parsed, a)
	}
	var all []archivedTarget
	for i := range a.starts {
		at, encoded := a.at(i)
		target, err := decodeTarget(encoded, a.month)
		if err != nil || at != target.place || a.from(at, 0) != i || a.from(at, i) != i || a.from(at, i+1) != i {
			t.Fatalf("target %d: %+v, %v", i, target, err)
		}
		all = append(all, target)
	}
	return all
}

// Entries that are archived piece by piece give the same as all at once, and are read back as they were.
func TestArchiveHoldsWhatWasAdded(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 3))
		entries := someEnded(random, 120)
		whole, err := (&archive{month: testMonth}).with(entries)
		if err != nil {
			t.Fatal(err)
		}
		pieces := &archive{month: testMonth}
		for rest := entries; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			if pieces, err = pieces.with(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if got, want := decodeAll(t, pieces), decodeAll(t, whole); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: piece by piece %+v, at once %+v", seed, got, want)
		}
		if whole.sequence != 120 || whole.month != testMonth {
			t.Errorf("sequence %d, month %d", whole.sequence, whole.month)
		}
		want := map[place]map[date]day{}
		outages := 0
		for _, e := range entries {
			if want[e.place()] == nil {
				want[e.place()] = map[date]day{}
			}
			sum := want[e.place()][e.Day.Date]
			sum.Date = e.Day.Date
			sum.add(e.Day)
			want[e.place()][e.Day.Date] = sum
			if !e.Outage.Begin.IsZero() {
				outages++
			}
		}
		for _, target := range decodeAll(t, whole) {
			outages -= len(target.outages)
			for _, d := range target.days {
				if want[target.place][d.Date] != d {
					t.Fatalf("seed %d: %+v, want %+v", seed, d, want[target.place][d.Date])
				}
			}
			for _, o := range target.outages {
				if !slices.ContainsFunc(entries, func(e ended) bool { return e.place() == target.place && e.Outage == o }) {
					t.Fatalf("seed %d: %+v was not added", seed, o)
				}
			}
		}
		if outages != 0 {
			t.Fatalf("seed %d: %d outages are missing", seed, outages)
		}
	}
}

// A month of which there is nothing to say costs a few bytes, and a flapping check no more than its share. Of its
// outages the longest are kept.
func TestArchiveIsBounded(t *testing.T) {
	perfect := &archive{month: testMonth}
	var err error
	for i := range date(30) {
		e := ended{
			Sequence: uint64(i + 1), Check: "home", Location: "fra",
			Day: day{Date: testMonth.first() + i, Observed: dayLength},
		}
		if perfect, err = perfect.with([]ended{e}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(perfect.data); got > 30 {
		t.Errorf("a perfect month takes %d bytes", got)
	}
	if days := decodeAll(t, perfect)[0].days; len(days) != 30 || days[29].Observed != dayLength {
		t.Errorf("its days are %v", days)
	}

	flapping := &archive{month: testMonth}
	const n = 5000
	for i := range n {
		begin := testMonth.first().midnight().Add(time.Duration(i) * time.Minute)
		down := time.Duration(i%500) * time.Second
		e := ended{
			Sequence: uint64(i + 1), Check: "home", Location: "fra",
			Outage: outage{Begin: begin, End: begin.Add(down), Down: down, Reason: reasonTimeout, Ended: endRecovered},
		}
		if flapping, err = flapping.with([]ended{e}); err != nil {
			t.Fatal(err)
		}
	}
	kept := decodeAll(t, flapping)[0].outages
	if len(kept) != maxKeptOutages {
		t.Fatalf("%d outages are kept", len(kept))
	}
	for i, o := range kept {
		if o.Down < 480*time.Second || i > 0 && !kept[i-1].Begin.Before(o.Begin) {
			t.Errorf("kept %d: %+v", i, o)
		}
	}
	if got := len(flapping.data); got > 40*maxKeptOutages {
		t.Errorf("they take %d bytes", got)
	}
	long := ended{Sequence: n + 1, Check: string(make([]byte, maxArchiveName+1)), Day: day{Date: 1, Observed: 1}}
	if next, err := flapping.with([]ended{long}); err != nil || len(next.starts) != 1 {
		t.Errorf("a name that is too long: %v", err)
	}
}

// Many targets share the outages that are kept.
func TestOutagesOfManyTargetsAreBoundedTogether(t *testing.T) {
	const targets = 5000
	var entries []ended
	for i := range targets {
		for j := range 60 {
			begin := testMonth.first().midnight().Add(time.Duration(j) * time.Hour)
			entries = append(entries, ended{
				Sequence: uint64(len(entries) + 1), Check: "home", Tenant: fmt.Sprint("t", i), Location: "fra", Month: testMonth,
				Outage: outage{Begin: begin, End: begin.Add(time.Minute), Down: time.Minute, Ended: endRecovered},
			})
		}
	}
	a, err := (&archive{month: testMonth}).with(entries)
	if err != nil {
		t.Fatal(err)
	}
	all := 0
	for i := range a.starts {
		_, encoded := a.at(i)
		target, err := decodeTarget(encoded, testMonth)
		if err != nil {
			t.Fatal(err)
		}
		all += len(target.outages)
	}
	if all != maxArchiveOutages {
		t.Errorf("%d outages are kept, want %d", all, maxArchiveOutages)
	}
}

// Whatever the bytes, parsing ends, and what is accepted can be read and added to.
func FuzzArchive(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 3))
	for _, n := range []int{0, 1, 40} {
		a, err := (&archive{month: testMonth}).with(someEnded(random, n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.data)
		for _, cut := range []int{1, len(a.data) / 2} {
			f.Add(a.data[:len(a.data)-cut])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := parseArchive(data)
		if err != nil {
			if !errors.Is(err, errArchive) {
				t.Errorf("error %v", err)
			}
			return
		}
		for i := range a.starts {
			at, encoded := a.at(i)
			_, err := decodeTarget(encoded, a.month)
			if err != nil || a.from(at, 0) != i || a.from(at, i) != i || a.from(at, i+1) != i {
				t.Fatalf("target %d %v: %v", i, at, err)
			}
		}
		next, err := a.with([]ended{{Check: "home", Outage: outage{Begin: epoch, End: epoch, Ended: endRecovered}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseArchive(next.data); err != nil {
			t.Fatal(err)
		}
	})
}
