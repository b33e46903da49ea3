//go:build (!amd64 && !arm64) || purego

package kernel

func assembled(features) []Kernel { return nil }

func shaLimit(features) (Limit, bool) { return Limit{}, false }
