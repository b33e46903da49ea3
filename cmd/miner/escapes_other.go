//go:build !windows

package main

import "os"

// takesEscapes is true for terminals elsewhere than on Windows.
func takesEscapes(*os.File) bool { return true }
