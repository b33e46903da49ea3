package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// takesEscapes turns on escape sequences, which consoles before Windows 10 don't have.
func takesEscapes(file *os.File) bool {
	handle := windows.Handle(file.Fd())
	var mode uint32
	if windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
