//go:build !purego

package kernel

import "sync"

// firstSchedule is the first word that the message schedule computes.
const firstSchedule = 16

// shaNIPlan tells which of the sums that make words 4q to 4q+3 of the schedule
// are constant: bit q. The sums are W[t-16]+s0(W[t-15]), W[t-7] and s1(W[t-2]).
// The varying word counts as constant zero, except in s1.
type shaNIPlan struct{ firstConstant, secondConstant, thirdConstant uint16 }

// shaNIWordTable is what the assembly works on, in the generator's order.
type shaNIWordTable struct {
	scratch  [shaNIStreams][4][4]uint32 // K+W of the next words
	results  [shaNIStreams][4]uint32
	firsts   [shaNIStreams][4][4]uint32
	abef     [4]uint32 // F, E, B, A before the first rounds of a candidate
	cdgh     [4]uint32 // H, G, D, C
	added    [4]uint32 // F, E, B, A of the hash value before the block
	limit    uint32    // the highest first word of a hit
	_        [3]uint32
	rounds   [64]uint32    // K+W of constant words, K of the varying one
	k        [12][4]uint32 // K from round 16 on
	sums     [12][4]uint32 // of words 16 to 63: what is constant
	schedule [16][4]uint32 // constant words, by fours
	added2   [4]uint32     // H, G, D, C of the hash value before the block
	saved    [shaNIStreams][4]uint32
	second   [64]uint32 // K+W of a second block that is the same for all candidates
}

// shaNIRow is one value of the varying word.
type shaNIRow struct {
	first  [4]uint32 // the word in its lane, and s0 of it in the lane before
	second [4]uint32 // by lane: s0 in lane 3; or the word twice, or once, for the rounds
}

// shaNIScans are by the index of the varying word, as shaNIPlans are. Each looks at groups of four
// rows and returns the index of the first group that, or the one before, may
// have a hit, or -1. It reads up to one group before the first and behind the
// last row.
var shaNIScans = [...]func(table *shaNIWordTable, rows *shaNIRow, groups int) int{
	shaNIScan0, shaNIScan1, shaNIScan2, shaNIScan3, shaNIScan4, shaNIScan5, shaNIScan6,
	shaNIScan7, shaNIScan8, shaNIScan9, shaNIScan10, shaNIScan11, shaNIScan12, shaNIScan13,
	shaNIScanTwo13, shaNIScanTwo14, shaNIScanTwo15,
}

// shaNIWord hoists: rounds before the word that varies and the parts of the
// message schedule that it doesn't reach are computed once per run. Each of the
// four streams is a quarter of the rounds behind the one before.
type shaNIWord struct {
	detachable

	word  int
	plan  int // the index of the function
	table *shaNIWordTable
	rows  []shaNIRow
}

func newSHANIWord(w *Work) oneWord {
	l := w.Layout()
	s := &shaNIWord{word: l.Word, plan: l.Word, table: &shaNIWordTable{limit: limit(w.Difficulty)}}
	if l.IsTwoBlocks() {
		s.plan += twoBlocks
		s.table.second = lastBlockRounds(w)
	}
	for t := firstSchedule; t < 64; t++ {
		s.table.k[t/4-4][t%4] = roundConstants[t]
	}
	if l.Run == len(fourDigits()) {
		s.rows = fourDigitRows[l.Word%4]()
	} else {
		s.rows = share(w, "sha-ni rows", func() []shaNIRow { return makeRows(l.Word%4, wordValues(w)) })
	}
	return s
}

// twoBlocks is added to the word that varies where another block follows: such
// functions come behind those for the last block's words.
const twoBlocks = lengthWord - 13

// lastBlockRounds is K+W of a last block without digits.
func lastBlockRounds(w *Work) (kw [64]uint32) {
	schedules(w, func(_ int, schedule *[64]uint32) { kw = withConstants(schedule) })
	return kw
}

func (s *shaNIWord) scan(low, count int) (from, to int) {
	const ahead = shaNIStreams
	scan, table, rows, groups := shaNIScans[s.plan], s.table, &s.rows[ahead+low], (count+ahead-1)/ahead
	detached := s.detached
	if detached {
		leaveGo()
	}
	group := scan(table, rows, groups)
	if detached {
		s.awaitCPU()
		enterGo()
	}
	if group < 0 {
		return -1, 0
	}
	return max(0, low+ahead*(group-1)), low + ahead*(group+1)
}

func (s *shaNIWord) prepare(before *[8]uint32, block *[16]uint32) {
	var w [64]uint32
	copy(w[:], block[:])
	s.table.schedulePlan(&w, shaNIPlans[s.plan])
	state := *before
	s.table.added, s.table.added2 = shaNIRegisters(&state)
	rounds(&state, &w, (s.word+1)/2*2)
	s.table.abef, s.table.cdgh = shaNIRegisters(&state)
}

// schedulePlan fills what is constant of the schedule.
func (t *shaNIWordTable) schedulePlan(w *[64]uint32, plan shaNIPlan) {
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
	}
	t.rounds = withConstants(w)
}

// fourDigitRows are by the lane of the word; they are made when the first job
// needs them.
var fourDigitRows = [4]func() []shaNIRow{
	sync.OnceValue(func() []shaNIRow { return makeRows(0, fourDigits()) }),
	sync.OnceValue(func() []shaNIRow { return makeRows(1, fourDigits()) }),
	sync.OnceValue(func() []shaNIRow { return makeRows(2, fourDigits()) }),
	sync.OnceValue(func() []shaNIRow { return makeRows(3, fourDigits()) }),
}

// makeRows makes a row of each value. Four rows before and behind them belong to
// no candidate.
func makeRows(lane int, values []uint32) []shaNIRow {
	rows := make([]shaNIRow, len(values)+2*shaNIStreams)
	for i, value := range values {
		rows[shaNIStreams+i] = newRow(lane, value)
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

//go:noescape
func shaNIScan0(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan1(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan2(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan3(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan4(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan5(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan6(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan7(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan8(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan9(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan10(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan11(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan12(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScan13(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScanTwo13(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScanTwo14(table *shaNIWordTable, rows *shaNIRow, groups int) int

//go:noescape
func shaNIScanTwo15(table *shaNIWordTable, rows *shaNIRow, groups int) int
