package command

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The tests run a shell as the program under test; the package itself never does.
func sh(script string) Command { return Command{Path: "/bin/sh", Args: []string{"-c", script}} }

func TestOutputAndExitCode(t *testing.T) {
	r, err := Run(t.Context(), sh("echo out; echo err >&2"))
	if err != nil || string(r.Stdout) != "out\n" || r.Stderr != "err\n" || r.Code != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	r, err = Run(t.Context(), sh("echo half; echo 'no such  stanza' >&2; exit 3"))
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != 3 || exit.Detail != "no such stanza" || r.Code != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
	if string(r.Stdout) != "half\n" {
		t.Errorf("the output of a failed program is lost: %q", r.Stdout)
	}
}

func TestMissingProgram(t *testing.T) {
	for _, name := range []string{"no-such-program-here", "/no/such/program"} {
		if _, err := Run(t.Context(), Command{Path: name}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEnvironmentHoldsOnlyWhatWasAsked(t *testing.T) {
	t.Setenv("THORBIS_TEST_LEAK", "secret")
	r, err := Run(t.Context(), Command{Path: "/usr/bin/env", Env: []string{"WANTED=yes"}})
	if err != nil {
		t.Fatal(err)
	}
	if out := string(r.Stdout); strings.Contains(out, "LEAK") || !strings.Contains(out, "WANTED=yes") ||
		!strings.Contains(out, "TZ=UTC") {
		t.Errorf("environment:\n%s", out)
	}
}

// written waits until a program has written a file.
func written(t *testing.T, file string) {
	t.Helper()
	testkit.Eventually(t, func() bool {
		text, err := os.ReadFile(file)
		return err == nil && len(text) > 0
	}, "%s is written", file)
}

// ends waits until a process that wrote its number into a file has ended.
func ends(t *testing.T, file, what string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return true
		}
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err == nil && bytes.Contains(stat, []byte(") Z ")) // ended; its new parent has not asked yet
	}, "%s ends", what)
}

func TestTimeoutKillsTheWholeFamily(t *testing.T) {
	child := filepath.Join(t.TempDir(), "child")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, sh(`sleep 600 & echo $! > "`+child+`"; wait`))
		ended <- err
	}()
	written(t, child)
	cancel(ErrTimeout)
	if err := <-ended; !errors.Is(err, ErrTimeout) {
		t.Errorf("err = %v", err)
	}
	ends(t, child, "the child of a program whose time is up")
	c := sh("sleep 600")
	c.Timeout = 100 * time.Millisecond
	if _, err := Run(t.Context(), c); !errors.Is(err, ErrTimeout) {
		t.Errorf("err = %v", err)
	}
}

func TestChildrenLeftBehindEnd(t *testing.T) {
	child := filepath.Join(t.TempDir(), "child")
	if _, err := Run(t.Context(), sh(`sleep 600 >/dev/null 2>&1 & echo $! > "`+child+`"`)); err != nil {
		t.Fatal(err)
	}
	ends(t, child, "the child of a program that has ended")
}

func TestEndlessOutputIsCutOff(t *testing.T) {
	c := sh("cat /dev/zero")
	c.MaxOutput, c.Timeout = 1<<20, time.Minute
	r, err := Run(t.Context(), c)
	if !errors.Is(err, ErrTooLarge) || len(r.Stdout) > 1<<20 {
		t.Errorf("%d bytes, %v", len(r.Stdout), err)
	}
	c = sh("head -c 100000000 /dev/zero >&2; exit 1")
	if r, _ := Run(t.Context(), c); len(r.Stderr) > maxStderr {
		t.Errorf("%d bytes of standard error were kept", len(r.Stderr))
	}
}

func TestContextEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := Run(ctx, sh("sleep 600")); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

func TestProcess(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	p, err := Start(sh(`trap 'exit 3' INT; echo > "`+ready+`"; sleep 600 & wait`), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	written(t, ready)
	p.Stop(syscall.SIGINT, time.Minute)
	var exit *ExitError
	if err := p.Err(); !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("it ended with %v", err)
	}
	// One that does not listen is killed.
	if p, err = Start(sh("trap '' INT; sleep 600"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.Stop(syscall.SIGINT, 100*time.Millisecond)
	select {
	case <-p.Done():
	default:
		t.Error("it still runs")
	}
	if _, err := Start(Command{Path: "no-such-program-here"}, syscall.SIGKILL); !errors.Is(err, ErrNotFound) {
		t.Errorf("err = %v", err)
	}
}

func TestPoliteGoesLast(t *testing.T) {
	// The niceness is set once the program runs.
	c := sh(
		`for i in $(seq 300); do n=$(ps -o ni= -p $$ || awk '{print $19}' /proc/$$/stat); test $n -gt 0 && break; ` +
			`sleep 0.1; done; echo $n`)
	c.Polite = true
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Skipf("neither ps nor /proc: %v", err)
	}
	if got := strings.TrimSpace(string(r.Stdout)); got != strconv.Itoa(niceness) && got != "19" {
		t.Errorf("niceness %s", got)
	}
}

// What a program starts in a session of its own, out of reach of signals to its group, ends with it all the same: when
// it ends, when its time is up, and with a process that runs beside us.
func TestChildrenWithTheirOwnSessionEnd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows them")
	}
	for name, script := range map[string]string{
		"program ends": "true", "program is killed": "sleep 600",
	} {
		t.Run(name, func(t *testing.T) {
			child := filepath.Join(t.TempDir(), "child")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			own := `setsid /bin/sh -c 'echo $$ > "` + child + `"; exec sleep 600' >/dev/null 2>&1 </dev/null & `
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = Run(ctx, sh(own+`while ! test -s "`+child+`"; do sleep 0.05; done; `+script))
			}()
			written(t, child)
			if script != "true" {
				cancel()
			}
			<-ended
			ends(t, child, "what the program started")
		})
	}
	child := filepath.Join(t.TempDir(), "child")
	p, err := Start(sh(`setsid /bin/sh -c 'echo $$ > "`+child+`"; exec sleep 600' & sleep 600`), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	written(t, child)
	p.Stop(syscall.SIGTERM, time.Minute)
	ends(t, child, "what the process started")
}

const victim = "THORBIS_TEST_VICTIM"

// A process that is killed with SIGKILL takes its programs along, and what they started in sessions of their own is
// ended at the next start. What a process runs that lives is left alone.
func TestOrphansOfAKilledProcessEnd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows them")
	}
	script := func(dir string) Command {
		return sh(
			`echo $$ > "` + dir + `/direct"; setsid /bin/sh -c 'echo $$ > "` + dir +
				`/own"; exec sleep 600' >/dev/null 2>&1 </dev/null & exec sleep 600`)
	}
	if dir := os.Getenv(victim); dir != "" {
		_, _ = Run(t.Context(), script(dir))
		return
	}
	dead, living := t.TempDir(), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = Run(ctx, script(living))
	}()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOrphansOfAKilledProcessEnd$")
	cmd.Env = append(os.Environ(), victim+"="+dead)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{dead + "/direct", dead + "/own", living + "/own"} {
		written(t, file)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	ends(t, dead+"/direct", "the program of a killed process")
	EndOrphans() // or any exporter that starts on this machine
	ends(t, dead+"/own", "the orphan")
	text, err := os.ReadFile(living + "/own")
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || syscall.Kill(pid, 0) != nil {
		t.Error("what a living process runs was ended")
	}
	cancel()
	<-ended
	ends(t, living+"/own", "what the living process's program started")
}
