//go:build !purego

package kernel

func assembled() []Kernel { return []Kernel{SHANI()} }
