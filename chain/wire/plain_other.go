//go:build !amd64 || purego

package wire

const hasAVX2 = false

func plainStringAVX2(string) int { panic("wire: this machine can't do it") }

func plainSliceAVX2([]byte) int { panic("wire: this machine can't do it") }
