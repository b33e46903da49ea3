//go:build unix

package sha256lanes

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestNothingBeyond hashes messages between pages that can't be read, so that a byte before
// or behind them would end the program.
func TestNothingBeyond(t *testing.T) {
	page := unix.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(memory); err != nil {
			t.Error(err)
		}
	}()
	for _, guard := range [][]byte{memory[:page], memory[2*page:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	text := memory[page : 2*page]
	copy(text, randomBytes(11, page))
	for size := range 300 {
		atEnd, atStart := text[page-size:], text[:size]
		assertSums(t, atEnd, atStart)
		assertSums(t, atStart, atEnd, atEnd)
		many := [][]byte{atStart}
		for shorter := range 20 {
			many = append(many, text[page-max(size-shorter, 0):])
		}
		assertSums(t, many...)
	}
}
