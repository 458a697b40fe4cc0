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
		again := false
		for _, pid := range processes() {
			if pid == os.Getpid() {
				continue
			}
			switch end(pid, match) {
			case matching:
				again, killed[pid] = true, true
			case unknown:
				again = true
			}
		}
		if !again {
			break
		}
		if round > 0 {
			time.Sleep(10 * time.Millisecond) // for those that are about to end
		}
	}
	return len(killed)
}

// membership says whether a process matches.
type membership int

const (
	other membership = iota
	matching
	unknown // it is just becoming another program
)

// end kills a process if it matches. The descriptor is opened before it is looked at, so that no other process of the
// same number is killed.
func end(pid int, match func(variable string) bool) membership {
	if is := matches(pid, match); is != matching {
		return is
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return other
	}
	defer func() { _ = unix.Close(fd) }()
	is := matches(pid, match)
	if is == matching && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) != nil {
		return other
	}
	return is
}

func matches(pid int, match func(variable string) bool) membership {
	text, err := readProcess(pid, "environ")
	if err != nil {
		return other
	}
	for variable := range bytes.SplitSeq(text, []byte{0}) {
		if bytes.HasPrefix(variable, []byte(familyVariable+"=")) && match(string(variable)) {
			return matching
		}
	}
	if len(text) == 0 && becoming(pid) {
		return unknown
	}
	return other
}

// readProcess reads a file that describes a process. A test changes what it says.
var readProcess = func(pid int, file string) ([]byte, error) {
	return os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
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

// startOf returns when a process started, in clock ticks since the machine did. A zombie counts as gone.
func startOf(pid int) (string, bool) {
	fields := statOf(pid)
	if len(fields) <= statStart {
		return "", false
	}
	return fields[statStart], true
}

// becoming reports whether a process is in execve(2), between the memory of its former program and the environment of
// its next one: the end of the environment is not set yet (create_elf_tables of the kernel sets it). Threads of the
// kernel, and what is ending, have none either.
func becoming(pid int) bool {
	fields := statOf(pid)
	if len(fields) <= statEndEnv {
		return false
	}
	flags, err := strconv.ParseUint(fields[statFlags], 10, 64)
	return err == nil && flags&(exiting|kernelThread) == 0 && fields[statEndEnv] == "0"
}

// Fields of stat by their place behind the name, which proc_pid_stat(5) counts from 3, and bits of the flags
// (PF_EXITING, PF_KTHREAD).
const (
	statFlags    = 9 - 3
	statStart    = 22 - 3
	statEndEnv   = 51 - 3
	exiting      = 0x4
	kernelThread = 0x00200000
)

// statOf returns what stat says of a process behind its name; nothing of one that has ended.
func statOf(pid int) []string {
	text, err := readProcess(pid, "stat")
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) == 0 || fields[0] == "Z" || fields[0] == "X" {
		return nil
	}
	return fields
}
