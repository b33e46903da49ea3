//go:build !purego

package kernel

// shaNIState is the hash value before the last block and the state of its rounds
// before the first one that differs between candidates, in the generator's order.
type shaNIState struct {
	abef  [4]uint32 // F, E, B, A
	cdgh  [4]uint32 // H, G, D, C
	added [4]uint32 // the hash value's own F, E, B, A
}

// shaNITable does the rounds only: K+W of each variant come from memory, and each
// load of them serves four hash values.
type shaNITable struct {
	detachable

	first   int // the first word that varies; 0 if none does
	states  [shaNIStreams]shaNIState
	early   []uint64 // K+W of the rounds that all candidates share, by twos
	rows    []uint64
	rowSize int
	limit   uint32
}

func newSHANITable(w *Work) Scanner {
	t := *share(w, "sha-ni table", func() *shaNITable { return makeSHANITable(w) })
	return &tableScanner{
		exact: newGenericScanner(w), variants: powerOfTen(w.Layout().Last), lanes: &t, width: shaNIStreams,
		compress: shaNICompress,
	}
}

// makeSHANITable makes what all workers share. A row is K+W of the pairs of
// rounds from the first that differs on. If the first word that varies is odd, its
// round is one of the shared ones, as if the word were zero, and the row begins
// with what is then to be added to A and E.
func makeSHANITable(w *Work) *shaNITable {
	l := w.Layout()
	pairs := (l.First + 1) / 2
	t := &shaNITable{first: l.First, limit: limit(w.Difficulty), rowSize: 32 - pairs + l.First%2}
	t.rows = make([]uint64, 0, t.rowSize*int(powerOfTen(l.Last)))
	schedules(w, func(variant int, schedule *[64]uint32) {
		if l.First%2 == 1 {
			t.rows = append(t.rows, uint64(schedule[l.First])<<32)
			schedule[l.First] = 0
		}
		if variant == 0 {
			t.early = appendRounds(nil, schedule, 0, pairs)
		}
		t.rows = appendRounds(t.rows, schedule, pairs, 32)
	})
	return t
}

// appendRounds appends K+W of pairs of rounds.
func appendRounds(to []uint64, schedule *[64]uint32, from, end int) []uint64 {
	for pair := from; pair < end; pair++ {
		even, odd := schedule[2*pair]+roundConstants[2*pair], schedule[2*pair+1]+roundConstants[2*pair+1]
		to = append(to, uint64(odd)<<32|uint64(even))
	}
	return to
}

func (t *shaNITable) enter(lane int, state *[8]uint32) {
	s := &t.states[lane]
	s.abef, s.cdgh = shaNIRegisters(state)
	s.added = s.abef
	if len(t.early) > 0 {
		shaNIPairs(s, &t.early[0], len(t.early))
	}
}

func (t *shaNITable) scan(from, to int) (found, behind int) {
	rows := t.rows[from*t.rowSize : to*t.rowSize]
	scan, states, row, limit := shaNITables[t.first], &t.states, &rows[0], t.limit
	detached := t.detached
	if detached {
		leaveGo()
	}
	i := scan(states, row, to-from, limit)
	if detached {
		t.awaitCPU()
		enterGo()
	}
	if i < 0 {
		return -1, 0
	}
	return from + i, from + i + 1
}

// shaNITables are by the first word that varies. Each does the rounds of count
// rows for four states and returns the index of the first row that may have a
// hit, or -1.
var shaNITables = [...]func(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int{
	shaNITable0,
	shaNITable1,
	shaNITable2,
	shaNITable3,
	shaNITable4,
	shaNITable5,
	shaNITable6,
	shaNITable7,
	shaNITable8,
	shaNITable9,
	shaNITable10,
	shaNITable11,
	shaNITable12,
	shaNITable13,
}

// shaNICompress is the compression function (FIPS 180-4, 6.2.2) for one block.
//
//go:noescape
func shaNICompress(state *[8]uint32, block *[blockSize]byte)

// shaNILimit does the rounds of four hashes, that many times, without a schedule
// and without a result.
//
//go:noescape
func shaNILimit(count int)

// shaNIPairs does the first rounds, that many pairs, of which kw holds K+W.
//
//go:noescape
func shaNIPairs(state *shaNIState, kw *uint64, pairs int)

//go:noescape
func shaNITable0(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable1(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable2(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable3(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable4(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable5(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable6(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable7(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable8(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable9(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable10(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable11(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable12(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int

//go:noescape
func shaNITable13(states *[shaNIStreams]shaNIState, rows *uint64, count int, limit uint32) int
