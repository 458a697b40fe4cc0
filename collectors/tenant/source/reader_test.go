package source

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

func TestMain(m *testing.M) {
	pollEvery, drainTime, settleTime = 5*time.Millisecond, 300*time.Millisecond, 50*time.Millisecond
	os.Exit(m.Run())
}

// bubble runs a test with a clock of its own, which advances while nothing is at work. It begins at the present,
// because it is compared with the times of files.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	present := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(present))
		test(t)
	})
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
	r := &reader{
		t: t, dir: dir, storage: t.TempDir(), pattern: filepath.Join(dir, "access.log"), name: "log", service: "web",
	}
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
		Name: r.name, Format: decode.Options{Format: "nginx-json"}, Store: r.store, Aggregators: NewAggregators(r.store, 2),
		Logger: logger, Status: r.status, Pause: r.pause, Following: r.following,
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
		fmt.Fprintf(&b, `{"request_id":"%08d","host":"acme.thorbis.app","status":200,"request_time":0.001}`+"\n",
			lineNumber.Add(1))
	}
	return b.Bytes()
}

// lines are lines of different lengths, and notes how many were made: a position in one content is none in another.
func (r *reader) lines(n int) []byte {
	var b bytes.Buffer
	for range n {
		i := lineNumber.Add(1)
		fmt.Fprintf(&b, `{"request_id":"%08d","host":"acme.thorbis.app","status":200,"x":"%s"}`+"\n", i,
			strings.Repeat("x", int(i*i%97)))
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
	r.touch(name)
}

// write replaces what a file holds.
func (r *reader) write(name string, text []byte) {
	r.t.Helper()
	testkit.WriteFile(r.t, r.path(name), text)
	r.touch(name)
}

// truncate empties a file.
func (r *reader) truncate(name string) {
	r.t.Helper()
	if err := os.Truncate(r.path(name), 0); err != nil {
		r.t.Fatal(err)
	}
	r.touch(name)
}

// touch gives a file the time of the test's clock.
func (r *reader) touch(name string) {
	_ = os.Chtimes(r.path(name), time.Time{}, time.Now()) // it may have been renamed meanwhile
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
	testkit.WriteFile(r.t, r.path(name+".gz"), b.Bytes())
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
	testkit.Eventually(r.t, ok, "%s: %d requests; positions %+v", what,
		testkit.Last(func() any { n, _, _ := r.store.Totals(); return n }),
		testkit.Last(func() any { return r.store.Files(0) }))
}

// settled waits until as many lines are read as were made, and sees that it stays so: no condition says that nothing
// more will come, so it waits for the time in which that would have come.
func (r *reader) settled() {
	r.t.Helper()
	r.until("all lines", func() bool { s, _ := r.store.Source(0); return int64(s.Lines) >= r.made.Load() })
	time.Sleep(drainTime + 3*settleTime)
}

// wants waits until n requests are counted, and sees that it stays so, as settled does.
func (r *reader) wants(n int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d requests", n), func() bool { got, _, _ := r.store.Totals(); return got >= uint64(n) })
	time.Sleep(3*settleTime + 2*pollEvery)
	if got, _, _ := r.store.Totals(); got != uint64(n) {
		r.t.Fatalf("later %d requests, want %d; positions %+v", got, n, r.store.Files(0))
	}
}
