package config

import (
	"os"
	"strings"
	"testing"
)

func TestLogFormatsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for key, names := range map[string][]string{"format": Formats, "receive": Receivers} {
		line := key + ": " + strings.Join(names, " | ")
		if !strings.Contains(string(text), "\n      "+line) && !strings.Contains(string(text), "\n      [ "+line+" ]") {
			t.Errorf("docs/configuration.md does not have %q", line)
		}
	}
}

// What the table holds of each format decides which keys of a source are refused, required or without effect.
func TestLogFormatsDecideWhatASourceMayHave(t *testing.T) {
	for _, f := range LogFormats {
		from := "file: a.log, format: " + f.Name
		fields := ""
		if f.Keys == KeysNamed {
			fields = ", fields: {status: s}"
		}
		load := func(more string) (*Policy, error) {
			return loadText(t, strings.Replace(withSource, "file: access.json, format: nginx-json", from+more, 1))
		}
		p, err := load(fields)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if got, want := p.Tenants.Sources[0].HasDuration(), f.Durations && f.Keys != KeysNamed; got != want {
			t.Errorf("%s has durations: %t", f.Name, got)
		}
		if _, err := load(", fields: {host: h, status: s}"); (err != nil) != (f.Keys == KeysFixed ||
			f.Keys == KeysCaptured) {
			t.Errorf("%s with fields: %v", f.Name, err)
		}
		if _, err := load(""); (err != nil) != (f.Keys == KeysNamed) {
			t.Errorf("%s without fields: %v", f.Name, err)
		}
		unit := ", duration_unit: ms"
		if f.Keys == KeysNamed {
			unit += ", fields: {status: s, duration: d}"
		}
		if p, err = load(unit); err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		idle := false
		for _, w := range p.Warnings() {
			idle = idle || strings.HasSuffix(w.Path, ".duration_unit")
		}
		if idle == f.Unit {
			t.Errorf("%s: duration_unit has no effect: %t", f.Name, idle)
		}
	}
}

// Fields of haproxy are places of captured headers, and only some fields can be in one.
func TestCapturedFields(t *testing.T) {
	for fields, want := range map[string]string{
		"{host: capture.1, probe: capture.12}": "",
		"{host: capture.0}":                    "fields.host: invalid field of haproxy",
		"{host: Host}":                         "fields.host: invalid field of haproxy",
		"{status: capture.1}":                  "fields.status: invalid field of haproxy",
	} {
		_, err := loadText(t, strings.Replace(withSource, "file: access.json, format: nginx-json",
			"file: a.log, format: haproxy, fields: "+fields, 1))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", fields, err)
		}
	}
}
