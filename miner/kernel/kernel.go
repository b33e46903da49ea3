// Package kernel scans nonces: pure functions that hash consecutive candidates
// and report the first whose SHA-256 has the wanted zeros. It starts no
// goroutines and knows nothing of blocks.
package kernel

import (
	"fmt"
	"sync"
)

// MaxBatch is the most candidates that one Scan may be asked for. Assembly
// can't be preempted, so a batch bounds both the time that a cancellation
// takes and the time that the garbage collector waits for the worker.
const MaxBatch = 4096

// MaxDigits is how many digits of a Work vary at most; 10^19 fits a uint64.
const MaxDigits = 19

// MaxProof is how many digits there are at most, the constant ones included.
const MaxProof = 128

// maxDifficulty is the number of hex digits of a SHA-256 hash.
const maxDifficulty = 64

// Digits says how the decimal digits of a proof stand in the message: Head and
// Middle are constant, High and Low are how many vary. Candidate c has the digits
//
//	Head | c / 10^Low, with leading zeros | Middle | c % 10^Low, with leading zeros
type Digits struct {
	Head   string
	High   int
	Middle string
	Low    int
}

// Plain are n digits, all of which vary.
func Plain(n int) Digits { return Digits{Low: n} }

// Varying is how many digits vary, and Size how many there are.
func (d Digits) Varying() int { return d.High + d.Low }

// Size is how many digits there are.
func (d Digits) Size() int { return len(d.Head) + d.High + len(d.Middle) + d.Low }

// Append appends a candidate's digits.
func (d Digits) Append(to []byte, candidate uint64) []byte {
	to = append(to, d.Head...)
	low := powerOfTen(d.Low)
	to = appendDecimal(to, d.High, candidate/low)
	return appendDecimal(append(to, d.Middle...), d.Low, candidate%low)
}

// appendDecimal appends the last digits of a number, zeros first.
func appendDecimal(to []byte, digits int, number uint64) []byte {
	from := len(to)
	for range digits {
		to = append(to, '0')
	}
	for i := len(to) - 1; i >= from; i-- {
		to[i] = '0' + byte(number%10)
		number /= 10
	}
	return to
}

// Work is what stays the same for all candidates of a scan: the message is
// Prefix and then the digits. What doesn't vary and fills whole 64-byte blocks is
// hashed once, to the midstate.
type Work struct {
	Prefix     []byte
	Digits     Digits
	Difficulty int // leading hex zeros of a hit's hash

	bytes    uint64  // of the prefix
	prefix   partial // its hash
	start    partial // and of Digits.Head behind it
	prepared *prepared
}

// partial is a hash of a message's beginning.
type partial struct {
	midstate [8]uint32 // after its whole blocks
	tail     []byte    // what of it is left for the blocks that come
}

// then goes on with more of the message.
func (p partial) then(more []byte) partial {
	rest := append(append(make([]byte, 0, len(p.tail)+len(more)), p.tail...), more...)
	for ; len(rest) >= blockSize; rest = rest[blockSize:] {
		compress(&p.midstate, (*[blockSize]byte)(rest))
	}
	p.tail = rest
	return p
}

// NewWork prepares a scan. The prefix must not change afterwards. It panics if
// from 1 to MaxDigits digits don't vary, at least one of them behind Middle, if
// there are more than MaxProof, or if difficulty is not from 0 to 64: only a
// mistake of the caller can bring that about.
func NewWork(prefix []byte, digits Digits, difficulty int) *Work {
	w := &Work{Prefix: prefix, Difficulty: difficulty, bytes: uint64(len(prefix)), prefix: partial{midstate: initial}.then(prefix)}
	return w.With(digits)
}

// Beginning is what a Work needs of its prefix: enough to scan it elsewhere, however
// long the prefix is.
type Beginning struct {
	Midstate [8]uint32 // after the prefix's whole blocks
	Tail     []byte    // the bytes behind them, less than 64
	Bytes    uint64    // of the whole prefix
}

// Beginning is that of the Work's prefix.
func (w *Work) Beginning() Beginning { return Beginning{w.prefix.midstate, w.prefix.tail, w.bytes} }

// Resume is NewWork behind a prefix of which only the Beginning is known. Prefix is
// nil then, so libraries can't scan it, nor does Verify know it; Generic scans it. It
// panics as NewWork does, and if the tail is not what is left of so many bytes.
func Resume(b Beginning, digits Digits, difficulty int) *Work {
	if uint64(len(b.Tail)) != b.Bytes%blockSize {
		panic(fmt.Sprintf("kernel: no prefix of %d bytes leaves %d behind its whole blocks", b.Bytes, len(b.Tail)))
	}
	w := &Work{Difficulty: difficulty, bytes: b.Bytes, prefix: partial{b.Midstate, b.Tail}}
	return w.With(digits)
}

// With is the same scan for other digits; the prefix is not hashed again. It
// panics as NewWork does.
func (w *Work) With(digits Digits) *Work {
	if n := digits.Varying(); n < 1 || n > MaxDigits || digits.Low < 1 || digits.High < 0 || digits.Size() > MaxProof ||
		w.Difficulty < 0 || w.Difficulty > maxDifficulty {
		panic(fmt.Sprintf("kernel: no work of the digits %+v at difficulty %d", digits, w.Difficulty))
	}
	other := *w
	other.Digits = digits
	other.start = w.prefix.then([]byte(digits.Head))
	other.prepared = &prepared{}
	return &other
}

// Easier is the same scan at a lower difficulty.
func (w *Work) Easier(difficulty int) *Work {
	other := *w
	other.Difficulty = min(w.Difficulty, difficulty)
	other.prepared = &prepared{}
	return &other
}

// Candidates is how many candidates a Work has: 10 to the power of the digits
// that vary.
func (w *Work) Candidates() uint64 { return powerOfTen(w.Digits.Varying()) }

func powerOfTen(exponent int) uint64 {
	n := uint64(1)
	for range exponent {
		n *= 10
	}
	return n
}

// prepared is what the scanners of one Work share, so that what takes long is
// made once for all workers.
type prepared struct {
	mu   sync.Mutex
	made map[string]any // by name; guarded by mu
}

// share returns what was made first under that name. Nobody waits for another
// one to make it: the system may keep that worker off its CPU.
func share[T any](w *Work, name string, make func() T) T {
	if made, ok := w.prepared.get(name); ok {
		return made.(T)
	}
	return w.prepared.put(name, make()).(T)
}

func (p *prepared) get(name string) (made any, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	made, ok = p.made[name]
	return made, ok
}

// put keeps what was made, unless there is something already.
func (p *prepared) put(name string, made any) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before, ok := p.made[name]; ok {
		return before
	}
	if p.made == nil {
		p.made = map[string]any{}
	}
	p.made[name] = made
	return made
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
	// Batch is how many candidates to ask for at once: as many as take about
	// 50 microseconds, at most MaxBatch.
	Batch int
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

// FirstWordLimit is the highest first word of a hash that is a hit of the Work, or
// begins as one if more than that word decides.
func (w *Work) FirstWordLimit() uint32 { return limit(w.Difficulty) }

// limit is the highest first word of a hash that begins with that many hex
// zeros, or at least with eight of them.
func limit(difficulty int) uint32 { return uint32(1<<(32-4*min(difficulty, 8)) - 1) }
