//go:build linux || darwin

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hasKeys tells that single keys can be read on this system.
const hasKeys = true

// keySignals are those at which the terminal changes hands.
func keySignals() []os.Signal {
	return []os.Signal{syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGQUIT}
}

// signalled gives the terminal back before a signal stops or ends the program, and takes
// it again after that.
func (k *keyboard) signalled(s os.Signal) {
	switch s {
	case syscall.SIGCONT:
		k.take()
	case syscall.SIGTSTP:
		k.release()
		_ = unix.Kill(unix.Getpid(), syscall.SIGSTOP) // always allowed; SIGCONT comes after it
	case syscall.SIGQUIT:
		k.end()
		signal.Reset(syscall.SIGQUIT)
		_ = unix.Kill(unix.Getpid(), syscall.SIGQUIT) // the runtime prints what all goroutines do
	}
}

// isForeground tells whether a terminal's input is for this program.
func isForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// singleKeys turns off lines and echo (POSIX, General Terminal Interface). A read returns
// at once, with nothing if there is nothing.
func singleKeys(fd int) error {
	mode, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	mode.Lflag &^= unix.ICANON | unix.ECHO
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 0, 0
	return unix.IoctlSetTermios(fd, setTermios, mode)
}

// errGone is a terminal that has been closed.
var errGone = errors.New("the terminal is gone")

// readKeys waits for keys and returns how many it read, 0 if none came. The error is
// errGone.
func readKeys(file *os.File, keys []byte, wait time.Duration) (int, error) {
	fds := []unix.PollFd{{Fd: int32(file.Fd()), Events: unix.POLLIN}} // #nosec G115 -- file descriptors are small
	count, err := unix.Poll(fds, int(wait.Milliseconds()))
	switch {
	case count == 0 || errors.Is(err, unix.EINTR):
		return 0, nil
	case err != nil || fds[0].Revents&^unix.POLLIN != 0:
		return 0, errGone
	case !isForeground(int(file.Fd())):
		time.Sleep(wait) // what is typed is for another program
		return 0, nil
	}
	count, err = unix.Read(int(file.Fd()), keys)
	if err != nil {
		return 0, nil // the next wait tells whether the terminal is gone
	}
	return count, nil
}
