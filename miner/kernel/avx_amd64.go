//go:build !purego

package kernel

// laneKernel hashes one candidate in each 32-bit lane of a vector.
type laneKernel struct {
	name   string
	lanes  int
	states int // that table looks at
	// table does the rounds of groups of lanes of a table. It returns the index of
	// the first group that has a hit for one of the states, or -1. first is the first
	// word that differs.
	table func(states *laneState, rows *uint32, groups, first int) int
	// words does the same for groups of values of one word. plan is its index, with
	// twoBlocks added if another block follows.
	words func(table *laneWordTable, values *uint32, groups, plan int) int
}

func (k laneKernel) newScanner(w *Work) Scanner {
	return newScanner(w,
		func(w *Work) Scanner { return newLaneTable(w, k) },
		func(w *Work) oneWord { return newLaneWord(w, k) })
}

// laneState is the state of the last block's rounds behind the first one that
// differs between candidates, as if its word were zero, in the generator's order.
type laneState struct {
	state [8]uint32
	added uint32 // A of the hash value before the last block
	limit uint32 // the highest first word of a hit
}

// enter makes state the hash value before the last block, of which schedule is the
// message schedule up to the word that differs.
func (s *laneState) enter(state *[8]uint32, schedule *[64]uint32, word int) {
	s.state, s.added = *state, state[0]
	rounds(&s.state, schedule, word+1)
}

// maxLaneStates is the most states that a kernel looks at.
const maxLaneStates = 2

// laneTable does the rounds only: K+W of each variant come from memory.
type laneTable struct {
	detachable

	kernel laneKernel
	first  int // word that differs
	states [maxLaneStates]laneState
	rows   *laneRows
}

// laneRows is what all workers share.
type laneRows struct {
	early [64]uint32 // the message schedule up to the first word that differs, zero here
	group int        // words of a group
	// words are by groups of lanes, in them by rounds, from that of the first word that
	// differs on: W of that one, and K+W of the others. Lanes behind the last variant
	// belong to no candidate.
	words []uint32
}

func newLaneTable(w *Work, k laneKernel) Scanner {
	l := w.Layout()
	t := &laneTable{kernel: k, first: l.First}
	t.rows = share(w, k.name+" table", func() *laneRows { return makeLaneRows(w, k.lanes) })
	for i := range t.states {
		t.states[i].limit = limit(w.Difficulty)
	}
	return &tableScanner{exact: newGenericScanner(w), variants: powerOfTen(l.Last), lanes: t, width: k.states, compress: compress}
}

func makeLaneRows(w *Work, lanes int) *laneRows {
	l := w.Layout()
	groups := (int(powerOfTen(l.Last)) + lanes - 1) / lanes
	r := &laneRows{group: (len(roundConstants) - l.First) * lanes}
	r.words = make([]uint32, groups*r.group)
	schedules(w, func(variant int, schedule *[64]uint32) {
		at := variant/lanes*r.group + variant%lanes
		r.words[at] = schedule[l.First]
		for t := l.First + 1; t < len(schedule); t++ {
			at += lanes
			r.words[at] = roundConstants[t] + schedule[t]
		}
		r.early = *schedule
		r.early[l.First] = 0
	})
	return r
}

func (t *laneTable) enter(lane int, state *[8]uint32) {
	t.states[lane].enter(state, &t.rows.early, t.first)
}

func (t *laneTable) scan(from, to int) (found, behind int) {
	lanes := t.kernel.lanes
	group, end := from/lanes, (to+lanes-1)/lanes
	scan, states, rows, first := t.kernel.table, &t.states[0], &t.rows.words[group*t.rows.group], t.first
	detached := t.detached
	if detached {
		leaveGo()
	}
	i := scan(states, rows, end-group, first)
	if detached {
		t.awaitCPU()
		enterGo()
	}
	if i < 0 {
		return -1, 0
	}
	group += i
	return max(from, group*lanes), (group + 1) * lanes
}

// laneWordTable is what the assembly works on, in the generator's order. It has no
// pointers: so the allocator puts it, and its rows, on the border of a cache line.
type laneWordTable struct {
	state  laneState
	_      [6]uint32
	ring   [16][8]uint32 // AVX2 keeps the last words of the message schedule here
	rounds [64]uint32    // K, and what is constant of W
	sums   [64]uint32    // what is constant of W
	before [8]uint32     // the hash value before the block
	second [64]uint32    // K+W of a second block that is the same for all candidates
}

// laneWord hoists: rounds before the word that varies and the parts of the message
// schedule that it doesn't reach are computed once per run.
type laneWord struct {
	detachable

	kernel laneKernel
	word   int
	plan   int
	table  *laneWordTable
	values []uint32
}

func newLaneWord(w *Work, k laneKernel) *laneWord {
	l := w.Layout()
	s := &laneWord{kernel: k, word: l.Word, plan: l.Word, table: &laneWordTable{}}
	s.table.state.limit = limit(w.Difficulty)
	if l.IsTwoBlocks() {
		s.plan += twoBlocks
		s.table.second = lastBlockRounds(w)
	}
	s.values = wordValues(w)
	return s
}

func (s *laneWord) prepare(before *[8]uint32, block *[16]uint32) {
	t := s.table
	var w [64]uint32
	copy(w[:], block[:])
	hoist(s.word, &w, &t.sums)
	t.before = *before
	t.state.enter(before, &w, s.word)
	t.rounds = withConstants(&w)
}

func (s *laneWord) scan(low, count int) (from, to int) {
	lanes := s.kernel.lanes
	scan, table, values, groups, plan := s.kernel.words, s.table, &s.values[low], (count+lanes-1)/lanes, s.plan
	detached := s.detached
	if detached {
		leaveGo()
	}
	i := scan(table, values, groups, plan)
	if detached {
		s.awaitCPU()
		enterGo()
	}
	if i < 0 {
		return -1, 0
	}
	return low + lanes*i, low + lanes*(i+1)
}
