package command

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// familyVariable is in the environment of every program that is run, and of what it starts in turn, also in a session
// of its own where the signals to the program's group do not reach. It names who ran it, by process namespace, pid and
// start time, and the run.
const familyVariable = "THORBIS_EXPORTER_RUN"

// maxRounds bounds how often the processes are looked through for those that were started meanwhile.
const maxRounds = 10

var runs atomic.Uint64

// owner names this process, among all that there were since the machine started.
var owner = sync.OnceValue(func() string {
	namespace, err := os.Readlink("/proc/self/ns/pid")
	start, ok := startOf(os.Getpid())
	if err != nil || !ok {
		return ""
	}
	return fmt.Sprintf("%s,%d,%s", strings.Trim(strings.TrimPrefix(namespace, "pid:"), "[]"), os.Getpid(), start)
})

// newFamily returns the variable of a new run; empty where /proc does not describe this process.
func newFamily() string {
	if owner() == "" {
		return ""
	}
	return fmt.Sprintf("%s=%s,%d", familyVariable, owner(), runs.Add(1))
}

// endFamily kills what a run left behind.
func endFamily(variable string) {
	if variable == "" {
		return
	}
	endAll(func(text string) bool { return text == variable })
}

// EndOrphans kills what the programs of processes left behind that were themselves killed, and returns how many.
// Processes of another process namespace are left alone: whether who ran them still lives cannot be seen.
func EndOrphans() int {
	if owner() == "" {
		return 0
	}
	namespace, _, _ := strings.Cut(owner(), ",")
	return endAll(func(text string) bool {
		text, ok := strings.CutPrefix(text, familyVariable+"=")
		parts := strings.Split(text, ",")
		if !ok || len(parts) != 4 || parts[0] != namespace {
			return false
		}
		pid, err := strconv.Atoi(parts[1])
		if err != nil || pid <= 0 {
			return false
		}
		start, alive := startOf(pid)
		return !alive || start != parts[2]
	})
}

// endAll kills the processes whose environment holds a variable that matches, until there is none, and returns how many
// there were.
func endAll(match func(variable string) bool) int {
	killed := map[int]bool{}
	for round := range maxRounds {
		found := false
		for _, pid := range processes() {
			if pid != os.Getpid() && end(pid, match) {
				found, killed[pid] = true, true
			}
		}
		if !found {
			break
		}
		if round > 0 {
			time.Sleep(10 * time.Millisecond) // for those that are about to end
		}
	}
	return len(killed)
}

// end kills a process if it matches. The descriptor is opened before it is looked at, so that no other process of the
// same number is killed.
func end(pid int, match func(variable string) bool) bool {
	if !matches(pid, match) {
		return false
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	return matches(pid, match) && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil
}

func matches(pid int, match func(variable string) bool) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // empty once it is dead
	if err != nil {
		return false
	}
	for variable := range bytes.SplitSeq(text, []byte{0}) {
		if bytes.HasPrefix(variable, []byte(familyVariable+"=")) {
			return match(string(variable))
		}
	}
	return false
}

func processes() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var list []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// startOf returns when a process started, in clock ticks since the machine did: field 22 of its stat, counted from
// behind the name, which may hold anything. A zombie counts as gone.
func startOf(pid int) (string, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return "", false
	}
	return fields[19], true
}
