//go:build unix

package gpu

import (
	"os/exec"
	"syscall"
)

// isolate gives the program a process group of its own: it can be killed with all that
// it has started, and a terminal's Ctrl-C reaches the node alone.
func isolate(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killAll kills the program's process group. Call it before Wait: afterwards the group's
// number may be another one's.
func killAll(command *exec.Cmd) error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
