package config

import (
	"slices"
	"strings"
	"testing"
)

func TestClock(t *testing.T) {
	for text, want := range map[string]string{
		"9:00": "09:00", "09:00": "09:00", " 23:59 ": "23:59", "0:05": "00:05", "24:00": "24:00",
		"9": "", "9:0": "", "24:01": "", "25:00": "", "12:60": "", "-1:00": "", "9:00am": "", "": "", "+9:00": "",
	} {
		got, err := ParseClock(text)
		if want == "" {
			if err == nil {
				t.Errorf("%q is %s", text, got)
			}
		} else if err != nil || got.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestWeekdays(t *testing.T) {
	for _, c := range []struct {
		written []string
		want    string
	}{
		{[]string{"Mon"}, "monday"},
		{[]string{"MONDAY", "mon", "Tues"}, "monday tuesday"},
		{[]string{"Mon-Fri"}, "monday tuesday wednesday thursday friday"},
		{[]string{"monday:friday"}, "monday tuesday wednesday thursday friday"},
		{[]string{"Fri - Mon", "wed"}, "friday saturday sunday monday wednesday"},
		{[]string{"sat-sat"}, "saturday"},
		{[]string{"Montag"}, "Montag"}, // for validation to report
		{[]string{"mon-"}, "mon-"},
		{nil, ""},
	} {
		if got := strings.Join(canonicalDays(c.written), " "); got != c.want {
			t.Errorf("%q: %s, want %s", c.written, got, c.want)
		}
	}
}

// A policy means the same however its times are written, and invalid times are errors.
func TestTimesAsPeopleWriteThem(t *testing.T) {
	policy := func(hours, window string) string {
		return minimal + "business_hours: {" + hours + "}\nmaintenance: [{name: night, duration: 2h, " + window + "}]\n"
	}
	plain := loadedFrom(t, policy(
		`weekdays: [monday, tuesday], from: "09:00", to: "18:00"`, `start: "02:00", weekdays: [sunday]`))
	human := loadedFrom(t, policy(`weekdays: [Mon-Tue], from: 9:00, to: 18:00`, `start: 2:00, weekdays: [Sun]`))
	if plain.Hash() != human.Hash() {
		t.Errorf("%+v %+v, want %+v %+v", human.Hours, human.Maintenance[0], plain.Hours, plain.Maintenance[0])
	}
	for hours, want := range map[string]string{
		`weekdays: [Funday]`:         `invalid weekday "Funday"`,
		`from: "9am"`:                `invalid time of day "9am"`,
		`from: "09:00", to: "09:00"`: `invalid time of day "09:00": from is the same`,
		`from: "24:00", to: "06:00"`: "invalid time of day",
	} {
		if _, err := loadText(t, policy(hours, `start: "02:00"`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", hours, err)
		}
	}
	_, err := loadText(t, policy(`to: "17:00"`, `start: "2"`))
	if err == nil || !strings.Contains(err.Error(), `invalid time of day "2"`) {
		t.Errorf("err = %v", err)
	}
}

// A key that cannot have an effect is warned of, where it is written; defaults are not.
func TestKeysOfASourceWithoutEffect(t *testing.T) {
	p := loadedFrom(t, minimal+`tenants:
  host: "{tenant}.example.com"
  sources:
    - {name: a, file: /a, format: envoy, app_service: web, duration_unit: ms}
    - {name: b, file: /b, format: json, app_service: web, duration_unit: ms, fields: {status: s}}
    - {name: c, stdin: true, format: caddy, app_service: web, duration_unit: ms,
       rotated: "*", secret_file: /f, start: end}
    - {name: d, receive: vercel, secret_file: /f, secret_header: X, app_service: web}
    - {name: e, receive: json, secret_file: /f, secret_header: X, verify: x, app_service: web,
       fields: {status: s, duration: d}, duration_unit: ms}
`)
	var got []string
	for _, w := range p.Warnings() {
		if strings.Contains(w.Msg, "has no effect") {
			got = append(got, strings.TrimPrefix(w.Path, "tenants.sources"))
		}
	}
	slices.Sort(got)
	want := []string{
		"[0].duration_unit", "[1].duration_unit", "[2].rotated", "[2].secret_file", "[2].start",
		"[3].secret_header", "[4].verify",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
