package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const key = "a-ping-key-of-the-tests"

// receiver notes the pings that it is sent, and answers with a code.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	code int
	got  []string // path and query, without the run's id
	rids map[string]bool
	body string // of the last one
	by   string // of the last one
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{code: http.StatusOK, rids: map[string]bool{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.rids[req.URL.Query().Get("rid")] = true
		text := strings.TrimPrefix(req.URL.Path, "/ping/"+key+"/")
		for _, at := range []string{"began", "ended"} {
			if _, err := time.Parse(time.RFC3339Nano, req.URL.Query().Get(at)); err == nil {
				text += " " + at
			}
		}
		r.got, r.body, r.by = append(r.got, text), string(body), req.URL.Query().Get("by")
		w.WriteHeader(r.code)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.code = code
}

// pings returns what was sent since the last call, each different one once.
func (r *receiver) pings() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := strings.Join(r.got, ", ")
	r.got = nil
	return text
}

type result struct {
	status   int
	out, err string
	said     string
	body     string
}

func do(t *testing.T, r *receiver, spool string, command ...string) result {
	t.Helper()
	secret.Know(key)
	var out, errs, said testkit.Buffer
	one := &Run{
		Client: &Client{URL: r.URL + "/ping", Key: key, Pause: time.Millisecond}, Name: "job", Command: command, Spool: spool,
		Stdin: strings.NewReader("from stdin\n"), Stdout: &out, Stderr: &errs,
		Say: func(format string, args ...any) {
			_, _ = said.Write([]byte(secret.Mask(fmt.Sprintf(format, args...)) + "\n"))
		},
	}
	status := one.Do(t.Context())
	return result{status: status, out: out.String(), err: errs.String(), said: said.String(), body: r.body}
}

// The command sees and shows what it would without us, and its result is reported.
func TestRun(t *testing.T) {
	r := newReceiver(t)
	t.Setenv("JOB_PASSWORD", "hunter2-hunter2")
	for _, c := range []struct {
		command                []string
		status                 int
		out, err, pings, bodyx string
	}{
		{[]string{"cat", "-"}, 0, "from stdin\n", "", "job/start, job/0 began ended", "from stdin\n"},
		{
			[]string{"sh", "-c", "echo one; echo two >&2; exit 3"},
			3, "one\n", "two\n",
			"job/start, job/3 began ended", "",
		},
		{[]string{"sh", "-c", "kill -9 $$"}, 137, "", "", "job/start, job/137 began ended", "ended by signal: killed\n"},
		{
			[]string{"sh", "-c", "echo $JOB_PASSWORD"},
			0, "hunter2-hunter2\n", "", "job/start, job/0 began ended",
			"<secret>\n",
		},
	} {
		got := do(t, r, "", c.command...)
		if got.status != c.status || got.out != c.out || got.err != c.err || got.said != "" {
			t.Errorf("%v: %+v", c.command, got)
		}
		if c.bodyx != "" && got.body != c.bodyx {
			t.Errorf("%v: reported %q, want %q", c.command, got.body, c.bodyx)
		}
		if pings := r.pings(); pings != c.pings {
			t.Errorf("%v: %s, want %s", c.command, pings, c.pings)
		}
	}
	for name, want := range map[string]int{"./no-such-program": notFound, t.TempDir(): notExecutable} {
		if got := do(t, r, "", name); got.status != want || got.said == "" {
			t.Errorf("%s: %+v, want %d", name, got, want)
		}
		if pings := r.pings(); !strings.HasSuffix(pings, "job/"+statusOf(want)+" began ended") {
			t.Errorf("%s: %s", name, pings)
		}
	}
	if len(r.rids) != 6 {
		t.Errorf("%d ids of 6 runs", len(r.rids))
	}
}

// Of a long output the end is reported, from the beginning of a line on.
func TestOutputIsBounded(t *testing.T) {
	r := newReceiver(t)
	got := do(t, r, "", "sh", "-c", "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done")
	if lines := strings.Count(got.out, "\n"); lines != 5000 {
		t.Errorf("%d lines", lines)
	}
	if len(got.body) > maxTail || len(got.body) < maxTail-20 || !strings.HasPrefix(got.body, "line ") ||
		!strings.HasSuffix(got.body, "line 4999\n") {
		t.Errorf("%d bytes are reported: %.40q", len(got.body), got.body)
	}
}

// A program in the background that keeps the output open does not hold up the report.
func TestBackgroundProgram(t *testing.T) {
	r := newReceiver(t)
	start := time.Now()
	if got := do(t, r, "", "sh", "-c", "sleep 60 & echo $! >&2; exit 0"); got.status != 0 {
		t.Errorf("%+v", got)
	} else if pid := strings.TrimSpace(got.err); pid != "" {
		_ = do(t, r, "", "kill", pid)
	}
	if took := time.Since(start); took > 40*time.Second {
		t.Errorf("it took %s", took)
	}
}

