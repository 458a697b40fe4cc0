package sla

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
)

// The time of a quorum is, second by second, that in which enough locations were down.
func TestOverlapBySeconds(t *testing.T) {
	begin := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		const length = 300
		var places []*place
		down := [4][length]bool{}
		for n := range 1 + random.IntN(4) {
			p := &place{}
			var all []Span
			for range random.IntN(6) {
				from := random.IntN(length)
				to := min(from+random.IntN(60), length)
				all = append(all, Span{begin.Add(time.Duration(from) * time.Second), begin.Add(time.Duration(to) * time.Second)})
				for i := from; i < to; i++ {
					down[n][i] = true
				}
			}
			p.down = union(all...)
			places = append(places, p)
		}
		need := 1 + random.IntN(2)
		whole := Span{begin, begin.Add(length * time.Second)}
		got := overlap(places, whole, need)
		for i := range length {
			n := 0
			for j := range places {
				if down[j][i] {
					n++
				}
			}
			at := begin.Add(time.Duration(i) * time.Second)
			if in := len(got.within(Span{at, at.Add(time.Second)})) > 0; in != (n >= need) {
				t.Fatalf("seed %d: second %d is in %v: %v, %d of %d down", seed, i, got, in, n, need)
			}
		}
		// What is taken away and what stays are the whole.
		rest := spans{whole}.without(got)
		if rest.length()+got.length() != whole.Length() || rest.and(got).length() != 0 {
			t.Fatalf("seed %d: %v and %v", seed, got, rest)
		}
	}
}

// Outages that a history no longer lists are in the seconds of its days, and count.
func TestOutagesThatAreNotListed(t *testing.T) {
	s := newSeeded(t)
	api := &s.targets[2]
	api.Omitted = 40
	api.day("2026-10-07", func(d *DaySeconds) { d.Down = 400 * time.Second })
	service := s.builder().Build(Subject{}).Services[0]
	if service.Name != "api" || seconds(service.Down) != 400 || seconds(service.Checks[0].Unlisted) != 400 {
		t.Errorf("%+v", service)
	}
	api.Omitted = 0
	if service := s.builder().Build(Subject{}).Services[0]; service.Down != 0 {
		t.Errorf("without outages that are left out: %+v", service)
	}
}

// Two exporters of a location are one: what they saw some seconds apart is one outage, and counts once.
func TestExportersOfALocation(t *testing.T) {
	s := newSeeded(t)
	first, second := s.target("api-health", "", "fra"), s.target("api-health", "", "fra")
	s.down(first, "10-07 10:00:00", "10-07 10:10:00")
	s.down(second, "10-07 10:00:05", "10-07 10:10:02")
	s.targets = append(s.targets[:2], *first, *second)
	r := s.builder().Build(Subject{})
	if got := r.Services[0]; seconds(got.Down) != 600 {
		// The day's seconds are those of the exporter that saw most of it.
		t.Errorf("%+v", got.Figures)
	}
}

// An outage that goes on has no end and counts until now.
func TestOutageThatGoesOn(t *testing.T) {
	s := newSeeded(t)
	s.now = s.at("10-20 12:00:00")
	api := s.target("api-health", "", "fra")
	api.Days[len(api.Days)-1].Observed = 12 * time.Hour
	api.Days[len(api.Days)-1].Down = time.Hour
	api.Outages = []Seen{{Begin: s.at("10-20 11:00:00"), Down: time.Hour, Reason: "status"}}
	s.targets = []Target{*api}
	r := s.builder().Build(Subject{})
	if len(r.Outages) != 1 || r.Outages[0].End != nil || seconds(r.Down) != 3600 || r.Final ||
		seconds(r.Total) != 19*86400+12*3600 || r.Unknown != 0 || r.Outages[0].Class != classApplication {
		t.Errorf("%+v %+v", r.Figures, r.Outages)
	}
}

// Of more maintenance than the contract permits, what is over the cap counts.
func TestMaintenanceCap(t *testing.T) {
	s := newSeeded(t)
	s.policy.SLA.MaintenanceCap = s.policy.SLA.MinimumOutage * 150 // two hours and a half
	r := s.builder().Build(Subject{})
	// The upgrade's two hours and half an hour of the night; the outage in the night is not left out any more.
	if seconds(r.Excluded) != 9000 || seconds(r.Windows[2].Excluded) != 1800 || r.Windows[2].Reason != reasonCap ||
		seconds(r.Down) != 7500+600 {
		t.Errorf("%+v %+v", r.Figures, r.Windows[2])
	}
}

// A policy that asks for no notice leaves out all maintenance that was recorded, with a window of its own or not.
func TestMaintenanceWithoutNotice(t *testing.T) {
	s := newSeeded(t)
	s.policy.SLA.MaintenanceNotice, s.policy.SLA.MaintenanceCap = 0, 0
	s.targets[2].day("2026-10-07", func(d *DaySeconds) {
		d.Maintenance, d.Observed = time.Hour, d.Observed-time.Hour
	})
	r := s.builder().Build(Subject{})
	if api := r.Services[0]; seconds(api.Excluded) != 3600 || api.Down != 0 || api.Total != api.Excluded+api.Judged {
		t.Errorf("%+v", api.Figures)
	}
	if web := r.Services[1]; seconds(web.Excluded) != 18_000+1_800 || seconds(web.Down) != 7500-1800 {
		t.Errorf("%+v", web.Figures)
	}
}

// Two sources agree if they differ by at most one scrape; where the second does not reach, nothing is said.
func TestComparison(t *testing.T) {
	s := newSeeded(t)
	b := s.builder()
	recorded := 120 + 1800 + 30 + 600 + 1200 + 1500 + 1200 // of fra
	counters := map[PlaceKey]Counter{
		{"home", "", "fra"}: {Down: time.Duration(recorded+15) * time.Second},
		{"home", "", "nyc"}: {Down: time.Hour},
	}
	list := b.Compare(s.targets, nil, counters, 15*time.Second)
	if len(list) != 3 || list[0].Prometheus != nil || seconds(list[1].History) != recorded || !*list[1].Agrees ||
		*list[2].Agrees {
		t.Errorf("%+v", list)
	}
	if texts := Disagreements(list); len(texts) != 1 {
		t.Errorf("%q", texts)
	}
	counters[PlaceKey{"home", "", "fra"}] = Counter{Down: time.Duration(recorded+16) * time.Second}
	if list := b.Compare(s.targets, nil, counters, 15*time.Second); *list[1].Agrees {
		t.Errorf("%+v", list[1])
	}
}

// A history may have its days in any order, and days of which a report is not.
func TestDaysOfAnyOrder(t *testing.T) {
	s := newSeeded(t)
	want, err := json.Marshal(s.builder().Build(Subject{}).Services)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range s.targets {
		days := append(s.targets[i].Days, DaySeconds{Date: "2020-02-29", Down: time.Hour})
		random.Shuffle(len(days), func(i, j int) { days[i], days[j] = days[j], days[i] })
		s.targets[i].Days = days
	}
	got, err := json.Marshal(s.builder().Build(Subject{}).Services)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
