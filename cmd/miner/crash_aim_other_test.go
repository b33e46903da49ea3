//go:build !linux

package main

// canAim tells that this system shows what a process' threads are doing.
const canAim = false

func writing(int, string) (call, file string) { return "", "" }

func isMemory(string) bool { return false }
