//go:build !amd64 || purego

package sha256lanes

const supported = false

func sumTogether([][32]byte, [][]byte) { panic("sha256lanes: this machine can't do it") }
