//go:build !windows

package store

import "syscall"

// fullNumbers are the system's errors for a full disk and a used-up quota.
func fullNumbers() []syscall.Errno { return []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} }