// A signal ends the command, and its end is reported.
func TestSignalsArePassedOn(t *testing.T) {
	r := newReceiver(t)
	file := t.TempDir() + "/started"
	done := make(chan result, 1)
	go func() {
		done <- do(t, r, "", "sh", "-c", "trap 'echo caught; exit 5' TERM; touch "+file+"; while :; do sleep 0.05; done")
	}()
	testkit.Eventually(t, func() bool {
		_, err := os.Stat(file)
		return err == nil
	}, "it runs")
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got.status != 5 || got.out != "caught\n" {
		t.Errorf("%+v", got)
	}
	if pings := r.pings(); pings != "job/start, job/5 began ended" {
		t.Error(pings)
	}
}

// What cannot be delivered is kept, delivered after the next run that can, with its own times, and deleted.
func TestResultsAreKeptAndDelivered(t *testing.T) {
	r := newReceiver(t)
	spool := t.TempDir() + "/spool"
	r.answer(http.StatusServiceUnavailable)
	got := do(t, r, spool, "sh", "-c", "echo away; exit 4")
	if got.status != 4 || !strings.Contains(got.said, "job is not reported: 503") ||
		!strings.Contains(got.said, "is kept in "+spool) {
		t.Errorf("%+v", got)
	}
	if pings := r.pings(); pings != "job/start, job/4 began ended, job/4 began ended, job/4 began ended" {
		t.Error(pings)
	}
	r.answer(http.StatusNotFound)
	if got := do(t, r, spool, "true"); got.status != 0 || !strings.Contains(got.said, "check the key and the name") ||
		strings.Contains(got.said, key) {
		t.Errorf("%+v", got)
	}
	r.pings()
	if names, err := kept(spool); err != nil || len(names) != 2 {
		t.Errorf("%v, %v", names, err)
	}
	testkit.WriteFile(t, spool+"/broken.json", "{")
	r.answer(http.StatusOK)
	if got := do(t, r, spool, "true"); got.status != 0 || !strings.Contains(got.said, "broken.json: invalid result") {
		t.Errorf("%+v", got)
	}
	if pings := r.pings(); pings != "job/start, job/0 began ended, job/4 began ended, job/0 began ended" {
		t.Error(pings)
	}
	if names, err := kept(spool); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	if len(r.rids) != 3 {
		t.Errorf("%d ids of 3 runs: a result has its own when it is delivered later", len(r.rids))
	}
}

// Without an exporter the command runs all the same, and no key is shown.
func TestNoExporter(t *testing.T) {
	secret.Know(key)
	var out, said bytes.Buffer
	spool := t.TempDir()
	one := &Run{
		Client: &Client{URL: "http://" + testkit.FreeAddress(t) + "/ping", Key: key, Pause: time.Millisecond}, Name: "job",
		Command: []string{"echo", "done"}, Spool: spool, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
		Say: func(format string, args ...any) { said.WriteString(secret.Mask(fmt.Sprintf(format, args...)) + "\n") },
	}
	if status := one.Do(t.Context()); status != 0 || out.String() != "done\n" || !strings.Contains(said.String(),
		"connection refused") || strings.Contains(said.String(), key) {
		t.Errorf("%d %q %s", status, out.String(), said.String())
	}
	if names, err := kept(spool); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	for _, c := range []*Client{{}, {URL: "x", Key: key}, {URL: "http://x"}, {URL: "http://x", Key: key, ID: "y"}} {
		if err := c.Check(); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestKeptIsBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range maxKept {
		testkit.WriteFile(t, dir+"/"+statusOf(i%256)+"."+newID()+".json", "{}")
	}
	absent := &receiver{Server: &httptest.Server{URL: "http://" + testkit.FreeAddress(t)}}
	if got := do(t, absent, dir, "true"); !strings.Contains(got.said, "holds 1000 results already") {
		t.Errorf("%+v", got)
	}
}

func TestDone(t *testing.T) {
	r := newReceiver(t)
	c := &Client{URL: r.URL + "/ping/", Key: key, Pause: time.Millisecond}
	if err := c.Done(t.Context(), "job", "ada", "by hand"); err != nil || r.body != "by hand" || r.by != "ada" {
		t.Errorf("%v, %q by %q", err, r.body, r.by)
	}
	if pings := r.pings(); pings != "job/0" {
		t.Error(pings)
	}
	r.answer(http.StatusNotFound)
	var refused *refusedError
	if err := c.Done(t.Context(), "job", "", ""); !errors.As(err, &refused) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Done(ctx, "job", "", ""); err == nil {
		t.Error("done after the end")
	}
}
