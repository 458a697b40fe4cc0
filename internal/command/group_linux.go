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

// YieldSelf lowers the priority of this process: of each of its threads, and of those that they start later.
func YieldSelf() {
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, niceness)
			_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(id), ioprioIdleClass)
		}
	}
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
