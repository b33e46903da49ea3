package store

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a system call that a script is about to make. Numbers of arguments
// are those of the manual page.
type call struct {
	number int
	args   [6]uint64
}

// interceptedCalls change a file or make a change durable.
func interceptedCalls() []uint32 {
	return []uint32{unix.SYS_PWRITE64, unix.SYS_WRITE, unix.SYS_FTRUNCATE, unix.SYS_FSYNC, unix.SYS_FDATASYNC,
		unix.SYS_FCHMOD, unix.SYS_RENAMEAT, unix.SYS_LINKAT}
}

func (c call) isSync() bool { return c.number == unix.SYS_FSYNC || c.number == unix.SYS_FDATASYNC }
func (c call) isWrite() bool {
	return c.number == unix.SYS_PWRITE64 || c.number == unix.SYS_WRITE
}

// file is the path of the file that the call is about, empty if it takes names.
func (c call) file() string {
	if c.number == unix.SYS_RENAMEAT || c.number == unix.SYS_LINKAT {
		return ""
	}
	path, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", c.args[0]))
	return path
}

// data is a copy of what is to be written. The caller's thread stands still
// meanwhile.
func (c call) data() ([]byte, error) {
	data := make([]byte, c.args[2])
	if len(data) == 0 {
		return data, nil
	}
	local := []unix.Iovec{{Base: &data[0]}}
	local[0].SetLen(len(data))
	n, err := unix.ProcessVMReadv(os.Getpid(), local, []unix.RemoteIovec{{Base: uintptr(c.args[1]), Len: len(data)}}, 0)
	if err == nil && n != len(data) {
		err = fmt.Errorf("read %d of %d bytes", n, len(data))
	}
	return data, err
}

// writePart writes the first bytes of what is to be written.
func (c call) writePart(length int) (int, error) {
	data, err := c.data()
	if err != nil {
		return 0, err
	}
	if c.number == unix.SYS_WRITE {
		return unix.Write(int(c.args[0]), data[:length])
	}
	return unix.Pwrite(int(c.args[0]), data[:length], int64(c.args[3]))
}

// answer is what the script gets for a call: the real one's result, a value or
// an error.
type answer struct {
	real   bool
	value  int64
	number syscall.Errno
}

// intercept runs a script whose calls on files below folder are answered by
// handle, from another goroutine and one at a time. It is the kernel that asks
// (seccomp's user notification), so nothing between the script and the kernel is
// replaced. The filter belongs to one thread, which ends with the script; what
// the script leaves to other goroutines isn't intercepted.
func intercept(t *testing.T, folder string, handle func(call) answer, script func()) {
	t.Helper()
	listener, ended, problem := make(chan int, 1), make(chan struct{}), make(chan error, 1)
	go func() { // ends with the script
		defer close(ended)
		onOwnThread(func() {
			fd, err := installFilter()
			if err != nil {
				problem <- err
				return
			}
			listener <- fd
			script()
		})
	}()
	select {
	case err := <-problem:
		if os.Getenv("CI") == "true" {
			t.Fatal("system calls can't be intercepted:", err)
		}
		t.Skip("system calls can't be intercepted here:", err)
	case fd := <-listener:
		defer unix.Close(fd) // calls that are still made then fail with ENOSYS
		if err := supervise(fd, folder, handle, ended); err != nil {
			t.Error("the supervisor failed, and the script may hang:", err)
		}
	}
	<-ended
}

// onOwnThread runs f on a thread that ends with it, which the process's first
// one can't.
func onOwnThread(f func()) {
	ended := make(chan struct{})
	go func() { // ends with f
		defer close(ended)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			onOwnThread(f)
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-ended
}

// installFilter makes the kernel ask about this thread's calls, and returns the
// descriptor where it asks. The runtime may write to its wake-up descriptor, and
// the race detector to the standard error, from any thread without telling the
// scheduler; that must never wait.
func installFilter() (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	const (
		load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		isEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		give    = unix.BPF_RET | unix.BPF_K
		number  = 0  // offset in struct seccomp_data
		first   = 16 // that of the first argument's low half, on a little-endian machine
	)
	allowed, err := wakeUpDescriptors()
	if err != nil {
		return 0, err
	}
	var program []unix.SockFilter
	add := func(code uint16, yes, no uint8, k uint32) {
		program = append(program, unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k})
	}
	add(load, 0, 0, first)
	for _, fd := range append(allowed, 1, 2) {
		add(isEqual, 0, 1, fd)
		add(give, 0, 0, unix.SECCOMP_RET_ALLOW)
	}
	add(load, 0, 0, number)
	for _, number := range interceptedCalls() {
		add(isEqual, 0, 1, number)
		add(give, 0, 0, unix.SECCOMP_RET_USER_NOTIF)
	}
	add(give, 0, 0, unix.SECCOMP_RET_ALLOW)
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, uintptr(unsafe.Pointer(&filter)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return 0, fmt.Errorf("seccomp: %w", errno)
	}
	return int(fd), nil
}

// wakeUpDescriptors are the process's eventfds.
func wakeUpDescriptors() (numbers []uint32, err error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + entry.Name())
		var number uint32
		if _, err := fmt.Sscan(entry.Name(), &number); err == nil && strings.Contains(target, "eventfd") {
			numbers = append(numbers, number)
		}
	}
	return numbers, nil
}

// notification and response are struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id          uint64
	pid, flags  uint32
	number      int32
	arch        uint32
	instruction uint64
	args        [6]uint64
}

type response struct {
	id    uint64
	value int64
	err   int32
	flags uint32
}

// supervise answers what the kernel asks until the script has ended.
func supervise(fd int, folder string, handle func(call) answer, ended <-chan struct{}) error {
	over, end, err := os.Pipe()
	if err != nil {
		return err
	}
	defer over.Close() // nothing was written
	go func() {        // ends with the script
		<-ended
		end.Close() // nothing was written
	}()
	for {
		events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(over.Fd())}}
		if _, err := unix.Poll(events, -1); err != nil && err != unix.EINTR {
			return err
		}
		if events[1].Revents != 0 {
			return nil
		}
		if events[0].Revents&unix.POLLIN == 0 {
			continue
		}
		if err := respond(fd, folder, handle); err != nil {
			return err
		}
	}
}

// respond answers one question.
func respond(fd int, folder string, handle func(call) answer) error {
	var asked notification
	if err := control(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&asked)); err != nil {
		if err == unix.ENOENT || err == unix.EINTR {
			return nil // a signal was faster; the call is made again
		}
		return fmt.Errorf("receiving a notification: %w", err)
	}
	c := call{int(asked.number), asked.args}
	given := answer{real: true}
	if path := c.file(); path == "" || strings.HasPrefix(path, folder+string(filepath.Separator)) || path == folder {
		given = handle(c)
	}
	sent := response{id: asked.id, value: given.value, err: -int32(given.number)}
	if given.real {
		sent = response{id: asked.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	}
	if err := control(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&sent)); err != nil && err != unix.ENOENT {
		return fmt.Errorf("answering a notification: %w", err)
	}
	return nil
}

func control(fd int, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}
