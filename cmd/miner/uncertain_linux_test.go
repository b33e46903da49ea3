package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// failingSync is the environment variable that says which fdatasync of a node
// fails. bbolt makes one when it makes a file, and then two for each commit, the
// second one for the page that makes the commit valid.
const failingSync = "TEST_FAILING_SYNC"

// TestDiskThatFailsToSync: when the last sync of a commit fails, nobody knows
// what the disk holds. The node ends, says why, and goes on when it is started
// again.
func TestDiskThatFailsToSync(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	// Without an index, whose file is synced as well.
	args := []string{"--difficulty", "2", "--workers", "1", "--create-wallet", "--classic-file", "never", "--index=false"}
	t.Setenv(failingSync, "21")
	p := launch(t, dir, port, append(args, "--mine")...)
	code := p.wait()
	text := p.output.String()
	if strings.Contains(text, cannotFail) {
		if os.Getenv("CI") == "true" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	const message = "chain-%d.db: the disk failed while it stored a change, and it is unknown whether the change is there; " +
		"the node must be restarted, which checks the file: input/output error\n"
	if code != exitFailure || !strings.HasSuffix(text, fmt.Sprintf(message, port)) || strings.Contains(text, "mining failed") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	t.Setenv(failingSync, "0")
	p = start(t, dir, port, args...)
	height, _ := p.tip()
	if height < 1 {
		t.Errorf("height %d after the restart", height)
	}
	p.mine()
	p.interrupt()
}

const cannotFail = "system calls can't be intercepted"

// failSync makes one fdatasync of this process fail, as the disk's answer.
func failSync() {
	n, _ := strconv.Atoi(os.Getenv(failingSync))
	if n == 0 {
		return
	}
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_FDATASYNC},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|
		unix.SECCOMP_FILTER_FLAG_TSYNC|unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		uintptr(unsafe.Pointer(&filter)))
	runtime.KeepAlive(program)
	if err != nil || errno != 0 {
		fmt.Fprintln(os.Stderr, cannotFail, err, errno)
		os.Exit(exitFailure)
	}
	go answerSyncs(fd, n) // ends with the process
}

// answerSyncs answers the kernel's questions about calls: the n-th fails.
func answerSyncs(fd uintptr, n int) {
	for count := 1; ; count++ {
		var asked struct { // struct seccomp_notif
			id   uint64
			rest [9]uint64
		}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&asked))); errno != 0 {
			count-- // a signal was faster, and the call is made again
			continue
		}
		answer := struct { // struct seccomp_notif_resp
			id, value  uint64
			err, flags int32
		}{id: asked.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if count == n {
			answer.err, answer.flags = -int32(unix.EIO), 0
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&answer)))
	}
}
