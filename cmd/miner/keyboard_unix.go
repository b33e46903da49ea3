//go:build linux || darwin

package main

import (
	"context"
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
func keySignals() []os.Signal { return []os.Signal{syscall.SIGTSTP, syscall.SIGQUIT} }

// signalled gives the terminal back before a signal stops or ends the program. It returns
// when that goes on.
func (k *keyboard) signalled(ctx context.Context, s os.Signal) {
	switch s {
	case syscall.SIGTSTP:
		if isOrphaned() {
			return
		}
		continued := make(chan os.Signal, 1)
		signal.Notify(continued, syscall.SIGCONT)
		defer signal.Stop(continued)
		k.release()
		_ = unix.Kill(unix.Getpid(), syscall.SIGSTOP) // always allowed
		select {
		case <-continued: // other threads may have run a little longer
		case <-ctx.Done():
		}
	case syscall.SIGQUIT:
		k.end()
		signal.Reset(syscall.SIGQUIT)
		_ = unix.Kill(unix.Getpid(), syscall.SIGQUIT) // the runtime prints what all goroutines do
	}
}

// isOrphaned tells whether there is no shell that could continue a program that stops, as
// in a terminal that was opened for it alone. Then Ctrl-Z stops nothing (POSIX, Orphaned
// Process Group), and neither may we, who take its signal.
func isOrphaned() bool {
	session, err := unix.Getsid(0)
	return err == nil && session == unix.Getpgrp()
}

// isForeground tells whether a terminal's input is for this program.
func isForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// isBackground tells whether another program has the terminal.
func isBackground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group != unix.Getpgrp()
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

// hasSingleKeys tells whether a terminal is as singleKeys leaves it. One that is gone is.
func hasSingleKeys(fd int) bool {
	mode, err := unix.IoctlGetTermios(fd, getTermios)
	return err != nil || mode.Lflag&(unix.ICANON|unix.ECHO) == 0 && mode.Cc[unix.VMIN] == 0
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
	case !isForeground(int(file.Fd())) || !hasSingleKeys(int(file.Fd())):
		time.Sleep(wait) // what is typed is for another program, or a read would wait for Enter
		return 0, nil
	}
	count, err = unix.Read(int(file.Fd()), keys)
	if err != nil {
		return 0, nil // the next wait tells whether the terminal is gone
	}
	return count, nil
}
