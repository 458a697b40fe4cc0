package decode

import (
	"bytes"
	"testing"
)

func TestContained(t *testing.T) {
	for line, want := range map[string]Entry{
		`2026-11-25T10:00:00.000000001Z stdout F {"a":1} b`: {
			Content: []byte(`{"a":1} b`), Time: []byte("2026-11-25T10:00:00.000000001Z"),
		},
		"2026-11-25T10:00:00.1+02:00 stderr F oops": {
			Content: []byte("oops"), Time: []byte("2026-11-25T10:00:00.1+02:00"), Stderr: true,
		},
		"2026-11-25T10:00:00Z stdout P:tag of a long line": {
			Content: []byte("of a long line"), Time: []byte("2026-11-25T10:00:00Z"), Partial: true,
		},
		"2026-11-25T10:00:00.000000001Z stdout F ": {Time: []byte("2026-11-25T10:00:00.000000001Z")},
		"2026-11-25T10:00:00.000000001Z stdout F  two spaces": {
			Content: []byte(" two spaces"), Time: []byte("2026-11-25T10:00:00.000000001Z"),
		},
		"2016-10-06T00:17:09.669794202Z stdout F log content 2": {
			Content: []byte("log content 2"), Time: []byte("2016-10-06T00:17:09.669794202Z"),
		},
	} {
		got, ok := Contained([]byte(line))
		if !ok || !bytes.Equal(got.Content, want.Content) || !bytes.Equal(got.Time, want.Time) || got.Stderr != want.Stderr ||
			got.Partial != want.Partial {
			t.Errorf("%s: %+v %v", line, got, ok)
		}
	}
	for _, line := range []string{
		"", `{"time":"2026-11-25T10:00:00Z","stdout":"F"}`, "2026-11-25T10:00:00.000000001Z stdout X content",
		"2026-11-25T10:00:00.000000001Z stdin F content", "2026-11-25T99:00:00.000000001Z stdout F content",
		"2026-11-25 T10:00:00.000000001Z stdout F",
		`203.0.113.7 - - [25/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" acme.example.com 0.1`,
		"2026-11-25T10:00:00.000000001Z stdout Fcontent",
	} {
		if e, ok := Contained([]byte(line)); ok {
			t.Errorf("%s: %+v", line, e)
		}
	}
}

func FuzzContained(f *testing.F) {
	f.Add([]byte("2026-11-25T10:00:00.000000001Z stdout F content"))
	f.Add([]byte("2026-11-25T10:00:00.1+02:00 stderr P:x oops"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if e, ok := Contained(line); ok && (!bytes.HasPrefix(line, e.Time) || !bytes.HasSuffix(line, e.Content)) {
			t.Errorf("%q: %+v", line, e)
		}
	})
}
