//go:build !linux

package main

// failSync does nothing where system calls can't be intercepted.
func failSync() {}
