// Package command runs other programs as a server must: without a shell, for a bounded time, with a bounded
// output, in an environment that holds only what was asked for, and behind everything else in the queue for
// processor and disk. A program that outlives its time is killed with all its children.
package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// Reasons for which a program gave no answer. What it answered, if anything, is not to be trusted then.
var (
	// ErrTimeout: it ran longer than it may and was killed.
	ErrTimeout = errors.New("took longer than it may and was killed")
	// ErrTooLarge: it wrote more than it may and was killed.
	ErrTooLarge = errors.New("wrote more than it may and was killed")
	// ErrNotFound: there is no such program, or it may not be run.
	ErrNotFound = errors.New("cannot be run")
)

// ExitError is a program that ended by itself, and badly.
type ExitError struct {
	Name   string
	Code   int    // -1 if a signal ended it
	Detail string // the last it wrote to standard error
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s exited with code %d", e.Name, e.Code)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Bounds of what is kept for people to read, and of how long a killed program's pipes are waited for.
const (
	maxStderr = 16 << 10
	maxDetail = 400
	waitDelay = 2 * time.Second
)

// DefaultMaxOutput bounds standard output where the caller does not.
const DefaultMaxOutput = 64 << 20

// Command is a program to run. Args never hold a secret: every user of the machine can read them. Secrets go
// into Env, which only the same user can read, or into files.
type Command struct {
	Path string // looked up in the PATH of Env if it holds no slash
	Args []string
	Env  []string // in addition to Base
	Dir  string   // empty: the root directory
	// Timeout bounds the run; 0 leaves it to the context.
	Timeout time.Duration
	// MaxOutput bounds standard output, DefaultMaxOutput if 0. With Stdout set it is not kept and unbounded.
	MaxOutput int64
	// Stdout gets the output as it comes.
	Stdout io.Writer
	// Stdin is what the program reads; empty if nil.
	Stdin io.Reader
	// Polite lets everything else on the machine go first.
	Polite bool
}

// Result is what a program left.
type Result struct {
	Stdout   []byte
	Stderr   string // at most the last 16 KiB
	Code     int
	Duration time.Duration
}

// Base is the environment of every program: where to look for others, and messages in English and UTC.
func Base() []string {
	base := []string{
		"PATH=" + cmp.Or(os.Getenv("PATH"), "/usr/local/bin:/usr/bin:/bin"),
		"LC_ALL=C.UTF-8", "TZ=UTC",
	}
	for _, name := range []string{"HOME", "TMPDIR", "USER", "LOGNAME", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v, ok := os.LookupEnv(name); ok {
			base = append(base, name+"="+v)
		}
	}
	return base
}

// Run runs a program to its end. The error is one of those above or that of the context; the result is set
// in any case, as far as it came.
func Run(ctx context.Context, c Command) (Result, error) {
	path, err := lookup(c.Path, c.Env)
	if err != nil {
		return Result{Code: -1}, fmt.Errorf("%s: %w: %w", c.Path, ErrNotFound, err)
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Timeout, ErrTimeout)
		defer cancel()
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	out := &limited{limit: cmp.Or(c.MaxOutput, DefaultMaxOutput), full: func() { stop(ErrTooLarge) }}
	stderr := &tail{limit: maxStderr}
	cmd := exec.CommandContext(ctx, path, c.Args...)
	family := newFamily()
	cmd.Env = environ(c.Env, family)
	cmd.Dir = cmp.Or(c.Dir, "/")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, out, stderr
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	cmd.WaitDelay = waitDelay
	isolate(cmd, syscall.SIGKILL)

	start := time.Now()
	err = runLocked(cmd, c.Polite)
	endFamily(family)
	r := Result{Stdout: out.buf.Bytes(), Stderr: stderr.String(), Code: -1, Duration: time.Since(start)}
	if cmd.ProcessState != nil {
		r.Code = cmd.ProcessState.ExitCode()
	}
	return r, c.classify(ctx, err, r)
}

// environ returns the environment of a program, with the variable by which what it leaves behind is found.
func environ(more []string, family string) []string {
	env := append(Base(), more...)
	if family != "" {
		env = append(env, family)
	}
	return env
}

// runLocked starts and waits on one thread: Linux signals a child when the thread that started it dies.
func runLocked(cmd *exec.Cmd, polite bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if polite {
		yield(cmd.Process.Pid)
	}
	err := cmd.Wait()
	// Children that the program left behind belong to its group and end with it.
	killGroup(cmd.Process.Pid)
	return err
}

func (c Command) classify(ctx context.Context, err error, r Result) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %w", c.Path, context.Cause(ctx))
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return &ExitError{Name: c.Path, Code: r.Code, Detail: detail(r.Stderr)}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	return nil
}

// detail is the end of what a program wrote to standard error, in one line.
func detail(stderr string) string {
	// Masked before it is joined and cut, after which no secret would be found whole.
	text := strings.Join(strings.Fields(secret.Mask(strings.ToValidUTF8(stderr, "?"))), " ")
	if len(text) > maxDetail {
		text = "..." + strings.ToValidUTF8(text[len(text)-maxDetail:], "")
	}
	return text
}

// lookup finds a program in the PATH that it would itself see.
func lookup(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	path := os.Getenv("PATH")
	for _, e := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
			break
		}
	}
	if path == os.Getenv("PATH") {
		return exec.LookPath(name)
	}
	for dir := range strings.SplitSeq(path, ":") {
		if found, err := exec.LookPath(dir + "/" + name); err == nil {
			return found, nil
		}
	}
	return "", exec.ErrNotFound
}

// limited keeps an output up to a limit and calls full, once, beyond it.
type limited struct {
	buf   bytes.Buffer
	limit int64
	once  sync.Once
	full  func()
}

func (l *limited) Write(p []byte) (int, error) {
	if int64(l.buf.Len()+len(p)) > l.limit {
		l.once.Do(l.full)
		return 0, ErrTooLarge
	}
	return l.buf.Write(p)
}

// tail keeps the last bytes written.
type tail struct {
	buf   []byte
	limit int
	cut   bool // something came before
}

func (t *tail) Write(p []byte) (int, error) {
	t.cut = t.cut || len(t.buf)+len(p) > t.limit
	t.buf = append(t.buf, p[max(0, len(p)-t.limit):]...)
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// String returns the last lines. One that lost its beginning is left out, for it may begin in the middle of a secret.
func (t *tail) String() string {
	if !t.cut {
		return string(t.buf)
	}
	if _, whole, ok := bytes.Cut(t.buf, []byte("\n")); ok {
		return string(whole)
	}
	return "(a line of more than " + strconv.Itoa(t.limit) + " bytes)"
}
