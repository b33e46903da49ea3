//go:build !purego

package kernel

import (
	"encoding/binary"
	"math/bits"
	"sync"
)

// SHANI is the kernel for the SHA extensions of amd64. Everything that stays the
// same while one word of the last block varies is computed once per run: rounds
// before the word, parts of the message schedule. Four candidates go through
// the rounds side by side, each a quarter behind the one before, because the
// instruction for two rounds takes four cycles and one can begin in each cycle.
func SHANI() Kernel { return Kernel{Name: "sha-ni", NewScanner: newSHANIScanner} }

const (
	shaNIStreams   = 4
	firstSchedule  = 16 // the first word that the message schedule computes
	lengthPosition = 56 // of the message's length in the last block
)

// shaNIPlan tells which of the sums that make words 4q to 4q+3 of the schedule
// are constant: bit q. The sums are W[t-16]+s0(W[t-15]), W[t-7] and s1(W[t-2]).
// The varying word counts as constant zero, except in s1.
type shaNIPlan struct{ firstConstant, secondConstant, thirdConstant uint16 }

// shaNITable is what the assembly works on, in the generator's order.
type shaNITable struct {
	scratch  [shaNIStreams][4][4]uint32 // K+W of the next words
	results  [shaNIStreams][4]uint32
	firsts   [shaNIStreams][4][4]uint32
	abef     [4]uint32 // F, E, B, A before the first rounds of a candidate
	cdgh     [4]uint32 // H, G, D, C
	added    [4]uint32 // lane 3: A of the hash value before the last block
	limit    uint32    // the highest first word of a hit
	_        [3]uint32
	rounds   [64]uint32    // K+W of constant words, K of the varying one
	k        [12][4]uint32 // K from round 16 on
	sums     [12][4]uint32 // of words 16 to 63: what is constant
	schedule [16][4]uint32 // constant words, by fours
}

// shaNIRow is one value of the varying word.
type shaNIRow struct {
	first  [4]uint32 // the word in its lane, and s0 of it in the lane before
	second [4]uint32 // by lane: s0 in lane 3; or the word twice, or once, for the rounds
}

// shaNIScans are by the index of the varying word. Each looks at groups of four
// rows and returns the index of the first group that, or the one before, may
// have a hit, or -1. It reads up to one group before the first and behind the
// last row.
var shaNIScans = [...]func(table *shaNITable, rows *shaNIRow, groups int) int{
	shaNIScan0, shaNIScan1, shaNIScan2, shaNIScan3, shaNIScan4, shaNIScan5, shaNIScan6,
	shaNIScan7, shaNIScan8, shaNIScan9, shaNIScan10, shaNIScan11, shaNIScan12, shaNIScan13,
}

type shaNIScanner struct {
	exact *genericScanner // confirms hits and prepares the last block
	word  int             // the index of the varying word
	run   uint64          // how many consecutive candidates differ in that word only
	high  uint64          // candidate / run of the run that the table is for
	table *shaNITable
	rows  []shaNIRow
}

// newSHANIScanner leaves to portable code what has no digits in the last block.
func newSHANIScanner(w *Work) Scanner {
	exact := &genericScanner{work: w}
	exact.message.init(w)
	end := len(w.tail) + w.Digits
	if exact.message.size > blockSize {
		end -= blockSize
	}
	if end <= 0 || end >= lengthPosition || w.Difficulty == 0 {
		return exact
	}
	s := &shaNIScanner{exact: exact, word: (end - 1) / 4, run: 1, high: ^uint64(0), table: new(shaNITable)}
	inWord := end - 4*s.word
	digits := min(inWord, w.Digits)
	for range digits {
		s.run *= 10
	}
	s.table.limit = uint32(1<<(32-4*min(w.Difficulty, 8)) - 1)
	for t := firstSchedule; t < 64; t++ {
		s.table.k[t/4-4][t%4] = roundConstants[t]
	}
	exact.message.set(0)
	s.rows = shaNIRows(s.word%4, digits, exact.last()[4*s.word:])
	return s
}

func (s *shaNIScanner) Scan(first uint64, count int) int {
	for done := 0; done < count; {
		low := (first + uint64(done)) % s.run
		n := int(min(uint64(count-done), s.run-low))
		if i := s.scanRun(first+uint64(done), int(low), n); i >= 0 {
			return done + i
		}
		done += n
	}
	return -1
}

