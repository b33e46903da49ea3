//go:build linux || darwin

package main

import "golang.org/x/sys/unix"

// diskSpace is how many bytes the node may still write to the disk of a folder, and
// how large the disk is; 0 of both if the system doesn't say.
func diskSpace(folder string) (free, size uint64) {
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return 0, 0
	}
	block := uint64(disk.Bsize)
	return disk.Bavail * block, disk.Blocks * block
}
