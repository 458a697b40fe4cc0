package command

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// describe makes the files of one process say something else, the environment with each look.
func describe(t *testing.T, pid int, environ func(look int) string, stat string) {
	t.Helper()
	truth, looks := readProcess, 0
	t.Cleanup(func() { readProcess = truth })
	readProcess = func(of int, file string) ([]byte, error) {
		switch {
		case of != pid:
			return truth(of, file)
		case file == "environ":
			looks++
			return []byte(environ(looks)), nil
		}
		return []byte(stat), nil
	}
}

// statLike is what /proc/pid/stat says of a process with these flags and this end of its environment.
func statLike(flags int, endEnv string) string {
	fields := strings.Fields(strings.Repeat("0 ", 50))
	fields[0], fields[statFlags], fields[statEndEnv] = "R", fmt.Sprint(flags), endEnv
	return "77 (a) name) (x) " + strings.Join(fields, " ") + "\n"
}

// A process that becomes another program has no environment for a moment, which is not one of another run. Each
// program does so when it starts; it was found by a child that outlived its parent.
func TestProcessThatBecomesAnotherEnds(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sleep", "600")
	cmd.Env = []string{"PATH=/usr/bin:/bin", familyVariable + "=run"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	describe(t, cmd.Process.Pid, func(look int) string {
		if look == 1 || look == 3 { // also between the first look at it and the second
			return ""
		}
		return strings.Join(cmd.Env, "\x00")
	}, statLike(0, "0"))
	endFamily(familyVariable + "=run")
	_ = cmd.Process.Signal(syscall.SIGTERM) // if it was missed
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v", err)
	}
}

func TestMatches(t *testing.T) {
	const run = familyVariable + "=run"
	for name, tc := range map[string]struct {
		environ string
		stat    string
		want    membership
	}{
		"of the run":             {"A=1\x00" + run + "\x00B=2", "", matching},
		"of another run":         {"A=1\x00" + run + "2\x00", "", other},
		"of none":                {"A=1\x00", "", other},
		"becomes another":        {"", statLike(0x400000, "0"), unknown},
		"without environment":    {"", statLike(0x400000, "140735340871646"), other},
		"thread of the kernel":   {"", statLike(kernelThread|0x40, "0"), other},
		"is ending":              {"", statLike(exiting, "0"), other},
		"has ended":              {"", "77 (x) Z 1", other},
		"cut off":                {"", "77 (x) R 1", other},
		"flags are not a number": {"", strings.Replace(statLike(0x777777, "0"), fmt.Sprint(0x777777), "?", 1), other},
	} {
		t.Run(name, func(t *testing.T) {
			describe(t, 77, func(int) string { return tc.environ }, tc.stat)
			if got := matches(77, func(variable string) bool { return variable == run }); got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
}
