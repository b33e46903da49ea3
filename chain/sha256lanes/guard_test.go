//go:build unix

package sha256lanes

import (
	"testing"

	"lode/chain/asmtest"
)

// TestNothingBeyond hashes messages between pages that can't be read, so that a byte before
// or behind them would end the program.
func TestNothingBeyond(t *testing.T) {
	text := asmtest.GuardedPage(t)
	page := len(text)
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
