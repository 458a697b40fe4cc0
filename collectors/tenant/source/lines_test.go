package source

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

func TestLongAndBrokenLines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.start()
		long := `{"host":"acme.thorbis.app","status":200,"x":"` + strings.Repeat("x", 5<<20) + "\"}\n"
		r.append("access.log", []byte(long+"garbage\n\n{}\r\n"))
		r.append("access.log", logLines(1))
		r.append("access.log", []byte(long))
		r.append("access.log", logLines(1))
		r.wants(2)
		s, _ := r.store.Source(0)
		if s.Outcomes[decode.TooLong] != 2 || s.Outcomes[decode.Syntax] != 1 || s.Outcomes[decode.NoStatus] != 1 ||
			s.Lines != 6 {
			t.Errorf("%+v", s)
		}
		info, _ := os.Stat(r.path("access.log"))
		if f := r.store.Files(0); f[len(f)-1].Offset != uint64(info.Size()) {
			t.Errorf("position %+v, size %d", f, info.Size())
		}
	})
}

// A log as container runtimes write it for Kubernetes: standard error holds no requests, a divided line is unreadable,
// and the runtime's time is used where the server's line has none.
func TestContainerLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReader(t)
		r.pattern = r.path("*.log")
		at := time.Now().Add(-time.Minute).UTC()
		entry := func(stream, tag, text string) []byte {
			at = at.Add(time.Millisecond) // no two are alike
			return []byte(at.Format(time.RFC3339Nano) + " " + stream + " " + tag + " " + text + "\n")
		}
		request := `{"host":"acme.thorbis.app","status":200,"request_time":0.001}`
		r.append("0.log", slices.Concat(entry("stdout", "F", request), entry("stderr", "F", "oops"),
			entry("stdout", "P", request[:20]), entry("stdout", "F", request[20:]), entry("stdout", "F", request)))
		r.start()
		r.wants(2)
		r.rename("0.log", "0.log.20261125-100000") // as kubelet rotates
		r.append("0.log", entry("stdout", "F", request))
		r.zip("0.log.20261125-100000")
		r.append("1.log", entry("stdout", "F", request)) // the container was started anew
		r.wants(4)
		s, _ := r.store.Source(0)
		if s.Lines != 7 || s.Outcomes[decode.NoRequest] != 2 || s.Outcomes[decode.TooLong] != 1 ||
			s.Newest != at.UnixMilli() {
			t.Errorf("%+v, newest %v, want %v", s, time.UnixMilli(s.Newest), at)
		}
	})
}

// Lines of Docker, journald and syslog hold those of a server; its own log among them is left out, and a divided line
// is unreadable.
func TestWrappedLines(t *testing.T) {
	const (
		object  = `{"host":"acme.thorbis.app","status":200}`
		escaped = `{\"host\":\"acme.thorbis.app\",\"status\":200}`
		plain   = `192.0.2.7 - - [25/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" acme.thorbis.app`
		proxied = `192.0.2.7:1 [25/Nov/2026:10:00:00.000] web app/one 0/0/0/1/1 200 9 - - ---- 1/1/0/0/0 0/0 ` +
			`"GET http://acme.thorbis.app/ HTTP/2.0"`
	)
	docker := func(log, stream string) string {
		return `{"log":"` + log + `","stream":"` + stream + `","time":"2026-11-25T10:00:00Z"}`
	}
	quotes := strings.NewReplacer(`"`, `\"`).Replace
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC).UnixNano()
	for name, tc := range map[string]struct {
		format string
		lines  []string
		want   []decode.Outcome
	}{
		"Docker": {
			"nginx-json",
			[]string{
				object, docker(escaped+`\n`, "stdout"), docker("oops", "stderr"),
				docker("2026/11/25 10:00:00 [error] x\\n", "stdout"),
				docker(escaped[:9], "stdout"), docker(escaped[9:]+`\n`, "stdout"), object, docker(`\n`, "stdout"),
			},
			[]decode.Outcome{0, 0, decode.NoRequest, decode.NoRequest, decode.NoRequest, decode.TooLong, 0, decode.NoRequest},
		},
		"Docker, text": {
			"combined",
			[]string{docker(quotes(plain)+`\n`, "stdout"), docker(`rubbish\n`, "stdout")},
			[]decode.Outcome{0, decode.Syntax},
		},
		"journald": {
			"combined",
			[]string{`{"__REALTIME_TIMESTAMP":"1796142962781000","MESSAGE":"` + quotes(plain) + `"}`, plain},
			[]decode.Outcome{0, 0},
		},
		"syslog": {
			"haproxy",
			[]string{
				"Nov 25 10:00:00 lb haproxy[7]: " + proxied, "<134>1 2026-11-25T10:00:00Z lb haproxy 7 - - " + proxied,
				"Nov 25 10:00:00 lb haproxy[7]: Proxy web started.", "Nov 25 10:00:00 lb sshd[9]: rubbish",
			},
			[]decode.Outcome{0, 0, decode.NoRequest, decode.Syntax},
		},
		"Traefik's own log, which begins as syslog": {
			"traefik", []string{"2026-11-25T10:00:00Z INF provider: x"}, []decode.Outcome{decode.NoRequest},
		},
	} {
		decoder, err := decode.New(decode.Options{Format: tc.format})
		if err != nil {
			t.Fatal(err)
		}
		l := lines{decoder: decoder}
		for i, line := range tc.lines {
			v := l.decode([]byte(line))
			if v != tc.want[i] || v == decode.Counted && string(l.event.Host) != "acme.thorbis.app" {
				t.Errorf("%s: %s: outcome %d, want %d, host %q", name, line, v, tc.want[i], l.event.Host)
			}
			if name == "Docker" && i == 1 && l.event.Time != at {
				t.Errorf("the time is %d, want %d", l.event.Time, at)
			}
		}
	}
}
