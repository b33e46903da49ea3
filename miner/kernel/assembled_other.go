//go:build !amd64 || purego

package kernel

func assembled() []Kernel { return nil }
