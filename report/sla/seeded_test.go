package sla

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/report"
)

// seededPolicy is the contract of the seeded month, October 2026 in Berlin, where clocks go back on the 25th: it has 31
// days and an hour, which are 44,700 minutes.
const seededPolicy = policytest.Minimal + `platform: thorbis
objectives: {latency: [{threshold: 300ms, ratio: 95%}, {threshold: 1s, ratio: 99%}]}
tiers: {standard: {}, enterprise: {}}
services: [{name: web, owner: sre}, {name: api, owner: sre}]
health:
  checks:
    - {name: home, app_service: web, target: "https://www.example.com/"}
    - {name: api-health, app_service: api, target: "https://api.example.com/"}
    - {name: tenant-home, app_service: web, target: "https://{tenant}.example.com/", per_tenant: {}}
tenants: {registry: {file: tenants.yaml}}
sla:
  availability: 99.9%
  time_zone: Europe/Berlin
  credits: [{below: 99.9%, credit: 10%}, {below: 99%, credit: 25%}, {below: 95%, credit: 50%}]
  minimum_outage: 1m
  maintenance_notice: 2d
  maintenance_cap: 8h
maintenance:
  - name: upgrade
    app_services: [web]
    announced: 2026-10-01T12:00:00+02:00
    from: 2026-10-10T01:00:00+02:00
    to: 2026-10-10T03:00:00+02:00
  - name: hotfix
    app_services: [web]
    announced: 2026-10-16T22:00:00+02:00
    from: 2026-10-17T02:00:00+02:00
    to: 2026-10-17T02:30:00+02:00
  - name: night
    app_services: [web]
    announced: 2026-10-01T12:00:00+02:00
    from: 2026-10-25T01:30:00+02:00
    to: 2026-10-25T03:30:00+01:00
`

// seeded is the month, and what exporters recorded of it.
type seeded struct {
	t       testing.TB
	policy  *config.Policy
	month   Month
	now     time.Time
	targets []Target
}

func newSeeded(t testing.TB) *seeded {
	t.Helper()
	s := &seeded{
		t: t, policy: policytest.Load(t, t.TempDir(), seededPolicy), now: time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC),
	}
	var err error
	if s.month, err = ParseMonth("2026-10", s.policy.SLA.Zone()); err != nil {
		t.Fatal(err)
	}
	fra, nyc := s.target("home", "", "fra"), s.target("home", "", "nyc")
	for _, p := range []struct {
		target   *Target
		from, to string
	}{
		{fra, "09-30 23:55:00", "10-01 00:02:00"}, {nyc, "09-30 23:55:00", "10-01 00:02:00"}, // over the begin of the month
		{fra, "10-03 23:50:00", "10-04 00:20:00"}, {nyc, "10-03 23:51:00", "10-04 00:19:30"}, // over midnight
		{fra, "10-12 10:00:00", "10-12 10:00:30"}, {nyc, "10-12 10:00:00", "10-12 10:00:30"}, // too short
		{nyc, "10-15 12:00:00", "10-15 13:00:00"},                                            // from one location alone
		{fra, "10-20 09:00:00", "10-20 09:10:00"},                                            // the other was hardly there
		{fra, "10-23 14:00:00", "10-23 14:30:00"}, {nyc, "10-23 14:00:00", "10-23 14:30:00"}, // unknown in the middle
		{fra, "10-25 03:20:00", "10-25 03:45:00"}, {nyc, "10-25 03:20:00", "10-25 03:45:00"}, // half in maintenance
		{fra, "10-31 23:40:00", "11-01 00:30:00"}, {nyc, "10-31 23:40:30", "11-01 00:29:00"}, // over the end of the month
	} {
		s.down(p.target, p.from, p.to)
	}
	for _, target := range []*Target{fra, nyc} {
		target.day("2026-10-10", func(d *DaySeconds) { // the exporter leaves the window with its next tick
			d.Maintenance = 2*time.Hour + 400*time.Millisecond
			d.Observed -= d.Maintenance
		})
		target.day("2026-10-17", func(d *DaySeconds) {
			d.Maintenance, d.Observed = 30*time.Minute, d.Observed-30*time.Minute
		})
		target.day("2026-10-22", func(d *DaySeconds) { // 20 minutes unknown, 10 not watched
			d.Unknown, d.Observed = 20*time.Minute, d.Observed-30*time.Minute
		})
		target.day("2026-10-23", func(d *DaySeconds) {
			d.Unknown, d.Observed, d.Down = 10*time.Minute, d.Observed-10*time.Minute, 20*time.Minute
		})
		for i := range target.Outages {
			if target.Outages[i].Begin.Equal(s.at("10-23 14:00:00")) {
				target.Outages[i].Down = 20 * time.Minute
			}
		}
	}
	nyc.day("2026-10-20", func(d *DaySeconds) { d.Observed = 6 * time.Hour })
	s.targets = []Target{*fra, *nyc, *s.target("api-health", "", "fra")}
	return s
}

