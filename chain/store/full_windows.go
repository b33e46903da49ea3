package store

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// fullNumbers are the system's errors for a full disk.
func fullNumbers() []syscall.Errno {
	return []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}
}
