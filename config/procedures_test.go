package config

import (
	"strings"
	"testing"
	"time"
)

func init() {
	examples["procedures"] = example{
		valid: `procedures: {ping_keys: [{env: HOME}], people: [{name: ada, key: {env: HOME}}], ` +
			`expected: [{name: nightly, cron: "30 2 * * *", page: P3}, ` +
			"{name: verify, interval: 1d, backup: {name: db, test: verify}, page: P3}, " +
			"{name: review, interval: 1d, page: P3, task: {dashboard: thorbis-daily, row: health}}, " +
			"{name: training, interval: 31d, page: P4, dates: {file: /run/dates.yaml, kind: training, people: [ada]}}, " +
			"{name: books, interval: 31d, page: P4, runbooks: /run/runbooks}]}\n" +
			"backups: [{name: db, interval: 1d, source: {program: directory}}]",
		invalid: "procedures:\n  expected:\n    - {name: Nightly, cron: 30 2 * * *, ping_id: {env: HOME}}",
		want:    `p.yaml:4: procedures.expected[0].name: invalid name "Nightly": use lower-case letters`,
	}
}

func procedureOf(t *testing.T, item string) *Procedure {
	t.Helper()
	p := loadedFrom(t, minimal+"procedures: {ping_keys: [{env: HOME}], expected: [{name: it, page: P3, "+item+"}]}\n")
	return p.Procedures().Expected[0]
}

// The default grace is a tenth of the time between due times, a minute to an hour.
func TestDefaultGrace(t *testing.T) {
	for item, want := range map[string]time.Duration{
		"interval: 30s":       time.Minute,
		"interval: 1h":        6 * time.Minute,
		"interval: 7d":        time.Hour,
		`cron: "*/5 * * * *"`: time.Minute,
		`cron: "0 * * * *"`:   6 * time.Minute,
		`cron: "0 0 29 2 *"`:  time.Hour,
		`on_calendar: ["Mon..Fri 08:00", "Sat 10:00"]`:             time.Hour,
		`on_calendar: ["*:00/30"], time_zone: Europe/Berlin`:       3 * time.Minute,
		"interval: 1h, grace: 1s":                                  time.Second,
		"on_calendar: [daily], grace: 2h, time_zone: Asia/Kolkata": 2 * time.Hour,
	} {
		if got := procedureOf(t, item).Grace.Std(); got != want {
			t.Errorf("%s: %s, want %s", item, got, want)
		}
	}
}

func TestProcedureSchedule(t *testing.T) {
	o := procedureOf(t, `cron: "30 2 * * *", time_zone: Europe/Berlin`)
	s, err := o.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)
	if got, want := s.Next(at), time.Date(2026, time.March, 29, 1, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
	if s, err := procedureOf(t, "interval: 1h").Schedule(); s != nil || err != nil {
		t.Errorf("an interval has the schedule %v, %v", s, err)
	}
}

func TestInvalidProcedures(t *testing.T) {
	for item, want := range map[string]string{
		"":                                               "expected[0]: must have one of interval, cron and on_calendar",
		`interval: 1h, cron: "* * * * *"`:                "expected[0]: must have one of interval, cron and on_calendar",
		`cron: "61 * * * *"`:                             `expected[0].cron: invalid cron expression "61 * * * *"`,
		"on_calendar: [daily, never]":                    `expected[0].on_calendar: invalid OnCalendar line "never"`,
		"on_calendar: [daily], time_zone: X":             `expected[0].time_zone: invalid time zone "X"`,
		"interval: 1h, time_zone: UTC":                   "expected[0].time_zone: needs cron or on_calendar",
		"interval: 1s":                                   `expected[0].interval: invalid duration "1s"`,
		"interval: 1h, max_runtime: 2y":                  `expected[0].max_runtime: invalid duration "2y"`,
		"interval: 1h, app_service: shop":                `expected[0].app_service: unknown service "shop"`,
		"interval: 1h, ping_id: {}":                      "expected[0].ping_id: must have either file or env",
		"interval: 1h, file: a, collector: b":            "expected[0]: must have one of collector and file",
		"interval: 1h, backup: {name: db, test: verify}": `expected[0].backup.name: unknown backup "db"`,
		"interval: 1h, page: P5":                         `expected[0].page: invalid priority "P5"`,
	} {
		_, err := loadText(t, minimal+"procedures: {ping_keys: [{env: HOME}], expected: [{name: it, "+item+"}]}\n")
		if err == nil || !strings.Contains(err.Error(), "procedures."+want) {
			t.Errorf("%s: %v\nwant %s", item, err, want)
		}
	}
	for text, want := range map[string]string{
		"procedures: {expected: [{name: it, interval: 1h}]}": "expected[0]: cannot be reported",

		"procedures: {ping_keys: [{}]}":                                        "ping_keys[0]: must have either",
		"maintenance: [{name: a, procedures: [b], start: 1:00, duration: 1h}]": `unknown procedure "b"`,

		"procedures: {results: r, expected: [{name: it, interval: 1h}, {name: it, interval: 1h}]}": `duplicate name "it"`,
	} {
		if _, err := loadText(t, minimal+text+"\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

// Files are those beside the policy, and a test of a backup is the file that it writes.
func TestProcedureFiles(t *testing.T) {
	p := loadedFrom(t, minimal+`backups: [{name: db, interval: 1d, results: results, source: {program: directory}}]
procedures:
  results: spool
  expected:
    - {name: file, interval: 1d, file: done, page: P3}
    - {name: verify, interval: 1d, backup: {name: db, test: verify}, page: P3}
maintenance: [{name: night, procedures: [file], start: 1:00, duration: 1h}]
`)
	all := p.Procedures()
	if !strings.HasSuffix(all.Results, "/spool") || !strings.HasSuffix(all.Expected[0].File, "/done") ||
		!strings.HasSuffix(p.ProcedureResult(all.Expected[1]), "/results/db.verify.json") {
		t.Errorf("%s, %s, %s", all.Results, all.Expected[0].File, p.ProcedureResult(all.Expected[1]))
	}
}
