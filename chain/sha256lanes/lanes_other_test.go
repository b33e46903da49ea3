//go:build !amd64 || purego

package sha256lanes

func eachWidth(check func(width string)) { check("one by one") }
