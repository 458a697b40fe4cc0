package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

func TestMain(m *testing.M) {
	pollEvery, drainTime, settleTime = 5*time.Millisecond, 300*time.Millisecond, 50*time.Millisecond
	os.Exit(m.Run())
}

// reader is an exporter reduced to one source of files.
type reader struct {
	t       *testing.T
	dir     string // of the logs
	storage string
	pattern string
	name    string
	service string
	fromEnd bool
	also    string // what another source reads
	pause   func(Point, string)
	made    atomic.Int64 // lines

	following Following
	status    *Status
	state     *state.Dir
	store     *store.Store
	number    store.Numbers
	stop      func()
}

func newReader(t *testing.T) *reader {
	t.Helper()
	dir := t.TempDir()
	r := &reader{t: t, dir: dir, storage: t.TempDir(), pattern: filepath.Join(dir, "access.log"), name: "log", service: "web"}
	t.Cleanup(func() {
		if r.stop != nil {
			r.stop()
		}
	})
	return r
}

func (r *reader) start() {
	r.t.Helper()
	var err error
	if r.state, err = state.Open(r.storage); err != nil {
		r.t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	if r.store, err = store.Open(store.Options{Logger: logger, State: r.state, Immediate: true}); err != nil {
		r.t.Fatal(err)
	}
	conf := store.Config{Limit: 100, Sources: []store.SourceConfig{{Name: r.name, Service: r.service, Reads: true}}}
	if r.also != "" {
		conf.Sources = append(conf.Sources, store.SourceConfig{Name: "also", Service: r.service, Reads: true})
	}
	numbers := r.store.Configure(conf)
	r.number = numbers[r.name]
	r.status = &Status{}
	r.following = Following{numbers[r.name].Source: r.pattern}
	all := []*Files{r.files(r.pattern, numbers[r.name], logger)}
	if r.also != "" {
		r.following[numbers["also"].Source] = r.also
		all = append(all, r.files(r.also, numbers["also"], logger))
	}
	saving, stopSaving := context.WithCancel(context.Background())
	reading, stopReading := context.WithCancel(saving)
	var saved, read sync.WaitGroup
	saved.Go(func() { _ = r.store.Run(saving) })
	for _, files := range all {
		read.Go(func() { _ = files.Run(reading) })
	}
	r.stop = func() {
		stopReading()
		read.Wait()
		stopSaving()
		saved.Wait()
		_ = r.store.Close()
		_ = r.state.Close()
		r.stop = nil
	}
}

func (r *reader) files(pattern string, n store.Numbers, logger *slog.Logger) *Files {
	return &Files{Pattern: pattern, Rotated: `{file}[.\-]*`, FromEnd: r.fromEnd, Config: &Config{
		Name: r.name, Format: decode.Options{Format: "nginx-json"}, Store: r.store, Aggregators: NewAggregators(r.store, 2), Logger: logger, Status: r.status, Pause: r.pause, Following: r.following,
		Count: &aggregate.CountSource{Number: n.Source, Late: time.Hour, Weight: aggregate.Whole, Rule: &aggregate.Rule{
			Service: n.Service, Names: aggregate.NewNames("{tenant}.thorbis.app", "", nil, nil),
		}},
	}}
}

func (r *reader) path(name string) string { return filepath.Join(r.dir, name) }

var lineNumber atomic.Int64

func logLines(n int) []byte {
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, `{"request_id":"%08d","host":"acme.thorbis.app","status":200,"request_time":0.001}`+"\n", lineNumber.Add(1))
	}
	return b.Bytes()
}

// lines are lines of different lengths, and notes how many were made: a position in one content is none in another.
func (r *reader) lines(n int) []byte {
	var b bytes.Buffer
	for range n {
		i := lineNumber.Add(1)
		fmt.Fprintf(&b, `{"request_id":"%08d","host":"acme.thorbis.app","status":200,"x":"%s"}`+"\n", i, strings.Repeat("x", int(i*i%97)))
	}
	r.made.Add(int64(n))
	return b.Bytes()
}

// exact fails unless each line that lines made was read once, and none in two pieces.
func (r *reader) exact() {
	r.t.Helper()
	if s, _ := r.store.Source(0); int64(s.Lines) != r.made.Load() || slices.Max(s.Outcomes) > 0 {
		r.t.Errorf("%d lines were made: %+v", r.made.Load(), s)
	}
}

