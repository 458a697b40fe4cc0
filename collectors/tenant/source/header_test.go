package source

import (
	"bytes"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// The last header before a position counts, however the bytes before it come.
func TestLastHeader(t *testing.T) {
	for text, want := range map[string]string{
		"#Fields: a b\nx y\n":                               "#Fields: a b",
		"#Fields: a b\r\nx y\r\n#Fields: c\r\nz\r\n":        "#Fields: c",
		"x #Fields: a\n":                                    "",
		"#Software: x\n#Fields: a\n#Fields: not whole":      "#Fields: a",
		"#Fields: a\n#Fields:" + strings.Repeat("x", 70000): "#Fields: a",
		"\n\n#Fields: a\n\n":                                "#Fields: a",
	} {
		for _, size := range []int{1, 3, 7, 1 << 20} {
			h := &header{prefix: []byte("#Fields:")}
			for rest := []byte(text); len(rest) > 0; {
				n := min(size, len(rest))
				if wrote, err := h.Write(rest[:n]); wrote != n || err != nil {
					t.Fatal(wrote, err)
				}
				rest = rest[n:]
			}
			if string(h.last) != want {
				t.Errorf("%q by %d: %q, want %q", text, size, h.last, want)
			}
		}
	}
}

// A file that is read on from its middle, as after a restart, has the columns of the header before it.
func TestReadHeader(t *testing.T) {
	const before = "#Fields: date time cs(User-Agent) cs-host sc-status\n2026-09-21 10:00:00 x acme.example.com 200\n"
	for format, want := range map[string]decode.Outcome{"iis": decode.Counted, "combined": decode.Syntax} {
		d, err := decode.New(decode.Options{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		l := lines{decoder: d}
		if err := l.readHeader(bytes.NewReader([]byte(before)), uint64(len(before))); err != nil {
			t.Fatal(err)
		}
		var e decode.Event
		got := d.Decode([]byte("2026-09-21 10:00:01 victim.example.com acme.example.com 200"), &e)
		if got != want || got == decode.Counted && string(e.Host) != "acme.example.com" {
			t.Errorf("%s: outcome %d, host %q", format, got, e.Host)
		}
	}
}
