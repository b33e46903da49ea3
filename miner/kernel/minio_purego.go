//go:build purego

package kernel

// libraries are none: those that there are have assembly of their own.
func libraries() []Kernel { return nil }
