//go:build unix

package wire

import (
	"bytes"
	"testing"

	"lode/chain/asmtest"
)

// TestPlainReadsNothingBehind counts in texts that end where memory ends, and in those
// that begin where it begins: a read outside of them would kill the test.
func TestPlainReadsNothingBehind(t *testing.T) {
	inside := asmtest.GuardedPage(t)
	page := len(inside)
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

// TestScanReadsNothingBehind is the same for the scan of objects.
func TestScanReadsNothingBehind(t *testing.T) {
	inside := asmtest.GuardedPage(t)
	page := len(inside)
	copy(inside, bytes.Repeat([]byte("f"), page))
	for length := range 5*vectorBytes + 1 {
		for _, scan := range scans {
			checkScan(t, scan, inside[:length])
			checkScan(t, scan, inside[page-length:])
		}
	}
}
