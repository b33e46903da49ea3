//go:build !unix

package gpu

import "os/exec"

func isolate(*exec.Cmd) {}

// killAll kills the program, but not what it has started.
func killAll(command *exec.Cmd) error { return command.Process.Kill() }
