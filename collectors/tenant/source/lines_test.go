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
