//go:build !linux

package miner

func newBell() bell { return newParked() }
