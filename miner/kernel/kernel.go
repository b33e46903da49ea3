// Package kernel scans nonces: pure functions that hash consecutive candidates
// and report the first whose SHA-256 has the wanted zeros. It starts no
// goroutines and knows nothing of blocks.
package kernel

import (
	"encoding/binary"
	"fmt"
)

// MaxBatch is the most candidates that one Scan may be asked for. Assembly
// can't be preempted, so a batch bounds both the time that a cancellation
// takes and the time that the garbage collector waits for the worker.
const MaxBatch = 4096

// MaxDigits is the width of the field that a Work varies; 10^19 fits a uint64.
const MaxDigits = 19

// maxDifficulty is the number of hex digits of a SHA-256 hash.
const maxDifficulty = 64

// Work is what stays the same for all candidates of one digit count: the
// message is Prefix and then the candidate in decimal, with leading zeros up to
// Digits. What of the prefix fills whole 64-byte blocks is hashed once, to the
// midstate.
type Work struct {
	Prefix     []byte
	Digits     int
	Difficulty int // leading hex zeros of a hit's hash

	midstate [8]uint32
	tail     []byte // what of the prefix is left for the last blocks
}

// NewWork prepares a scan. The prefix must not change afterwards. It panics if
// digits is not from 1 to MaxDigits or difficulty not from 0 to 64, which only
// a mistake of the caller can bring about.
func NewWork(prefix []byte, digits, difficulty int) *Work {
	mustBePossible(digits, difficulty)
	w := &Work{Prefix: prefix, Digits: digits, Difficulty: difficulty, midstate: initial}
	rest := prefix
	for ; len(rest) >= blockSize; rest = rest[blockSize:] {
		compress(&w.midstate, (*[blockSize]byte)(rest))
	}
	w.tail = rest
	return w
}

// WithDigits is the same scan for another digit count; the prefix is not hashed
// again. It panics if digits is not from 1 to MaxDigits.
func (w *Work) WithDigits(digits int) *Work {
	mustBePossible(digits, w.Difficulty)
	other := *w
	other.Digits = digits
	return &other
}

func mustBePossible(digits, difficulty int) {
	if digits < 1 || digits > MaxDigits || difficulty < 0 || difficulty > maxDifficulty {
		panic(fmt.Sprintf("kernel: no work of %d digits at difficulty %d", digits, difficulty))
	}
}

// Candidates is how many candidates a Work has: 10^Digits.
func (w *Work) Candidates() uint64 {
	n := uint64(1)
	for range w.Digits {
		n *= 10
	}
	return n
}

// Scanner scans one Work for one worker; it holds scratch space and is not safe
// for concurrent use.
type Scanner interface {
	// Scan tries count candidates from first on and returns the index of the
	// first hit among them, or -1. count is from 1 to MaxBatch, and first+count at
	// most the Work's Candidates. It does not allocate.
	Scan(first uint64, count int) int
}

// Kernel is one way to scan.
type Kernel struct {
	Name string
	// NewScanner prepares a Work's scan for one worker.
	NewScanner func(*Work) Scanner
}

// message is the rest of the hashed message behind the midstate: one or two
// blocks with the tail, the digits, and the padding of FIPS 180-4, section 5.1.1.
type message struct {
	bytes  [2 * blockSize]byte
	size   int    // 64 or 128
	digits []byte // the part of bytes that varies
}

func (m *message) init(w *Work) {
	end := copy(m.bytes[:], w.tail) + w.Digits
	m.size = blockSize
	if end+1+8 > blockSize {
		m.size = 2 * blockSize
	}
	m.digits = m.bytes[len(w.tail):end]
	m.bytes[end] = 0x80
	bits := 8 * uint64(len(w.Prefix)+w.Digits)
	binary.BigEndian.PutUint64(m.bytes[m.size-8:m.size], bits)
}

// set writes a candidate into the digits.
func (m *message) set(candidate uint64) {
	for i := len(m.digits) - 1; i >= 0; i-- {
		m.digits[i] = '0' + byte(candidate%10)
		candidate /= 10
	}
}

// increment goes to the next candidate and returns the index of the first digit
// that changed. Nothing lies beyond the last candidate; it wraps to zero.
func (m *message) increment() int {
	for i := len(m.digits) - 1; i >= 0; i-- {
		if m.digits[i] != '9' {
			m.digits[i]++
			return i
		}
		m.digits[i] = '0'
	}
	return 0
}

// hasZeros reports whether a hash begins with that many hex zeros.
func hasZeros(hash *[8]uint32, difficulty int) bool {
	for i := 0; difficulty > 0; i++ {
		if hash[i]>>(32-4*min(difficulty, 8)) != 0 {
			return false
		}
		difficulty -= 8
	}
	return true
}