func (r *reader) append(name string, text []byte) {
	r.t.Helper()
	f, err := os.OpenFile(r.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(text)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	f.Close()
}

func (r *reader) zip(name string) {
	r.t.Helper()
	text, err := os.ReadFile(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	info, _ := os.Stat(r.path(name))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	if err := os.WriteFile(r.path(name+".gz"), b.Bytes(), 0o600); err != nil {
		r.t.Fatal(err)
	}
	_ = os.Chtimes(r.path(name+".gz"), info.ModTime(), info.ModTime())
	_ = os.Remove(r.path(name))
}

func (r *reader) rename(from, to string) {
	r.t.Helper()
	if err := os.Rename(r.path(from), r.path(to)); err != nil {
		r.t.Fatal(err)
	}
}

// until waits for a condition.
func (r *reader) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			n, _, _ := r.store.Totals()
			r.t.Fatalf("never %s: %d requests; positions %+v", what, n, r.store.Files(0))
		}
	}
}

// settled waits until as many lines are read as were made, and sees that it stays so.
func (r *reader) settled() {
	r.t.Helper()
	r.until("all lines", func() bool { s, _ := r.store.Source(0); return int64(s.Lines) >= r.made.Load() })
	time.Sleep(drainTime + 3*settleTime)
}

// wants waits until n requests are counted, and sees that it stays so.
func (r *reader) wants(n int) {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, _, _ := r.store.Totals()
		if got == uint64(n) {
			break
		}
		if got > uint64(n) || time.Now().After(deadline) {
			r.t.Fatalf("%d requests, want %d; positions %+v", got, n, r.store.Files(0))
		}
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(3*settleTime + 2*pollEvery)
	if got, _, _ := r.store.Totals(); got != uint64(n) {
		r.t.Fatalf("later %d requests, want %d; positions %+v", got, n, r.store.Files(0))
	}
}

func TestFileIsFollowedAndContinued(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(1000))
	r.start()
	r.wants(1000)
	all := logLines(10)
	r.append("access.log", all[:100]) // in the middle of a line
	time.Sleep(5 * pollEvery)
	r.append("access.log", all[100:])
	r.wants(1010)
	r.stop()
	r.append("access.log", logLines(5))
	r.start()
	r.wants(1015)
}

func TestRotationByRenaming(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(10))
	r.start()
	r.wants(10)
	r.rename("access.log", "access.log.1")
	r.append("access.log.1", logLines(3)) // the server has not opened the new one yet
	r.append("access.log", logLines(4))
	r.append("access.log.1", logLines(2))
	r.wants(19)
	time.Sleep(2 * drainTime)
	r.zip("access.log.1")
	r.rename("access.log.1.gz", "access.log.2.gz")
	r.rename("access.log", "access.log.1")
	r.append("access.log", logLines(1))
	r.wants(20)
}

func TestRotationByCopyAndTruncate(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(100))
	r.start()
	r.wants(100)
	text, _ := os.ReadFile(r.path("access.log"))
	// Between our last look and the copy more was written.
	more := logLines(7)
	if err := os.WriteFile(r.path("access.log.1"), append(text, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	// Cut off, and at once longer than before.
	if err := os.WriteFile(r.path("access.log"), logLines(150), 0o600); err != nil {
		t.Fatal(err)
	}
	r.wants(257)
	if err := os.Truncate(r.path("access.log"), 0); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * pollEvery)
	r.append("access.log", logLines(2))
	r.wants(259)
}

func TestRotationWhileStopped(t *testing.T) {
	r := newReader(t)
	r.append("access.log.1", logLines(50)) // was there before us
	r.append("access.log", logLines(10))
	r.start()
	r.wants(10)
	r.stop()
	time.Sleep(20 * time.Millisecond)
	r.append("access.log", logLines(5))
	r.rename("access.log.1", "access.log.4")
	r.rename("access.log", "access.log.3")
	r.zip("access.log.3")
	r.append("access.log.2", logLines(20)) // came and went while we were away
	r.zip("access.log.2")
	r.append("access.log.1", logLines(30))
	r.append("access.log", logLines(1))
	r.start()
	r.wants(10 + 5 + 20 + 30 + 1)
	r.stop()
	r.start()
	r.wants(66)
}

// More files than are remembered came and went unobserved, the newest with the lowest number.
func TestMoreRotatedFilesThanAreRemembered(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(1))
	r.start()
	r.wants(1)
	r.stop()
	const files = 3 * maxRemembered
	for i := range files {
		time.Sleep(2 * time.Millisecond)
		r.append(fmt.Sprintf("access.log.%03d", files-i), logLines(2))
	}
	// One of the oldest is still being worked on while the others are read and forgotten.
	oldest := r.path(fmt.Sprintf("access.log.%03d", files))
	info, err := os.Stat(oldest)
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	for i := range 100 {
		at := info.ModTime().Add(time.Duration(i) * time.Microsecond)
		if err := os.Chtimes(oldest, at, at); err != nil {
			t.Fatal(err)
		}
		time.Sleep(settleTime / 5)
	}
	r.wants(1 + 2*files)
	r.stop()
	r.start()
	r.wants(1 + 2*files)
	if n := len(r.store.Files(0)); n > maxRemembered+2 {
		t.Errorf("%d files are remembered", n)
	}
}

