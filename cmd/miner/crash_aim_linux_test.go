package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// canAim tells that this system shows what a process' threads are doing.
const canAim = true

// writes are the system calls that change a file whose descriptor is their first
// argument, by number. A thread that is on a CPU shows none, so that one is seen
// above all when it waits for the disk.
var writes = map[uint64]string{
	syscall.SYS_WRITE: "write", syscall.SYS_PWRITE64: "pwrite64", syscall.SYS_FTRUNCATE: "ftruncate",
	syscall.SYS_FSYNC: "fsync", syscall.SYS_FDATASYNC: "fdatasync",
}

// names are those that change names of files.
var names = map[uint64]string{
	syscall.SYS_RENAMEAT: "renameat", syscall.SYS_LINKAT: "linkat", syscall.SYS_UNLINKAT: "unlinkat",
}

// writing looks at all threads of a process once. It returns the call in which
// one of them is changing a file in the folder, and the file; "" if none is.
func writing(pid int, folder string) (call, file string) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		fields := strings.Fields(string(text))
		if len(fields) < 2 {
			continue // it is running
		}
		number, _ := strconv.ParseUint(fields[0], 10, 64)
		if call := names[number]; call != "" {
			return call, folder
		}
		call := writes[number]
		if call == "" {
			continue
		}
		descriptor, _ := strconv.ParseInt(strings.TrimPrefix(fields[1], "0x"), 16, 64)
		file, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, descriptor))
		if strings.HasPrefix(file, folder) {
			return call, file
		}
	}
	return "", ""
}

// isMemory tells that a folder is on a tmpfs (statfs(2)).
func isMemory(folder string) bool {
	const tmpfs = 0x01021994
	var status syscall.Statfs_t
	return syscall.Statfs(folder, &status) == nil && int64(status.Type) == tmpfs
}