// scanRun scans n candidates from first on, which differ in one word only.
func (s *shaNIScanner) scanRun(first uint64, low, n int) int {
	if high := first / s.run; high != s.high {
		s.prepare(first - uint64(low))
		s.high = high
	}
	const ahead = shaNIStreams
	for at := 0; at < n; {
		group := shaNIScans[s.word](s.table, &s.rows[ahead+low+at], (n-at+ahead-1)/ahead)
		if group < 0 {
			break
		}
		from, to := max(at, at+ahead*(group-1)), min(n, at+ahead*(group+1))
		if from < to {
			if i := s.exact.Scan(first+uint64(from), to-from); i >= 0 {
				return from + i
			}
		}
		at += ahead * (group + 1)
	}
	return -1
}

// prepare computes what is constant in the run of candidates that begins there.
func (s *shaNIScanner) prepare(first uint64) {
	s.exact.message.set(first)
	s.exact.enterLastBlock()
	var w [64]uint32
	last := s.exact.last()
	for t := range firstSchedule {
		w[t] = binary.BigEndian.Uint32(last[4*t:])
	}
	w[s.word] = 0
	s.table.schedulePlan(&w, shaNIPlans[s.word])
	state := s.exact.state
	s.table.added[3] = state[0]
	rounds(&state, &w, (s.word+1)/2*2)
	s.table.abef = [4]uint32{state[5], state[4], state[1], state[0]}
	s.table.cdgh = [4]uint32{state[7], state[6], state[3], state[2]}
}

// schedulePlan fills what is constant of the schedule.
func (t *shaNITable) schedulePlan(w *[64]uint32, plan shaNIPlan) {
	for i := firstSchedule; i < 64; i++ {
		var sum uint32
		first, second, third := w[i-16]+sigma0(w[i-15]), w[i-7], sigma1(w[i-2])
		if plan.firstConstant>>(i/4)&1 != 0 {
			sum += first
		}
		if plan.secondConstant>>(i/4)&1 != 0 {
			sum += second
		}
		if plan.thirdConstant>>(i/4)&1 != 0 {
			sum += third
		}
		w[i] = first + second + third
		t.sums[i/4-4][i%4] = sum
	}
	for i, word := range w {
		t.schedule[i/4][i%4] = word
		t.rounds[i] = roundConstants[i] + word
	}
}

// shaNIRows are the rows of a word in that lane whose last digits vary. bytes
// are the word with zero digits. Four rows before and behind them belong to no
// candidate.
func shaNIRows(lane, digits int, bytes []byte) []shaNIRow {
	if digits == 4 {
		return fourDigitRows[lane]()
	}
	shift := 0
	for i := 3; bytes[i] != '0'; i-- {
		shift += 8
	}
	return makeRows(lane, digits, binary.BigEndian.Uint32(bytes), shift)
}

// fourDigitRows are by lane; they are made when the first job needs them.
var fourDigitRows = [4]func() []shaNIRow{
	sync.OnceValue(func() []shaNIRow { return makeRows(0, 4, zeroDigits, 0) }),
	sync.OnceValue(func() []shaNIRow { return makeRows(1, 4, zeroDigits, 0) }),
	sync.OnceValue(func() []shaNIRow { return makeRows(2, 4, zeroDigits, 0) }),
	sync.OnceValue(func() []shaNIRow { return makeRows(3, 4, zeroDigits, 0) }),
}

const zeroDigits = 0x30303030 // "0000"

// makeRows makes rows of a word with zero digits, the last of them shifted.
func makeRows(lane, digits int, word uint32, shift int) []shaNIRow {
	n := 1
	for range digits {
		n *= 10
	}
	rows := make([]shaNIRow, n+4*shaNIStreams)
	for i := range n {
		w := word
		for value, at := i, shift; value > 0; value, at = value/10, at+8 {
			w += uint32(value%10) << at
		}
		rows[shaNIStreams+i] = newRow(lane, w)
	}
	return rows
}

func newRow(lane int, w uint32) (r shaNIRow) {
	r.first[lane] = w
	if lane > 0 {
		r.first[lane-1] = sigma0(w)
	}
	switch lane {
	case 0:
		r.second[3] = sigma0(w)
	case 1, 3:
		r.second[1] = w
	case 2:
		r.second[0] = w
	}
	return r
}

func sigma0(x uint32) uint32 {
	return bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
}

func sigma1(x uint32) uint32 {
	return bits.RotateLeft32(x, -17) ^ bits.RotateLeft32(x, -19) ^ x>>10
}

//go:noescape
func shaNIScan0(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan1(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan2(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan3(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan4(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan5(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan6(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan7(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan8(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan9(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan10(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan11(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan12(table *shaNITable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan13(table *shaNITable, rows *shaNIRow, groups int) int
