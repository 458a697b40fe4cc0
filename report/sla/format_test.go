package sla

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/report"
)

// finished is the report of a tenant of the seeded month as the command writes it.
func (s *seeded) finished(tenant string) *Report {
	subject := Subject{}
	if tenant != "" {
		subject = s.subject(tenant)
	}
	r := s.builder().Build(subject)
	r.Method.Generator = "test"
	return r
}

func (s *seeded) text(format, tenant string) string {
	s.t.Helper()
	r := s.finished(tenant)
	text, err := report.Text(format, r.Document(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// The figures that were computed by hand are in every format.
func TestSeededMonthInEveryFormat(t *testing.T) {
	s := newSeeded(t)
	for tenant, lines := range map[string]map[string][]string{
		"": {
			"md": {
				"| Availability | 99.718 % |", "| Total | 44700.000 min | 31d 1h |", "| Excluded | 300.000 min |",
				"| Unknown | 40.000 min |", "| Observed | 44360.000 min |", "| Down | 125.000 min | 2h 5m |",
				"| Coverage | 99.909 % |", "| Credit due | 10 % | below 99.9 %; last day to claim 2026-11-30 |",
				"| 99.628 % if all unknown time was down |",
				"| web | home | 2026-10-03 23:51:00 +02:00 | 2026-10-04 00:19:30 +02:00 | 28m 30s | 28m 30s | no answer in time |",
				"| web | home | 2026-10-31 23:40:30 +01:00 | 2026-11-01 00:29:00 +01:00 | 48m 30s | 19m 30s |",
				"| hotfix | 2026-10-17 02:00:00 +02:00 | 2026-10-17 02:30:00 +02:00 | 2026-10-16 22:00:00 +02:00 | 4h | 0s | " +
					"it was announced too late |",
				"| 2026-10-25 | 98.863 % | 1500.000 | 180.000 | 0.000 | 1320.000 | 15.000 |",
				"| api | api-health | 100.000 % | 44700.000 | 0.000 | 0.000 | 44700.000 | 0.000 |",
				"fra (30m)<br>nyc (28m 30s)", "claimed until 2026-11-30",
			},
			"csv": {
				"summary,availability,99.718,percent", "summary,total,2682000,seconds", "summary,excluded,18000,seconds",
				"summary,unknown,2400,seconds", "summary,judged,2661600,seconds", "summary,down,7500,seconds",
				"summary,coverage,99.909,percent", "summary,credit,10,%",
				"outages,web,home,2026-10-03T23:51:00+02:00,2026-10-04T00:19:30+02:00,1710,1710,no answer in time,timeout,",
				"outages,web,home,2026-10-31T23:40:30+01:00,2026-11-01T00:29:00+01:00,2910,1170,",
				"maintenance,upgrade,2026-10-10T01:00:00+02:00,2026-10-10T03:00:00+02:00," +
					"2026-10-01T12:00:00+02:00,738000,7200,",
				"days,2026-10-25,98.863,90000,10800,0,79200,900",
			},
			"json": {
				`"availability_percent": 99.718`, `"total_seconds": 2682000`, `"excluded_seconds": 18000`,
				`"unknown_seconds": 2400`, `"judged_seconds": 2661600`, `"down_seconds": 7500`, `"coverage_percent": 99.909`,
				`"availability_if_unknown_was_down_percent": 99.628`, `"due_percent": "10"`, `"claim_until": "2026-11-30"`,
				`"length_seconds": 2910`, `"down_seconds": 1170`, `"kept": false`, `"date": "2026-10-25"`,
			},
			"html": {
				"<dt>Availability</dt><dd><b>99.718 %</b>", "<dt>Total</dt><dd><b>44700.000</b> <span>min</span>",
				"<dt>Excluded</dt><dd><b>300.000</b>", "<dt>Unknown</dt><dd><b>40.000</b>", "<dt>Observed</dt><dd><b>44360.000</b>",
				"<dt>Down</dt><dd><b>125.000</b>", "<dt>Coverage</dt><dd><b>99.909 %</b>", "<dt>Credit due</dt><dd><b>10</b>",
				"2026-10-03<br>23:51:00 +02:00", "28m 30s", "it was announced too late", "98.863 %",
			},
		},
		"newco": {
			"md":   {"| 99.635 % |", "| 15180.000 min |", "| 180.000 min |", "| 14960.000 min |", "| 54.500 min |"},
			"csv":  {"total,910800,", "excluded,10800,", "unknown,2400,", "judged,897600,", "down,3270,", "99.635,"},
			"json": {`"total_seconds": 910800`, `"judged_seconds": 897600`, `"down_seconds": 3270`, `99.635`},
			"html": {"<b>99.635 %</b>", "<b>15180.000</b>", "<b>180.000</b>", "<b>14960.000</b>", "<b>54.500</b>"},
		},
		"oldco": {
			"md": {
				"| 98.614 % |", "| 4330.000 min |", "| 60.000 min |", "| 25 % | below 99 %",
				"| Tier standard | from before the month, until 2026-10-04 00:10:00 +02:00 |",
			},
			"csv":  {"availability,98.614,", "total,259800,", "down,3600,", "credit,25,"},
			"json": {`98.614`, `"total_seconds": 259800`, `"down_seconds": 3600`, `"due_percent": "25"`},
			"html": {"<b>98.614 %</b>", "<b>4330.000</b>", "<b>60.000</b>", "<b>25</b>"},
		},
		"acme": {
			"md": {
				"| web | answered without an error | 31000 | 31 | 99.900 % |",
				"| web | within 0.3s | 31000 | 620 | 98.000 % | 95 % | yes |",
				"| web | within 1s | 31000 | 400 | 98.709 % | 99 % | no |",
				"| Tier enterprise | from 2026-10-15 14:00:00 +02:00, until now |",
			},
			"csv":  {"web,within 0.3s,31000,620,98.000,95 %,true", "requests,web,within 1s,31000,400,98.709,99 %,false"},
			"json": {`"attained_percent": 98.709`, `"requests": 31000`, `"tier": "enterprise"`},
			"html": {"98.709 %", "31000", "Tier enterprise"},
		},
	} {
		for format, wants := range lines {
			text := s.text(format, tenant)
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("%s of %q lacks %q", format, tenant, want)
				}
			}
			if t.Failed() && testing.Verbose() {
				t.Log(text)
			}
		}
	}
}

// Formats can be read by programs: JSON is valid, and every row of CSV has the columns of its section.
func TestFormatsAreWellFormed(t *testing.T) {
	s := newSeeded(t)
	if !json.Valid([]byte(s.text("json", "acme"))) {
		t.Error("invalid JSON")
	}
	in := csv.NewReader(strings.NewReader(s.text("csv", "acme")))
	in.FieldsPerRecord = -1
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := 0
	for _, row := range rows {
		if row[0] == "section" {
			columns = len(row)
		}
		if len(row) != columns {
			t.Errorf("%d columns, want %d: %q", len(row), columns, row)
		}
	}
	page := s.text("html", "acme")
	for _, outside := range []string{"<script", "http://", "https://", "<link", "url(", "@import"} {
		if strings.Contains(page, outside) {
			t.Errorf("the page has %q", outside)
		}
	}
}

// The same data has the same hash whatever the order in which exporters were read; other data has another one.
func TestHashOfTheData(t *testing.T) {
	s := newSeeded(t)
	one := s.finished("acme").Method.DataHash
	s.targets[0], s.targets[1] = s.targets[1], s.targets[0]
	if two := s.finished("acme").Method.DataHash; two != one || len(one) != 64 {
		t.Errorf("%s and %s", one, two)
	}
	s.targets[2].Days[9].Down++
	if three := s.finished("acme").Method.DataHash; three == one {
		t.Error("the hash does not depend on the data")
	}
}

// Days on which nothing was judged are no rows: a month that has just begun to be watched is short.
func TestDaysThatWereNotJudged(t *testing.T) {
	s := newSeeded(t)
	for i := range s.targets {
		s.targets[i].Days = s.targets[i].Days[20:] // from 19 October on
	}
	text := s.text("md", "")
	if !strings.Contains(text, "% of the time that counts was judged; the rest is unknown.**") {
		t.Error("the conclusion hides how little was judged")
	}
	if !strings.Contains(text, "On 17 days nothing was judged, from 2026-10-01 to 2026-10-18; they are not listed.") ||
		strings.Contains(text, "| 2026-10-05 |") || !strings.Contains(text, "| 2026-10-22 |") {
		t.Error(text)
	}
}
