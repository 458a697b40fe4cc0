package procedure

import (
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// policy returns a policy with procedures: items of a list in YAML.
func policy(t *testing.T, more string, items ...string) *config.Policy {
	t.Helper()
	dir := t.TempDir()
	text := "version: 1\nchannels: {deadman: none}\nservices: [{name: web, owner: sre, page: P2}]\n" + more
	if len(items) > 0 {
		text += "procedures:\n  ping_keys: [{file: " + dir + "/key}]\n  results: " + dir + "/results\n  expected:\n    - " +
			strings.Join(items, "\n    - ") + "\n"
		testkit.WriteFile(t, dir+"/key", testKey+"\n")
	}
	testkit.WriteFile(t, dir+"/p.yaml", text)
	p, err := config.Load(dir + "/p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const testKey = "0123456789abcdefghijkl"

func watch(t *testing.T, more, item string) *watched {
	t.Helper()
	c := New(Options{})
	change, err := c.Prepare(policy(t, more, "{name: it, page: P3, "+item+"}"))
	if err != nil {
		t.Fatal(err)
	}
	change.Commit()
	return c.watched["it"]
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// When the next run is due, after a success or since the schedule was first seen.
func TestDue(t *testing.T) {
	const berlin = `cron: "30 2 * * *", time_zone: Europe/Berlin`
	const nightly = "maintenance: [{name: night, procedures: [it], start: 02:00, duration: 2h}]\n"
	for name, c := range map[string]struct{ more, item, since, began, success, want string }{
		"new, at an interval": {"", "interval: 1d", "2026-11-01 10:00:00", "", "", "2026-11-02 10:00:00"},
		"new, by the calendar": {
			"", `cron: "0 8 * * *"`,
			"2026-11-01 10:00:00", "", "", "2026-11-02 08:00:00",
		},
		"after a success": {
			"", "interval: 1d",
			"2026-11-01 10:00:00", "", "2026-11-05 09:00:00", "2026-11-06 09:00:00",
		},
		"on time": {
			"", `cron: "0 8 * * *"`,
			"2026-11-01 10:00:00", "", "2026-11-05 08:10:00", "2026-11-06 08:00:00",
		},
		"a clock that is ahead": {
			"", `cron: "0 8 * * *"`,
			"2026-11-01 10:00:00", "", "2026-11-05 07:59:40", "2026-11-06 08:00:00",
		},
		"too early": {
			"", `cron: "0 8 * * *"`,
			"2026-11-01 10:00:00", "", "2026-11-05 07:58:00", "2026-11-05 08:00:00",
		},
		"too early for its pace": {
			"", `cron: "*/5 * * * *"`,
			"2026-11-01 10:00:00", "", "2026-11-05 07:59:20", "2026-11-05 08:00:00",
		},
		"begun before": {
			"", `cron: "0 8 * * *"`,
			"2026-11-01 10:00:00", "2026-11-05 07:00:00", "2026-11-05 07:59:59", "2026-11-05 08:00:00",
		},
		"a new schedule": {
			"", `cron: "0 2 * * *"`,
			"2026-11-05 12:00:00", "", "2026-11-04 23:05:00", "2026-11-06 02:00:00",
		},
		"skipped by the clocks": {
			"", berlin,
			"2026-01-01 00:00:00", "", "2026-03-28 01:35:00", "2026-03-29 01:00:00",
		},
		"repeated by the clocks": {
			"", berlin,
			"2026-01-01 00:00:00", "", "2026-10-25 00:35:00", "2026-10-26 01:30:00",
		},
		"a leap day": {
			"", "on_calendar: [\"*-02-29 12:00\"]",
			"2026-01-01 00:00:00", "", "", "2028-02-29 12:00:00",
		},
		"due in maintenance": {
			nightly, "interval: 1d",
			"2026-11-01 10:00:00", "", "2026-11-05 03:00:00", "2026-11-06 04:00:00",
		},
		"due in a window": {
			nightly, `cron: "0 */3 * * *"`,
			"2026-11-01 10:00:00", "", "2026-11-05 00:10:00", "2026-11-05 06:00:00",
		},
		"always in a window": {
			strings.Replace(nightly, "2h", "1d", 1), "interval: 1d",
			"2026-11-01 10:00:00", "", "2026-11-05 03:00:00", "",
		},
		"several lines": {
			"", `on_calendar: ["Mon..Fri 08:00", "Sat 10:00"]`,
			"2026-11-01 10:00:00", "", "2026-11-06 08:01:00", "2026-11-07 10:00:00",
		},
	} {
		w := watch(t, c.more, c.item)
		r := newRecord("", at(t, c.since))
		if c.success != "" {
			r.Success = at(t, c.success)
		}
		if c.began != "" {
			r.SuccessBegan = at(t, c.began)
		}
		got := w.due(r)
		if c.want == "" {
			if w.maintained(got).IsZero() || got.Before(r.Success.AddDate(1, 0, 0)) {
				t.Errorf("%s: due %s, which is never", name, got)
			}
			continue
		}
		if got.UTC().Format(time.DateTime) != c.want {
			t.Errorf("%s: due %s, want %s", name, got.UTC(), c.want)
		}
	}
}

// A procedure every hour with a grace of 10 minutes and a limit of 20 is due at minute 60 after a success at minute 0.
func TestState(t *testing.T) {
	const item = "interval: 1h, grace: 10m, max_runtime: 20m"
	const maintained = "maintenance: [{name: m, app_services: [web], " +
		`from: "2026-11-01T01:05:00Z", to: "2026-11-01T01:20:00Z"}]` + "\n"
	for name, c := range map[string]struct {
		more   string
		events []event
		now    int
		want   string
	}{
		"new":                      {"", nil, 59, metric.ProcedureNew},
		"new, and due":             {"", nil, 61, metric.ProcedureDue},
		"new, and missed":          {"", nil, 71, metric.ProcedureMissed},
		"up":                       {"", []event{done(0, "")}, 59, metric.ProcedureUp},
		"due":                      {"", []event{done(0, "")}, 70, metric.ProcedureDue},
		"missed":                   {"", []event{done(0, "")}, 71, metric.ProcedureMissed},
		"recovered":                {"", []event{done(0, ""), done(72, "")}, 73, metric.ProcedureUp},
		"running":                  {"", []event{done(0, ""), begin(59, "")}, 61, metric.ProcedureRunning},
		"running beyond its grace": {"", []event{done(0, ""), begin(61, "")}, 75, metric.ProcedureRunning},
		"begun too late":           {"", []event{done(0, ""), begin(72, "")}, 75, metric.ProcedureMissed},
		"too long":                 {"", []event{done(0, ""), begin(30, "")}, 51, metric.ProcedureOverrun},
		"alive":                    {"", []event{done(0, ""), begin(30, ""), log(45, "")}, 51, metric.ProcedureRunning},
		"late":                     {"", []event{done(0, ""), begin(65, ""), begin(85, "")}, 91, metric.ProcedureLate},
		"late and alive":           {"", []event{done(0, ""), begin(65, ""), log(84, "")}, 91, metric.ProcedureLate},
		"failed":                   {"", []event{done(0, ""), fail(30, "")}, 31, metric.ProcedureFailed},
		"failed, and due again":    {"", []event{done(0, ""), fail(30, "")}, 99, metric.ProcedureFailed},
		"failed, and mended":       {"", []event{fail(30, ""), done(31, "")}, 32, metric.ProcedureUp},
		"missed, in maintenance":   {maintained, []event{done(-30, "")}, 70, metric.ProcedureMaintenance},
		"missed, after it":         {maintained, []event{done(-30, "")}, 81, metric.ProcedureMissed},
		"due in maintenance":       {maintained, []event{done(10, "")}, 81, metric.ProcedureDue},
	} {
		w := watch(t, c.more, "app_service: web, "+item)
		r := newRecord("", minute(0))
		if len(c.events) > 0 && c.events[0].at.Before(minute(0)) {
			r.Since = c.events[0].at
		}
		for _, e := range c.events {
			r = r.apply(e)
		}
		due := w.due(r)
		if got := w.state(r, due, day0.AddDate(0, 0, -1), minute(c.now)); got != c.want {
			t.Errorf("%s: %s, want %s; due %s", name, got, c.want, due)
		}
		if want := minute(c.now).Sub(due); c.want == metric.ProcedureMissed && w.overdue(due, minute(c.now)) != want {
			t.Errorf("%s: overdue for %s, want %s", name, w.overdue(due, minute(c.now)), want)
		}
	}
}

// After an absence of the exporter, what happened meanwhile is given the grace to be reported, at most five minutes.
func TestStateAfterAnAbsence(t *testing.T) {
	for grace, settle := range map[string]time.Duration{"1m": time.Minute, "1h": 5 * time.Minute} {
		w := watch(t, "", "interval: 1h, grace: "+grace)
		r := newRecord("", minute(0)).apply(done(0, ""))
		since := minute(600)
		for after, want := range map[time.Duration]string{
			settle: metric.ProcedureDue, settle + time.Second: metric.ProcedureMissed,
		} {
			if got := w.state(r, w.due(r), since, since.Add(after)); got != want {
				t.Errorf("grace %s, after %s: %s, want %s", grace, after, got, want)
			}
		}
	}
}

func TestWindowsCover(t *testing.T) {
	for window, want := range map[string]bool{
		"":                     true,
		"procedures: [it], ":   true,
		"app_services: [web],": true,
		"tenants: [acme],":     false,
		"checks: [home],":      false,
	} {
		w := watch(t, "health: {checks: [{name: home, app_service: web, target: \"https://example.com\"}]}\n"+
			"maintenance: [{name: m, "+window+` from: "2026-11-01T01:05:00Z", to: "2026-11-01T01:20:00Z"}]`+"\n",
			"interval: 1h, app_service: web")
		if got := len(w.windows) == 1; got != want {
			t.Errorf("%q covers it: %t", window, got)
		}
	}
}
