package decode

import (
	"bytes"
	"testing"
)

func TestUnwrap(t *testing.T) {
	for line, want := range map[string]Entry{
		`{"log":"{\"a\":1} b\n","stream":"stdout","time":"2026-11-25T10:00:00.1Z"}`: {
			Content: []byte(`{"a":1} b`), Time: []byte("2026-11-25T10:00:00.1Z"),
		},
		`{"log":"oops\n","stream":"stderr","attrs":{"a":"b"},"time":"2026-11-25T10:00:00Z"}`: {
			Content: []byte("oops"), Time: []byte("2026-11-25T10:00:00Z"), Stderr: true,
		},
		`{"log":"part","stream":"stdout","time":"2026-11-25T10:00:00Z"}`: {
			Content: []byte("part"), Time: []byte("2026-11-25T10:00:00Z"), Partial: true,
		},
		`{"_HOSTNAME":"h","MESSAGE":"a \"b\"","__REALTIME_TIMESTAMP":"1796142962781000"}`: {
			Content: []byte(`a "b"`), Time: []byte("1796142962781000"),
		},
		`{"__REALTIME_TIMESTAMP":"1796142962781000","MESSAGE":[97, 255,98]}`: {
			Content: []byte("a\xffb"), Time: []byte("1796142962781000"),
		},
	} {
		var u Unwrapper
		got, ok := u.Unwrap([]byte(line))
		if !ok || !bytes.Equal(got.Content, want.Content) || !bytes.Equal(got.Time, want.Time) ||
			got.Stderr != want.Stderr || got.Partial != want.Partial {
			t.Errorf("%s: %+v %v", line, got, ok)
		}
	}
	for _, line := range []string{
		`{"log":"a"}`, `{"log":{"a":1},"stream":"stdout","time":"x"}`, `{"MESSAGE":"a"}`, `{"log":"a`, `{"host":"a"}`,
		`{"MESSAGE":[256],"__REALTIME_TIMESTAMP":"1"}`, `{"MESSAGE":null,"__REALTIME_TIMESTAMP":"1"}`,
	} {
		var u Unwrapper
		if e, ok := u.Unwrap([]byte(line)); ok {
			t.Errorf("%s: %+v", line, e)
		}
	}
}

func TestSyslogged(t *testing.T) {
	for line, want := range map[string]Entry{
		"Nov 25 10:00:00 web-1 haproxy[7]: a b":  {Content: []byte("a b")},
		"<134>Nov  5 10:00:00 web-1 nginx: {}":   {Content: []byte("{}")},
		"Nov 25 10:00:00.123456 web-1 app[7]: a": {Content: []byte("a")},
		"2026-11-25T10:00:00.1+01:00 web-1 haproxy[7]: a": {
			Content: []byte("a"), Time: []byte("2026-11-25T10:00:00.1+01:00"),
		},
		"2026-11-25T10:00:00+0000 web-1 caddy[7]: {\"a\":1}": {
			Content: []byte(`{"a":1}`), Time: []byte("2026-11-25T10:00:00+0000"),
		},
		"<134>1 2026-11-25T10:00:00Z web-1 haproxy 7 - - a b": {
			Content: []byte("a b"), Time: []byte("2026-11-25T10:00:00Z"),
		},
		"<13>1 - - - - - - \xef\xbb\xbfa":            {Content: []byte("a")},
		`<13>1 - h p 7 m [x@1 a="\"]"][y@2 b="c"] a`: {Content: []byte("a")},
		"<165>1 2026-11-25T10:00:00.000003-07:00 h p 7 m - a b": {
			Content: []byte("a b"), Time: []byte("2026-11-25T10:00:00.000003-07:00"),
		},
	} {
		got, ok := Syslogged([]byte(line))
		if !ok || !bytes.Equal(got.Content, want.Content) || !bytes.Equal(got.Time, want.Time) {
			t.Errorf("%s: %q %q %v", line, got.Content, got.Time, ok)
		}
	}
	for _, line := range []string{
		"", "<", "<134>", "<1345>Nov 25 10:00:00 h p: a", mainLine, vhostLine, haproxyLine,
		"<13>1 x h p 7 m - aaaaaaaaaaaaaaa", "2026-11-25T10:00:00Z INF Starting the provider",
		"Nov 25 10:00:00 no tag in this line",
		`<13>1 - h p 7 m [x a="] aaaaa`,
		"2026-99-25T10:00:00Z web-1 haproxy[7]: a", "<13>1 2026-11-25T10:00:00Z a b c",
	} {
		if e, ok := Syslogged([]byte(line)); ok {
			t.Errorf("%s: %q", line, e.Content)
		}
	}
}

func FuzzSyslogged(f *testing.F) {
	for _, line := range []string{
		"<134>Nov 25 10:00:00 h p[7]: a", "2026-11-25T10:00:00Z h p: a", `<13>1 - h p 7 m [x@1 a="\"]"] a`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if e, ok := Syslogged(line); ok && (!bytes.HasSuffix(line, e.Content) || !bytes.Contains(line, e.Time)) {
			t.Errorf("%q: %+v", line, e)
		}
	})
}

func FuzzUnwrap(f *testing.F) {
	f.Add([]byte(`{"log":"a\n","stream":"stdout","time":"2026-11-25T10:00:00.1Z"}`))
	f.Add([]byte(`{"__REALTIME_TIMESTAMP":"1796142962781000","MESSAGE":[97, 255,98]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var u Unwrapper
		for range 2 {
			if e, ok := u.Unwrap(line); ok && len(e.Content) > len(line)*3 { // a byte becomes U+FFFD at most
				t.Errorf("%q: %+v", line, e)
			}
		}
	})
}
