//go:build unix && !linux

package command

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate gives the program a process group of its own, which is killed as a whole. Only Linux can signal it when this
// process dies.
func isolate(cmd *exec.Cmd, _ syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

const niceness = 15

// yield lowers the priority of a program's process group. Errors are ignored.
func yield(pid int) { _ = unix.Setpriority(unix.PRIO_PGRP, pid, niceness) }

// YieldSelf lowers the priority of this process.
func YieldSelf() { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