// at reads a time of the seeded year on the clock in Berlin; of the hour that is there twice, the first.
func (s *seeded) at(text string) time.Time {
	s.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-"+text, s.month.Zone)
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

// target is one that was watched for all of the month and two days around it, and up.
func (s *seeded) target(check, tenant, location string) *Target {
	t := &Target{Check: check, Tenant: tenant, Location: location}
	for _, d := range DaysOf(Reads(s.month, s.now), s.month.Zone) {
		t.Days = append(t.Days, DaySeconds{Date: d.Date, Observed: d.Length()})
	}
	return t
}

func (t *Target) day(date string, change func(*DaySeconds)) {
	for i := range t.Days {
		if t.Days[i].Date == date {
			change(&t.Days[i])
		}
	}
}

// down adds an outage that was seen down for all of its time.
func (s *seeded) down(t *Target, from, to string) {
	span := Span{s.at(from), s.at(to)}
	t.Outages = append(t.Outages, Seen{Begin: span.From, End: span.To, Down: span.Length(), Reason: "timeout"})
	for _, d := range DaysOf(span, s.month.Zone) {
		t.day(d.Date, func(o *DaySeconds) { o.Down += span.clip(d.Span).Length() })
	}
}

func (s *seeded) builder() *Builder {
	s.t.Helper()
	b, err := NewBuilder(s.policy, s.month, s.now, s.targets)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// acme changed its tier, newco joined and oldco left in the month.
func (s *seeded) subject(tenant string) Subject {
	own := s.target("tenant-home", tenant, "fra")
	subject := Subject{Tenant: tenant}
	switch tenant {
	case "acme":
		change := s.at("10-15 14:00:00")
		subject.Memberships = []Membership{{Tier: "standard", To: change}, {Tier: "enterprise", From: change}}
		s.down(own, "10-08 10:00:00", "10-08 10:05:00")
		subject.Requests = []Counted{
			{
				AppService: "web", Requests: 30_000, Failed: 30, Late: 600, LateFailed: 1,
				Slow: map[time.Duration]uint64{300 * time.Millisecond: 600, time.Second: 400},
			},
			{ // of another exporter
				AppService: "web", Requests: 400, Slow: map[time.Duration]uint64{300 * time.Millisecond: 20},
			},
		}
	case "newco":
		joined := s.at("10-21 12:00:00")
		subject.Memberships = []Membership{{Tier: "standard", From: joined}}
		own.Days = own.Days[22:] // from 21 October on
		own.Days[0].Observed = 12 * time.Hour
	case "oldco":
		subject.Memberships = []Membership{{Tier: "standard", To: s.at("10-04 00:10:00")}}
		s.down(own, "10-02 08:00:00", "10-02 09:00:00")
		own.Days = own.Days[:6] // until 4 October
		own.Days[5].Observed = 10 * time.Minute
	}
	subject.Targets = []Target{*own}
	return subject
}

// wanted are figures that were computed by hand, in seconds.
type wanted struct {
	total, excluded, unknown, judged, down int
	percent, pessimistic, coverage         string
	worst, due                             string
}

// The platform: 120 s of the outage over the begin, 1,710 over midnight, 600 where one location judged, 1,800 of the
// hotfix that was announced too late, 1,200 of the outage that was unknown in part, 900 of the one half in maintenance,
// 1,170 of the one over the end. 7,200 s of the upgrade and three hours of the night are left out.
//
// newco is there for 253 hours, with the last three outages; oldco for three days and ten minutes, and its own check
// was down for an hour.
var wantedFigures = map[string]wanted{
	"":      {2_682_000, 18_000, 2_400, 2_661_600, 7_500, "99.718", "99.628", "99.909", "home", "10"},
	"acme":  {2_682_000, 18_000, 2_400, 2_661_600, 7_500, "99.718", "99.628", "99.909", "home", "10"},
	"newco": {910_800, 10_800, 2_400, 897_600, 3_270, "99.635", "99.370", "99.733", "home", "10"},
	"oldco": {259_800, 0, 0, 259_800, 3_600, "98.614", "98.614", "100.000", "tenant-home", "25"},
}

func seconds(l report.Length) int { return int(time.Duration(l) / time.Second) }

// Every figure of the seeded month is the one that was computed by hand.
func TestSeededMonth(t *testing.T) {
	s := newSeeded(t)
	b := s.builder()
	for tenant, want := range wantedFigures {
		subject := Subject{}
		if tenant != "" {
			subject = s.subject(tenant)
		}
		r := b.Build(subject)
		got := wanted{
			seconds(r.Total), seconds(r.Excluded), seconds(r.Unknown), seconds(r.Judged), seconds(r.Down),
			r.Availability.Percent(), r.Pessimistic.Percent(), r.Coverage.Percent(), "", r.Credit.Due,
		}
		for _, service := range r.Services {
			if service.Name == r.Service {
				got.worst = service.Worst
			}
		}
		if got != want {
			t.Errorf("%q: %+v, want %+v", tenant, got, want)
		}
		if r.Kept == nil || *r.Kept || r.Credit.ClaimUntil != "2026-11-30" || r.Service != "web" || !r.Final {
			t.Errorf("%q: kept %v, %+v, %s", tenant, r.Kept, r.Credit, r.Service)
		}
		if r.Total != r.Excluded+r.Unknown+r.Judged {
			t.Errorf("%q: %+v does not add up", tenant, r.Figures)
		}
	}
	api := b.Build(Subject{}).Services[0]
	if api.Name != "api" || api.Availability.Percent() != "100.000" || api.Total != api.Judged || !*api.Kept {
		t.Errorf("%+v", api)
	}
}

// Outages are listed with their own lengths, what of them counts, and why not the rest.
func TestOutagesOfTheSeededMonth(t *testing.T) {
	s := newSeeded(t)
	want := []struct {
		begin, end   string
		length, down int
		locations    int
		why          string
	}{
		{"09-30 23:55:00", "10-01 00:02:00", 420, 120, 2, "a part of it is outside the time of this report"},
		{"10-03 23:51:00", "10-04 00:19:30", 1710, 1710, 2, ""},
		{"10-12 10:00:00", "10-12 10:00:30", 30, 0, 2, "shorter than 1m"},
		{"10-20 09:00:00", "10-20 09:10:00", 600, 600, 1, ""},
		{"10-23 14:00:00", "10-23 14:30:00", 1800, 1200, 2, ""},
		{"10-25 03:20:00", "10-25 03:45:00", 1500, 900, 2, "a part of it is in maintenance that is left out"},
		{"10-31 23:40:30", "11-01 00:29:00", 2910, 1170, 2, "a part of it is outside the time of this report"},
	}
	r := s.builder().Build(Subject{})
	if len(r.Outages) != len(want) {
		t.Fatalf("%d outages, want %d: %+v", len(r.Outages), len(want), r.Outages)
	}
	for i, w := range want {
		o := r.Outages[i]
		if !o.Begin.Equal(s.at(w.begin)) || o.End == nil || !o.End.Equal(s.at(w.end)) || seconds(o.Length) != w.length ||
			seconds(o.Down) != w.down || len(o.Locations) != w.locations || o.NotCounted != w.why ||
			o.Class != classTimeout || o.Check != "home" {
			t.Errorf("%+v, want %+v", o, w)
		}
	}
}

// Each window has its notice; the one that was announced too late is not left out.
func TestMaintenanceOfTheSeededMonth(t *testing.T) {
	r := newSeeded(t).builder().Build(Subject{})
	want := []struct {
		name             string
		notice, excluded int
		reason           string
	}{
		{"upgrade", 8*86400 + 13*3600, 7200, ""},
		{"hotfix", 4 * 3600, 0, reasonShortNotice},
		{"night", 23*86400 + 13*3600 + 1800, 10_800, ""},
	}
	if len(r.Windows) != len(want) {
		t.Fatalf("%+v", r.Windows)
	}
	for i, w := range want {
		got := r.Windows[i]
		if got.Name != w.name || got.Notice == nil || seconds(*got.Notice) != w.notice ||
			seconds(got.Excluded) != w.excluded || got.Reason != w.reason {
			t.Errorf("%+v, want %+v", got, w)
		}
	}
}

// Requests are apart from the contract: 31,000 with late ones, of both exporters.
func TestRequestsOfTheSeededMonth(t *testing.T) {
	s := newSeeded(t)
	r := s.builder().Build(s.subject("acme"))
	if len(r.Requests) != 1 || len(r.Requests[0].Latency) != 2 {
		t.Fatalf("%+v", r.Requests)
	}
	web := r.Requests[0]
	fast, slow := web.Latency[0], web.Latency[1]
	if web.Requests != 31_000 || web.Failed != 31 || web.Late != 600 || web.Availability.Percent() != "99.900" ||
		fast.Slow != 620 || fast.Attained.Percent() != "98.000" || fast.Objective != "95" || !*fast.Met ||
		slow.Slow != 400 || slow.Attained.Percent() != "98.709" || slow.Objective != "99" || *slow.Met {
		t.Errorf("%+v", web)
	}
	if len(r.Memberships) != 2 || r.Memberships[1].Tier != "enterprise" {
		t.Errorf("%+v", r.Memberships)
	}
}
