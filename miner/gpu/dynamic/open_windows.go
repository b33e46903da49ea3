package dynamic

import "golang.org/x/sys/windows"

// open takes the library from the system's folder only: who can write to the
// program's folder or the current one must not have its own loaded.
func open(path string) (handle uintptr, err error) {
	h, err := windows.LoadLibraryEx(path, 0, windows.LOAD_LIBRARY_SEARCH_SYSTEM32)
	return uintptr(h), err
}

func symbol(handle uintptr, name string) (uintptr, error) {
	return windows.GetProcAddress(windows.Handle(handle), name)
}
