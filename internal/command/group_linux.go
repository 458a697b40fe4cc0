package command

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate gives the program a process group of its own, which is killed as a whole, and has the kernel send it
// a signal when we die ourselves, however that happens.
func isolate(cmd *exec.Cmd, death syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// The idle class of the Linux I/O scheduler: served while no other process uses the disk.
const (
	ioprioWhoProcess = 1
	ioprioWhoPgrp    = 2
	ioprioIdleClass  = 3 << 13
	niceness         = 15
)

// yield lowers the priority of a program's process group. Errors are ignored.
func yield(pid int) {
	_ = unix.Setpriority(unix.PRIO_PGRP, pid, niceness)
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoPgrp, uintptr(pid), ioprioIdleClass)
}

// maxPasses bounds how often YieldSelf looks for threads.
const maxPasses = 10

// YieldSelf lowers the priority of this process: of each of its threads, and of those that they start later. A thread
// that another one starts while these are looked at has the old priority, so it looks until there is none that is new.
func YieldSelf() {
	done := map[int]bool{}
	for range maxPasses {
		threads, _ := os.ReadDir("/proc/self/task")
		before := len(done)
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil || done[id] {
				continue
			}
			done[id] = true
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, niceness)
			_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(id), ioprioIdleClass)
		}
		if len(done) == before {
			return
		}
	}
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