// A rotated file of a clock that was ahead hides none that comes later, and is itself read once or, if it was there before, never.
func TestRotatedFileFromTheFuture(t *testing.T) {
	for _, packed := range []bool{false, true} {
		for _, later := range []bool{false, true} {
			t.Run(fmt.Sprintf("packed %v, later %v", packed, later), func(t *testing.T) {
				t.Parallel()
				r := newReader(t)
				want := 100
				ahead := func(n int) {
					r.append("new", r.lines(n))
					at := time.Now().Add(48 * time.Hour)
					if err := os.Chtimes(r.path("new"), at, at); err != nil {
						t.Fatal(err)
					}
					if r.rename("new", "access.log.9"); packed {
						r.zip("access.log.9")
					}
				}
				if !later {
					ahead(7)
				}
				r.append("access.log", r.lines(100))
				r.start()
				r.wants(want)
				if later {
					ahead(7)
					want += 7
					r.wants(want)
				}
				restart := func() {
					r.stop()
					r.start()
					r.wants(want)
				}
				restart()
				r.stop()
				r.append("other", r.lines(30)) // came and went
				r.rename("other", "access.log.2")
				r.start()
				want += 30
				r.wants(want)
				restart()
			})
		}
	}
}

// Earlier versions noted the time of a file from the future, which hides all others until then.
func TestJudgedUpToTheFutureIsGivenUp(t *testing.T) {
	r := newReader(t)
	r.append("access.log", r.lines(10))
	r.start()
	r.wants(10)
	future := time.Now().Add(48 * time.Hour).UnixNano()
	noted := store.Encode(&store.Batch{Files: []store.File{{ID: judgedID, Modified: future}}})
	if err := r.store.Commit(t.Context(), noted); err != nil {
		t.Fatal(err)
	}
	r.stop()
	r.start()
	r.until("given up", func() bool {
		return slices.ContainsFunc(r.store.Files(0), func(f store.File) bool { return f.ID == judgedID && f.Modified < future })
	})
	r.append("other", r.lines(30)) // came and went
	r.rename("other", "access.log.2")
	r.wants(40)
}

func TestGlobThatCoversRotatedFiles(t *testing.T) {
	r := newReader(t)
	r.pattern = filepath.Join(r.dir, "*")
	r.append("a.log", logLines(10))
	r.append("b.log", logLines(20))
	r.start()
	r.wants(30)
	r.rename("a.log", "a.log.1")
	r.append("a.log", logLines(1))
	text, _ := os.ReadFile(r.path("b.log"))
	if err := os.WriteFile(r.path("b.log.1"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * pollEvery)
	if err := os.WriteFile(r.path("b.log"), logLines(2), 0o600); err != nil {
		t.Fatal(err)
	}
	r.wants(33)
	time.Sleep(2 * drainTime)
	r.wants(33)
}

// A source that is given another name or service goes on where it was, and back again; one of another log does not.
func TestAnotherNameOrServiceGoesOn(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(10))
	r.start()
	r.wants(10)
	total := 10
	for _, step := range []struct{ name, service string }{{"other", "web"}, {"other", "api"}, {"log", "api"}, {"log", "web"}} {
		r.stop()
		r.append("access.log", logLines(5))
		r.rename("access.log", "access.log.1")
		r.append("access.log", logLines(3))
		r.name, r.service = step.name, step.service
		r.start()
		total += 8
		r.wants(total)
		r.append("access.log", logLines(1))
		total++
		r.wants(total)
		_ = os.Remove(r.path("access.log.1"))
	}
	r.stop()
	r.name, r.pattern = "new", r.path("new.log")
	r.append("new.log", logLines(4))
	r.start()
	r.wants(total + 4)
	r.stop()
	r.name, r.pattern = "log", r.path("access.log") // without saved positions
	r.append("access.log", logLines(1))
	r.start()
	r.wants(total + 5)
}

// A source that is divided among others goes on in each of them.
func TestDividedSourceGoesOn(t *testing.T) {
	r := newReader(t)
	r.pattern = r.path("*.log")
	r.append("a.log", logLines(10))
	r.append("b.log", logLines(20))
	r.start()
	r.wants(30)
	r.stop()
	r.append("a.log", logLines(1))
	r.append("b.log", logLines(2))
	r.name, r.pattern, r.also = "a", r.path("a.log"), r.path("b.log")
	r.start()
	r.wants(33)
}

func TestStartAtTheEnd(t *testing.T) {
	r := newReader(t)
	r.fromEnd = true
	r.append("access.log", logLines(10))
	r.start()
	r.wants(0)
	for r.status.Lag.Load() != 0 || len(r.store.Files(0)) < 2 {
		time.Sleep(pollEvery)
	}
	r.append("access.log", logLines(3))
	r.wants(3)
}

