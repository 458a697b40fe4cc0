package routetest

import (
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
)

const configuration = `
route:
  receiver: "null"
  group_by: [alertname]
  routes:
    - matchers: [severity="critical"]
      receiver: pager
      continue: true
    - matchers: [severity=~"critical|warning"]
      receiver: chat
      active_time_intervals: [work]
      mute_time_intervals: [lunch]
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [service]
time_intervals:
  - {name: work, time_intervals: [{times: [{start_time: "09:00", end_time: "18:00"}]}]}
  - {name: lunch, time_intervals: [{times: [{start_time: "12:00", end_time: "13:00"}]}]}
receivers: [{name: "null"}, {name: pager}, {name: chat}]
`

func TestTester(t *testing.T) {
	j, err := NewTester([]byte(configuration))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ test, wrong string }{
		"both in order": {`{labels: {severity: critical}, expect: {receivers: [pager, chat]}}`, ""},
		"other order": {
			`{labels: {severity: critical}, expect: {receivers: [chat, pager]}}`,
			"the routes pick [pager chat], want [chat pager]",
		},
		"outside hours": {
			`{labels: {severity: warning}, at: 2026-03-02T08:59:00Z, expect: {receivers: [chat], muted: [chat]}}`, "",
		},
		"at lunch": {
			`{labels: {severity: warning}, at: 2026-03-02T12:30:00Z, expect: {receivers: [chat]}}`,
			"[chat] are muted at that time, want []",
		},
		"at work": {`{labels: {severity: warning}, at: 2026-03-02T13:00:00Z, expect: {receivers: [chat]}}`, ""},
		"no time": {`{labels: {severity: warning}, expect: {receivers: [chat]}}`, ""},
		"inhibited": {
			`{labels: {severity: warning, service: a}, firing: [{severity: critical, service: a}], expect: {receivers: [chat]}}`,
			"inhibited is true, want false",
		},
		"not inhibited": {`{labels: {severity: warning, service: a}, firing: [{severity: critical, service: b}], expect: ` +
			`{receivers: [chat], inhibited: true}}`, "inhibited is false, want true"},
		"silenced": {
			`{labels: {severity: warning}, silences: [['severity!="info"', 'x=""']], expect: {receivers: [chat], silenced: ` +
				`true}}`,
			"",
		},
		"not silenced": {
			`{labels: {severity: warning}, silences: [['severity="warning"', 'x="y"']], expect: {receivers: [chat], silenced: ` +
				`true}}`,
			"silenced is false",
		},
		"group": {`{labels: {alertname: A, severity: warning}, expect: {receivers: [chat], group_keys: {chat: ` +
			`'{}/{severity=~"critical|warning"}:{alertname="A"}'}}}`, ""},
		"other group": {
			`{labels: {alertname: A, severity: warning}, expect: {receivers: [chat], group_keys: {chat: x}}}`,
			"chat is notified in group {}/{",
		},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := Parse([]byte("tests: [{name: x, " + c.test[1:] + "]"))
			if err != nil {
				t.Fatal(err)
			}
			failures, err := j.Run(table)
			if err != nil {
				t.Fatal(err)
			}
			if c.wrong == "" && len(failures) > 0 ||
				c.wrong != "" && (len(failures) != 1 || !strings.Contains(failures[0].Wrong[0], c.wrong)) {
				t.Errorf("%+v, want %q", failures, c.wrong)
			}
		})
	}
}

func TestTablesAreStrict(t *testing.T) {
	for text, want := range map[string]string{
		``:                                      "no tests",
		`tests: []`:                             "no tests",
		`test: []`:                              "field test not found",
		`tests: [{labels: {a: b}, expect: {}}]`: "line 1: a test has no name",
		`tests: [{name: x, expect: {}}]`:        "x: an alert needs labels",
		"tests:\n  - {name: x, labels: {a: b}}\n  - {name: x, labels: {a: b}}": "line 3: \"x\" is also the " +
			"test in line 2",
		`tests: [{name: x, labels: {a: b}, expect: {muted: [c]}}]`:                            "muted needs a time",
		`tests: [{name: x, labels: {a: b}, expect: {receiver: [c]}}]`:                         `unknown key "receiver"`,
		`tests: [{name: x, label: {a: b}}]`:                                                   `unknown key "label"`,
		`tests: [{name: x, labels: {a: b}, silences: [['{']]}]`:                               "line 1: x:",
		`tests: [{name: x, labels: {a: b}, silences: [[]]}]`:                                  "a silence needs matchers",
		`{business_hours: {time_zone: Mars}, tests: [{name: x, labels: {a: b}, expect: {}}]}`: `invalid time zone "Mars"`,
		`tests: [x]`: "write keys and values here",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestHoursOverride(t *testing.T) {
	p := policytest.Default(t)
	(&Table{Hours: &Hours{TimeZone: "Asia/Tokyo", From: "08:00"}}).Apply(p)
	if p.Hours.TimeZone != "Asia/Tokyo" || p.Hours.From != "08:00" || p.Hours.To != "18:00" || len(p.Hours.Weekdays) != 5 {
		t.Errorf("%+v", p.Hours)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`tests: [{name: x, labels: {a: b}, at: 2026-03-02T08:59:00Z, firing: [{a: c}], silences: [['a="b"']], ` +
		`expect: {receivers: [chat], muted: [chat]}}]`))
	f.Add([]byte(`tests: [*a]`))
	j, err := NewTester([]byte(configuration))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		if table, err := Parse(text); err == nil {
			_, _ = j.Run(table)
		}
	})
}
