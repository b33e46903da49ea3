//go:build !amd64 || purego

package multibuffer

const supported = false

func multiply(_, _, _, _, _, _ *vector, _ int) {
	panic("multibuffer: this machine can't do it")
}
