//go:build linux || darwin

package wire

import (
	"bytes"
	"os"
	"syscall"
	"testing"
)

// TestPlainReadsNothingBehind counts in texts that end where memory ends, and in those
// that begin where it begins: a read outside of them would kill the test.
func TestPlainReadsNothingBehind(t *testing.T) {
	page := os.Getpagesize()
	memory, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(memory) }()
	for _, guard := range [][]byte{memory[:page], memory[2*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	inside := memory[page : 2*page]
	copy(inside, bytes.Repeat([]byte("f"), page))
	for length := range 5*vectorBytes + 1 {
		for _, text := range [][]byte{inside[:length], inside[page-length:]} {
			checkPlain(t, text)
			if length == 0 {
				continue
			}
			text[length-1] = 0x80
			checkPlain(t, text)
			text[length-1] = 'f'
		}
	}
}
