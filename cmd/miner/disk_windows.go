package main

import "golang.org/x/sys/windows"

// diskSpace is how many bytes the node may still write to the disk of a folder, and
// how large the disk is; 0 of both if the system doesn't say.
func diskSpace(folder string) (free, size uint64) {
	path, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, 0
	}
	if err := windows.GetDiskFreeSpaceEx(path, &free, &size, nil); err != nil {
		return 0, 0
	}
	return free, size
}
