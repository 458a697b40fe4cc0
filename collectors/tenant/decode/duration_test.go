package decode

import (
	"testing"
	"time"
)

// A request whose duration cannot be read counts, and so does why it cannot.
func TestUnreadableDurations(t *testing.T) {
	for text, want := range map[string]Unreadable{
		`0.010`:   Readable,
		`"0.010"`: Readable, `" 0.010 "`: Readable, `"10ms"`: Readable, `"-, 0.5"`: Readable, `009`: Readable,
		`-`: Readable, `"-"`: Readable, `""`: Readable, ``: Readable, `null`: Readable, `"-, -"`: Readable, `-0.0`: Readable,
		`"0.010 s"`: NotADuration, `"fast"`: NotADuration, `"10 ms, 0.5"`: NotADuration, `"0.5, fast"`: NotADuration,
		`"1m2x"`: NotADuration,
		`true`:   NotADuration, `[0.1]`: NotADuration, `{"s":1}`: NotADuration, `NaN`: NotADuration, `"."`: NotADuration,
		`"--1"`: NotADuration,
		`-1`:    Negative, `-0.5`: Negative, `"-1"`: Negative, `"-10ms"`: Negative, `"0.5, -1"`: Negative,
	} {
		d, err := New(Options{Format: "nginx-json"})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		line := `{"host":"a","status":200,"request_time":` + text + `}`
		if v := d.Decode([]byte(line), &e); v != Counted || e.Unreadable != want ||
			want != Readable && (e.Duration != -1 || len(e.Unread) == 0) {
			t.Errorf("%s: outcome %d, %q is unreadable: %d, want %d; duration %d", text, v, e.Unread, e.Unreadable, want,
				e.Duration)
		}
		if d.Decode([]byte(`{"host":"a","status":200}`), &e); e.Unreadable != Readable || e.Unread != nil {
			t.Errorf("%s is still there after the next line", text)
		}
	}
}

func TestUnreadableDurationsOfOtherFormats(t *testing.T) {
	const combined = `::1 - - [21/Sep/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" "host"`
	const cloudflare = `{"ClientRequestHost":"a","EdgeResponseStatus":200,`
	for line, tc := range map[string]struct {
		format string
		want   Unreadable
	}{
		combined:                {"combined", Readable},
		combined + ` -`:         {"combined", Readable},
		combined + ` 0.5`:       {"combined", Readable},
		combined + ` fast`:      {"combined", NotADuration},
		combined + ` "0.010 s"`: {"combined", NotADuration},
		combined + ` "0.010`:    {"combined", NotADuration},
		combined + ` -1`:        {"combined", Negative},
		`{"logger":"http.log.access","request":{"host":"a"},"status":200,"duration":"1m1.5s"}`: {"caddy", Readable},
		`{"logger":"http.log.access","request":{"host":"a"},"status":200,"duration":"soon"}`:   {"caddy", NotADuration},
		cloudflare + `"EdgeStartTimestamp":1790000000020000000}`:                               {"cloudflare", Readable},
		cloudflare + `"EdgeStartTimestamp":1790000000020000000,"EdgeEndTimestamp":1790000000131000000}`: {
			"cloudflare", Readable,
		},
		cloudflare + `"EdgeStartTimestamp":1790000000131000000,"EdgeEndTimestamp":1790000000020000000}`: {
			"cloudflare", Negative,
		},
		cloudflare + `"EdgeStartTimestamp":1790000000,"EdgeEndTimestamp":1790000001}`: {"cloudflare", WholeSeconds},
		cloudflare + `"EdgeStartTimestamp":"2026-09-21T10:00:00Z","EdgeEndTimestamp":"2026-09-21T10:00:01Z"}`: {
			"cloudflare", WholeSeconds,
		},
	} {
		d, err := New(Options{Format: tc.format})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		if v := d.Decode([]byte(line), &e); v != Counted || e.Unreadable != tc.want {
			t.Errorf("%s: outcome %d, unreadable %d, want %d", line, v, e.Unreadable, tc.want)
		}
	}
}

// Of a text that is logged, only the form remains.
func TestShape(t *testing.T) {
	for text, want := range map[string]string{
		"0.010 s": "0.000 a", "Anna-7@example.com": "aaaa-0@aaaaaaa.aaa", "\u00e9": "aa", "": "", "a\x1b[1m\x7f": "a?[0a?",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	} {
		if got := Shape([]byte(text), 32); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// Durations are read exactly, whatever their notation.
func TestDurationsAreExact(t *testing.T) {
	for text, want := range map[string]int64{
		"0.123": 123 * milli, "0.0005": milli / 2, "1": second, "1.5e-3": 3 * milli / 2, "1E+2": 100 * second,
		"0.0000000004": 0,
		"0.0000000005": 1, "0.002, 0.010 : 0.003": 15 * milli, "-, 0.5": second / 2, "-": -1, "": -1, "-1": -1, "x": -1,
		"1e":                   -1,
		"99999999999999999999": maxScaled, "1e99999999999": maxScaled, "1e-99999999999": 0,
		"0.1234567894999999999999": 123456789,
	} {
		if got, _ := duration([]byte(text), seconds); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

// What time.ParseDuration reads is read the same, without its rounding.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{
		"1.5ms", "+1h2m3.5s", "0.002, 0.010 : 0.003", "0.010 s", "-1", "\u00b5s", "1\u00b5s", "9999999h", "-, -",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, reason := duration([]byte(text), seconds)
		if got < -1 || (reason != Readable) && got != -1 || reason >= Unreadables {
			t.Fatalf("%q is %d, %d", text, got, reason)
		}
		want, err := time.ParseDuration(text)
		if _, plain := scaled([]byte(text), 0); plain || err != nil || len(text) > 12 {
			return
		}
		if want < 0 {
			if reason != Negative {
				t.Fatalf("%q is unreadable: %d", text, reason)
			}
			return
		}
		if reason != Readable || got-int64(want) > 12 || int64(want)-got > 12 {
			t.Fatalf("%q is %d, want %d", text, got, want)
		}
	})
}