// A compressed file that is cut short, or damaged, is tried again in case it is still being written; then what can be read
// of it is counted, once, and it is done with.
func TestCutArchive(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(1))
	r.start()
	r.wants(1)
	r.stop()
	text := logLines(2000)
	if err := os.WriteFile(r.path("access.log.1"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	r.zip("access.log.1")
	whole, err := os.ReadFile(r.path("access.log.1.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.path("access.log.1.gz"), whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(whole[:len(whole)/2]))
	if err != nil {
		t.Fatal(err)
	}
	left, err := io.ReadAll(z)
	if err == nil || bytes.Count(left, []byte("\n")) < 100 {
		t.Fatalf("%d bytes, %v", len(left), err)
	}
	r.start()
	r.wants(1 + bytes.Count(left, []byte("\n")))
	if n := r.status.Errors.Load(); n != maxTries {
		t.Errorf("%d errors, want %d", n, maxTries)
	}
	if s, _ := r.store.Source(0); s.Outcomes[decode.Syntax] != 1 {
		t.Errorf("the line that was cut: %+v", s.Outcomes)
	}
	r.stop()
	r.start()
	r.wants(1 + bytes.Count(left, []byte("\n")))
}

func TestLongAndBrokenLines(t *testing.T) {
	r := newReader(t)
	r.start()
	long := `{"host":"acme.thorbis.app","status":200,"x":"` + strings.Repeat("x", 5<<20) + "\"}\n"
	r.append("access.log", []byte(long+"garbage\n\n{}\r\n"))
	r.append("access.log", logLines(1))
	r.append("access.log", []byte(long))
	r.append("access.log", logLines(1))
	r.wants(2)
	s, _ := r.store.Source(0)
	if s.Outcomes[decode.TooLong] != 2 || s.Outcomes[decode.Syntax] != 1 || s.Outcomes[decode.NoStatus] != 1 || s.Lines != 6 {
		t.Errorf("%+v", s)
	}
	info, _ := os.Stat(r.path("access.log"))
	if f := r.store.Files(0); f[len(f)-1].Offset != uint64(info.Size()) {
		t.Errorf("position %+v, size %d", f, info.Size())
	}
}

// A server writes and rotates in every way while the reader is stopped and started: each line counts once. A log as
// container runtimes write it for Kubernetes: standard error holds no requests, a divided line is unreadable, and the
// runtime's time is used where the server's line has none.
func TestContainerLog(t *testing.T) {
	r := newReader(t)
	r.pattern = r.path("*.log")
	at := time.Now().Add(-time.Minute).UTC()
	entry := func(stream, tag, text string) []byte {
		at = at.Add(time.Millisecond) // no two are alike
		return []byte(at.Format(time.RFC3339Nano) + " " + stream + " " + tag + " " + text + "\n")
	}
	request := `{"host":"acme.thorbis.app","status":200,"request_time":0.001}`
	r.append("0.log", slices.Concat(entry("stdout", "F", request), entry("stderr", "F", "oops"), entry("stdout", "P", request[:20]), entry("stdout", "F", request[20:]), entry("stdout", "F", request)))
	r.start()
	r.wants(2)
	r.rename("0.log", "0.log.20261125-100000") // as kubelet rotates
	r.append("0.log", entry("stdout", "F", request))
	r.zip("0.log.20261125-100000")
	r.append("1.log", entry("stdout", "F", request)) // the container was started anew
	r.wants(4)
	s, _ := r.store.Source(0)
	if s.Lines != 7 || s.Outcomes[decode.NoRequest] != 2 || s.Outcomes[decode.TooLong] != 1 || s.Newest != at.UnixMilli() {
		t.Errorf("%+v, newest %v, want %v", s, time.UnixMilli(s.Newest), at)
	}
}

func TestRotationUnderLoad(t *testing.T) {
	r := newReader(t)
	r.append("access.log", logLines(1))
	r.start()
	total := 1
	generation := 0
	for round := range 40 {
		for range 20 {
			r.append("access.log", logLines(10))
			total += 10
		}
		if round%3 == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		switch round % 4 {
		case 0:
			r.stop()
			r.append("access.log", logLines(3))
			total += 3
			r.start()
		case 1:
			generation++
			r.rename("access.log", fmt.Sprintf("access.log.%d", 1000-generation))
			r.append("access.log", logLines(1))
			total++
		case 2:
			r.stop()
			time.Sleep(10 * time.Millisecond)
			generation++
			name := fmt.Sprintf("access.log.%d", 1000-generation)
			r.rename("access.log", name)
			r.zip(name)
			r.append("access.log", logLines(1))
			total++
			r.start()
		}
		time.Sleep(2 * settleTime)
	}
	r.wants(total)
}
