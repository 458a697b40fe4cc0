package health

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// What is read beside a running exporter is what the exporter has saved, whatever of it is archived.
func TestStoredHistoryIsTheSavedOne(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 12))
			d := newDisk(t)
			d.now = time.Date(2026, 1, 30, 23, 0, 0, 0, time.UTC)
			d.target.machine = newStateMachine(d.now, totals{})
			outages := 0
			for range 60 {
				for range 5 {
					d.now = d.now.Add(time.Duration(random.IntN(3 * int(time.Hour))))
					o := outcome{result: []string{ok, ok, bad, bad, unk}[random.IntN(5)], start: d.now, end: d.now}
					if o.result != ok {
						o.reason = reasonTimeout
					}
					d.target.machine.evaluate(o, 4*time.Hour, 1)
				}
				if err := d.c.saveNow(d.now, false); err != nil {
					t.Fatal(err)
				}
				if random.IntN(2) == 0 {
					if err := d.c.archive(); err != nil {
						t.Fatal(err)
					}
				}
				want := d.everything()
				s, err := ReadStored(d.path, time.UTC)
				if err != nil || len(s.Damaged) > 0 {
					t.Fatal(err, s)
				}
				got, known := s.History(HistoryQuery{
					Check: "home", From: d.now.Add(-500 * dayLength), To: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
				})
				if !known || !reflect.DeepEqual(got.Targets, want.Targets) {
					t.Fatalf("stored %s, saved %s", asJSON(got), asJSON(want))
				}
				sameAsRecorded(t, got, s.Recorded(got.query()))
				outages = len(got.Targets[0].Outages)
				if !reflect.DeepEqual(s.Checks(), []string{"home"}) {
					t.Fatalf("checks %q", s.Checks())
				}
			}
			if outages < 5 {
				t.Errorf("only %d outages", outages)
			}
		})
	}
}

// A directory without history has none; a damaged month is reported and costs no other.
func TestStoredHistoryOfADamagedDirectory(t *testing.T) {
	path := t.TempDir()
	s, err := ReadStored(path, time.UTC)
	if err != nil || len(s.Checks()) > 0 {
		t.Fatal(err, s)
	}
	if _, known := s.History(HistoryQuery{Check: "home", From: time.Unix(0, 0), To: time.Now()}); known {
		t.Error("a check is known in an empty directory")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, filepath.Join(path, slotName(3)+".state"), "damaged")
	if s, err = ReadStored(path, time.UTC); err != nil || len(s.Damaged) != 1 {
		t.Errorf("%v, %+v", err, s)
	}
}

// query is what a history was asked with.
func (h *History) query() HistoryQuery { return HistoryQuery{Check: h.Check, From: h.From, To: h.To} }

// sameAsRecorded compares a history with what is recorded, to the millisecond.
func sameAsRecorded(t *testing.T, h History, recorded []Recorded) {
	t.Helper()
	var again []TargetHistory
	for i, r := range recorded {
		one := TargetHistory{
			Tenant: r.Tenant, Location: r.Location, Days: []Day{}, Outages: []Outage{}, OutagesOmitted: r.OutagesOmitted,
			State: h.Targets[i].State, Total: h.Targets[i].Total,
		}
		for _, d := range r.Days {
			seconds := secondsOf(day{Observed: d.Observed, Down: d.Down, Unknown: d.Unknown, Maintenance: d.Maintenance})
			seconds.Outages = h.Targets[i].Days[len(one.Days)].Outages
			seconds.Availability = h.Targets[i].Days[len(one.Days)].Availability
			one.Days = append(one.Days, Day{Date: d.Date, Seconds: seconds})
		}
		for _, o := range r.Outages {
			shown := Outage{Begin: o.Begin, Down: rounded(o.Down), Reason: o.Reason}
			if !o.End.IsZero() {
				end := o.End
				shown.End, shown.Ended = &end, h.Targets[i].Outages[len(one.Outages)].Ended
			}
			one.Outages = append(one.Outages, shown)
		}
		again = append(again, one)
	}
	if !reflect.DeepEqual(again, h.Targets) {
		t.Fatalf("recorded %s, history %s", asJSON(History{Targets: again}), asJSON(h))
	}
}
