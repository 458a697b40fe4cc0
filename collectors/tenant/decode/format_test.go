package decode

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

// Validation and decoders have the same formats with the same properties, each of them documented.
func TestConfigKnowsTheFormats(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/tenants.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]config.LogFormat{}
	for _, c := range config.LogFormats {
		if _, err := formatOf(c.Name); err != nil {
			t.Errorf("config lists %q, decode does not", c.Name)
		}
		known[c.Name] = c
	}
	for _, f := range formats {
		want := config.LogFormat{
			Name: f.name, Durations: f.durations, Unit: f.unitVaries, NoAddress: f.unproven,
			ProbeSecret: f.keys[fProbe] != "" || f.keysVary || f.captures, Receiver: known[f.name].Receiver,
		}
		if f.line != nil {
			d, err := New(Options{Format: f.name})
			if err != nil {
				t.Fatal(err)
			}
			if l, ok := d.(*textLine); ok {
				want.Header = l.HeaderPrefix() != nil
			}
		}
		switch {
		case f.keysVary && len(f.keys) == 0:
			want.Keys = config.KeysNamed
		case f.keysVary:
			want.Keys = config.KeysRenamed
		case f.captures:
			want.Keys = config.KeysCaptured
		}
		switch got, ok := known[f.name]; {
		case !ok:
			t.Errorf("decode lists %q, config does not", f.name)
		case got != want:
			t.Errorf("config has %+v, decode %+v", got, want)
		}
		ways := 0
		for _, has := range []bool{f.decoder != nil, f.line != nil, f.read != nil} {
			if has {
				ways++
			}
		}
		if ways != 1 {
			t.Errorf("%s: a format must have either a decoder or a way to read lines or JSON", f.name)
		}
		if !strings.Contains(string(docs), "\n| `"+f.name+"` ") {
			t.Errorf("docs/tenants.md has no row for %s", f.name)
		}
	}
	if len(known) != len(formats) || len(known) != len(config.LogFormats) {
		t.Errorf("a format is listed twice: %d names, %d in config, %d in decode", len(known), len(config.LogFormats),
			len(formats))
	}
	for _, name := range config.Receivers {
		if _, err := NewJSON(Options{Format: name}); err != nil {
			t.Errorf("receiver %s: %v", name, err)
		}
	}
	for _, name := range config.EventFields {
		if named[name] == none {
			t.Errorf("config lists the field %q, decode does not", name)
		}
	}
	for name := range named {
		if !slices.Contains(config.EventFields, name) {
			t.Errorf("decode lists the field %q, config does not", name)
		}
	}
}

// event is an Event that can be compared.
type event struct {
	host, path, tenant, id string
	status                 int
	duration               int64
	bytes                  uint64
	time                   int64
	probe                  bool
}

func plainEvent(e *Event) event {
	return event{
		string(e.Host), string(e.Path), string(e.Tenant), string(e.ID), e.Status, e.Duration, e.Bytes, e.Time, e.Probe,
	}
}

const (
	second = int64(time.Second)
	milli  = int64(time.Millisecond)
)

// testTime is 2026-09-21T10:00:00Z.
var testTime = time.Date(2026, 9, 21, 10, 0, 0, 0, time.UTC).UnixNano()

// testOptions are those of a source with a format. A format without keys gets the key of the status.
func testOptions(format string) Options {
	o := Options{Format: format, Path: true, Probes: testProbes()}
	if format == "json" {
		o.Fields = map[string]string{"status": "status"}
	}
	return o
}

// lineCase is what becomes of a line.
type lineCase struct {
	line    string
	outcome Outcome
	want    event
}

// testLines decodes each line twice: what is remembered of a line must not change the next.
func testLines(t *testing.T, format string, cases map[string]lineCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d, err := New(testOptions(format))
			if err != nil {
				t.Fatal(err)
			}
			var e Event
			for range 2 {
				if v := d.Decode([]byte(tc.line), &e); v != tc.outcome {
					t.Fatalf("outcome %d, want %d", v, tc.outcome)
				}
				if got := plainEvent(&e); tc.outcome == Counted && got != tc.want {
					t.Fatalf("got  %+v\nwant %+v", got, tc.want)
				}
			}
		})
	}
}

type statusCase struct {
	outcome Outcome
	status  int
}

// testStatuses compares the statuses of lines.
func testStatuses(t *testing.T, format string, cases map[string]statusCase) {
	t.Helper()
	for line, want := range cases {
		d, err := New(testOptions(format))
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if v := d.Decode([]byte(line), &e); v != want.outcome || v == Counted && e.Status != want.status {
			t.Errorf("%s: outcome %d, status %d, want %d, %d", line, v, e.Status, want.outcome, want.status)
		}
	}
}
