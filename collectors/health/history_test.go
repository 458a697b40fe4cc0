package health

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// everything asks for all that is known of the check of a disk.
func (d *disk) everything() History {
	d.t.Helper()
	if err := d.c.loadHistory(); err != nil {
		d.t.Fatal(err)
	}
	h, err := d.c.History(HistoryQuery{
		Check: "home", From: d.now.Add(-500 * dayLength), To: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	h.From = time.Time{}
	for i := range h.Targets {
		h.Targets[i].State = ""
	}
	return h
}

// inMemory is everything as it would be shown if it were saved now.
func (d *disk) inMemory() History {
	d.t.Helper()
	d.c.mu.Lock()
	live := d.c.live
	d.c.live = true
	d.c.mu.Unlock()
	defer func() { d.c.live = live }()
	return d.everything()
}

// Whenever the exporter is killed, and whatever was written by then: what was saved of days and outages is there after
// the restart, once.
func TestHistoryIsExactWheneverTheExporterIsKilled(t *testing.T) {
	t.Parallel()
	kills, outages, months := 0, 0, 0
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 11))
			d := newDisk(t)
			d.now = time.Date(2026, 1, 30, 23, 0, 0, 0, time.UTC)
			d.target.machine = newStateMachine(d.now, totals{})
			saved := d.everything() // what the disk has
			save := func(published bool) {
				if err := d.c.loadHistory(); err != nil {
					t.Fatal(err)
				}
				configured, entries := d.c.snapshot(d.now)
				document := document{
					Taken: d.now, Until: d.c.validUntil(d.now), Targets: entries, Ended: d.c.history.waiting,
				}
				saved = d.inMemory()
				if err := d.c.write(document); err != nil {
					t.Fatal(err)
				}
				if !published {
					return
				}
				if err := d.c.published(configured, document, nil); err != nil {
					t.Fatal(err)
				}
				if got := d.everything(); !reflect.DeepEqual(got, saved) {
					t.Fatalf("shown %s, saved %s", asJSON(got), asJSON(saved))
				}
			}
			for range 250 {
				d.now = d.now.Add(time.Duration(random.IntN(3 * int(time.Hour))))
				result := []string{ok, ok, bad, bad, unk}[random.IntN(5)]
				o := outcome{result: result, start: d.now, end: d.now}
				if result != ok {
					o.reason = reasonTimeout
				}
				d.target.machine.evaluate(o, 4*time.Hour, 1)
				switch random.IntN(12) {
				case 0, 1, 2, 3, 4:
					save(true)
				case 5, 6:
					if err := d.c.archive(); err != nil {
						t.Fatal(err)
					}
				case 7: // one of the files cannot be written
					slot := filepath.Join(d.path, slotName(random.IntN(2))+".state.tmp")
					if err := os.Mkdir(slot, 0o700); err != nil {
						t.Fatal(err)
					}
					_ = d.c.archive()
					if err := os.Remove(slot); err != nil {
						t.Fatal(err)
					}
				case 8:
					if random.IntN(3) == 0 {
						save(false) // and no more
					}
					months = max(months, len(d.c.history.months))
					d.killed(time.Duration(random.IntN(40)) * time.Second)
					kills++
					got := d.everything()
					if !reflect.DeepEqual(got.Targets, saved.Targets) {
						t.Fatalf("after the restart %s, before %s", asJSON(got), asJSON(saved))
					}
				}
			}
			outages += len(d.inMemory().Targets[0].Outages)
		})
	}
	if kills < 80 || outages < 50 || months < 2 {
		t.Errorf("the test has seen %d kills, %d outages, %d months", kills, outages, months)
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// year runs a machine for 14 months with an outage every so many days, and archives.
func (d *disk) year(every int) {
	d.t.Helper()
	end := d.now
	d.now = end.Add(-425 * dayLength)
	d.target.machine = newStateMachine(d.now, totals{})
	probe := func(result string) {
		d.target.machine.evaluate(outcome{result: result, reason: reasonTLS, start: d.now, end: d.now}, 30*time.Hour, 0)
	}
	for i := 0; d.now.Before(end); i++ {
		probe(ok)
		if i%every == 0 {
			d.now = d.now.Add(time.Minute)
			probe(bad)
			d.now = d.now.Add(time.Duration(i+1) * time.Second)
			probe(ok)
			probe(ok)
		}
		d.now = d.now.Add(dayLength)
		if i%15 > 0 && d.now.Before(end) {
			d.target.machine.advance(d.now)
			continue
		}
		if err := d.c.saveNow(d.now, false); err != nil {
			d.t.Fatal(err)
		}
		if err := d.c.archive(); err != nil {
			d.t.Fatal(err)
		}
	}
}

// The history of 400 days is there after a restart, in as many files as months, and older months make room.
func TestHistoryOfAYear(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.year(10)
	if n := len(d.c.history.waiting); n > 2 {
		t.Errorf("%d entries wait after they were archived", n)
	}
	before := d.everything()
	d.killed(time.Second)
	if got := d.everything(); !reflect.DeepEqual(got.Targets, before.Targets) {
		t.Fatalf("after the restart %s, before %s", asJSON(got), asJSON(before))
	}
	target := before.Targets[0]
	if days := len(target.Days); days < historyDays || days > 31*maxArchives {
		t.Errorf("%d days", days)
	}
	if len(target.Outages) < 40 || uint64(len(target.Outages)) != target.Total.Outages || target.OutagesOmitted != 0 {
		t.Errorf("%d outages, counted %d, omitted %d", len(target.Outages), target.Total.Outages, target.OutagesOmitted)
	}
	for i, day := range target.Days[1 : len(target.Days)-1] {
		if day.Observed < 86400 || day.Observed > 86400+500 {
			t.Errorf("day %d %s: %+v", i, day.Date, day.Seconds)
		}
	}
	files, err := filepath.Glob(filepath.Join(d.path, "health_history_*.state"))
	if err != nil || len(files) < 14 || len(files) > maxArchives {
		t.Errorf("%d files, %v: %v", len(files), files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > 2000 {
			t.Errorf("%s: %+v %v", file, info, err)
		}
	}
	// A month alone, with an outage that began in the one before.
	last, err := time.Parse(time.DateOnly, target.Days[len(target.Days)-1].Date)
	if err != nil {
		t.Fatal(err)
	}
	month := time.Date(last.Year(), last.Month()-2, 1, 0, 0, 0, 0, time.UTC)
	h, err := d.c.History(HistoryQuery{Check: "home", From: month, To: month.AddDate(0, 1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(h.Targets[0].Days), month.AddDate(0, 1, -1).Day(); got != want {
		t.Errorf("the month has %d days, want %d", got, want)
	}
	if a := h.Total.Availability; a == nil || *a >= 1 || *a < 0.99 || h.Total.Down == 0 {
		t.Errorf("in all %+v", h.Total)
	}
	// A clock that is wrong for a moment costs at most a month at the far end each time.
	for _, wrong := range []time.Time{d.now.AddDate(70, 0, 0), time.Unix(1000, 0)} {
		d.c.history.take(place{"home", "", "local"}, &stateMachine{days: calendar{
			ended: []day{{Date: dateOf(wrong, nil), Observed: time.Second}},
		}})
		if err := d.c.saveNow(d.now, false); err != nil {
			t.Fatal(err)
		}
		if err := d.c.archive(); err != nil {
			t.Fatal(err)
		}
	}
	after := d.everything().Targets[0]
	if lost := len(target.Days) - len(after.Days); lost > 62 {
		t.Errorf("%d days are lost", lost)
	}
	if n := len(d.c.history.months); n != maxArchives {
		t.Errorf("%d months are kept", n)
	}
}

// A damaged file is an error that says what is lost, once; the other months, and the checks, go on.
func TestDamagedHistoryCostsAMonth(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"a flipped bit": func(b []byte) []byte { b[len(b)/2] ^= 4; return b },
		"cut short":     func(b []byte) []byte { return b[:len(b)/2] },
		"empty":         func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			d.year(20)
			before := d.everything().Targets[0]
			file := filepath.Join(d.path, slotName(5)+".state")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(text), 0o600); err != nil {
				t.Fatal(err)
			}
			d.killed(time.Second)
			err = d.c.archive()
			if err == nil || !strings.Contains(err.Error(), "health_history_05: corrupt") ||
				!strings.Contains(err.Error(), "are lost") || collectors.ReasonOf(err) != collectors.ReasonIO {
				t.Errorf("the error is %v", err)
			}
			if err := d.c.archive(); err != nil {
				t.Errorf("it is reported again: %v", err)
			}
			after := d.everything().Targets[0]
			if lost := len(before.Days) - len(after.Days); lost < 28 || lost > 31 {
				t.Errorf("%d days are lost", lost)
			}
			d.tick(3)
			if err := d.c.saveNow(d.now, false); err != nil {
				t.Error(err)
			}
			d.killed(time.Second)
			if err := d.c.archive(); err != nil {
				t.Errorf("after one more restart: %v", err)
			}
		})
	}
}

// A disk that takes no archive costs no save of the counters.
func TestArchiveThatFailsCostsNoSave(t *testing.T) {
	d := newDisk(t)
	d.tick(10)
	d.target.machine.maintain(true, d.now)
	if err := d.c.saveNow(d.now, false); err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(d.path, slotName(0)+".state.tmp")
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.c.archive(); err == nil || collectors.ReasonOf(err) != collectors.ReasonIO {
		t.Errorf("archiving into a directory: %v", err)
	}
	if err := d.c.saveNow(d.now, false); err != nil || len(d.c.history.waiting) != 1 {
		t.Errorf("%v with %d entries", err, len(d.c.history.waiting))
	}
	if outages := d.everything().Targets[0].Outages; len(outages) != 1 || outages[0].Ended != endMaintenance {
		t.Errorf("outages %+v", outages)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if err := d.c.archive(); err != nil || len(d.c.history.waiting) != 0 {
		t.Errorf("%v with %d entries", err, len(d.c.history.waiting))
	}
}

// A target that the policy drops keeps its day and its open outage for a day, should it come back, and ends then.
func TestRemovedTargetEndsAfterADay(t *testing.T) {
	d := newDisk(t)
	began := d.now.Add(time.Second)
	d.tick(5)
	d.c.mu.Lock()
	d.c.remove(d.target, d.now)
	d.c.sort()
	d.c.mu.Unlock()
	if err := d.c.saveNow(d.now, false); err != nil {
		t.Fatal(err)
	}
	h := d.everything().Targets[0]
	if len(h.Outages) != 1 || h.Outages[0].End != nil || h.Total.Down != 4 {
		t.Errorf("when it was removed: %s", asJSON(h))
	}
	d.now = d.now.Add(keepFor + time.Second)
	if err := d.c.saveNow(d.now, false); err != nil {
		t.Fatal(err)
	}
	h = d.everything().Targets[0]
	if len(h.Outages) != 1 || h.Outages[0].Ended != endRemoved || h.Total.Down != 4 ||
		!h.Outages[0].Begin.Equal(began.Round(time.Millisecond)) {
		t.Errorf("a day later: %s", asJSON(h))
	}
	if len(d.c.kept) != 0 {
		t.Error("it is still kept")
	}
}

// While no disk takes anything, what has ended is bounded, and what was dropped is counted.
func TestHistoryThatCannotBeSavedIsBounded(t *testing.T) {
	d := newDisk(t)
	m := &stateMachine{}
	for i := range maxEnded + 5 {
		m.days.ended = append(m.days.ended, day{Date: date(20000 + i), Observed: 1})
	}
	d.c.history.take(place{"home", "", "local"}, m)
	if n := len(d.c.history.waiting); n != maxEnded {
		t.Errorf("%d entries wait", n)
	}
	if err := d.c.archive(); err == nil || !strings.Contains(err.Error(), "5 ended days and outages were dropped") {
		t.Errorf("the error is %v", err)
	}
}
