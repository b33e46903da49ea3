//go:build !purego

package kernel

// sha2State is the state of the last block's rounds before the first quad of them
// that differs between candidates.
type sha2State struct {
	rounds [8]uint32
	added  [4]uint32 // lane 0: A of the hash value before the last block
}

// sha2Table does the rounds only: K+W of each variant come from memory, and each
// load of them serves four hash values.
type sha2Table struct {
	detachable

	first  int // the first quad that varies; 0 if none does
	states [sha2Streams]sha2State
	early  [][4]uint32 // K+W of the rounds that all candidates share
	rows   [][4]uint32 // K+W of each variant's other rounds
	limit  uint32
}

func newSHA2Table(w *Work) Scanner {
	t := *share(w, "sha2 table", func() *sha2Table { return makeSHA2Table(w) })
	return &tableScanner{
		exact: newGenericScanner(w), variants: powerOfTen(w.Layout().Last), lanes: &t, width: sha2Streams,
		compress: sha2Compress,
	}
}

// makeSHA2Table makes what all workers share.
func makeSHA2Table(w *Work) *sha2Table {
	t := &sha2Table{first: max(0, w.Layout().First) / 4, limit: limit(w.Difficulty)}
	schedules(w, func(variant int, schedule *[64]uint32) {
		for quad := range 16 {
			var kw [4]uint32
			for i := range kw {
				kw[i] = schedule[4*quad+i] + roundConstants[4*quad+i]
			}
			switch {
			case quad >= t.first:
				t.rows = append(t.rows, kw)
			case variant == 0:
				t.early = append(t.early, kw)
			}
		}
	})
	return t
}

func (t *sha2Table) enter(lane int, state *[8]uint32) {
	s := &t.states[lane]
	s.rounds = *state
	s.added[0] = state[0]
	if len(t.early) > 0 {
		sha2Quads(&s.rounds, &t.early[0], len(t.early))
	}
}

func (t *sha2Table) scan(from, to int) (found, behind int) {
	scan, states, rows, limit := sha2Tables[t.first], &t.states, &t.rows[from*(16-t.first)], t.limit
	detached := t.detached
	if detached {
		leaveGo()
	}
	i := scan(states, rows, to-from, limit)
	if detached {
		t.awaitCPU()
		enterGo()
	}
	if i < 0 {
		return -1, 0
	}
	return from + i, from + i + 1
}

// sha2Tables are by the first quad that varies. Each does the rounds of count rows
// for four states and returns the index of the first row that may have a hit, or -1.
var sha2Tables = [...]func(states *[sha2Streams]sha2State, rows *[4]uint32, count int, limit uint32) int{
	sha2Table0, sha2Table1, sha2Table2, sha2Table3,
}

// sha2Compress is the compression function (FIPS 180-4, 6.2.2) for one block.
//
//go:noescape
func sha2Compress(state *[8]uint32, block *[blockSize]byte)

// sha2Limit does the rounds of four hashes, that many times, without a schedule
// and without a result.
//
//go:noescape
func sha2Limit(count int)

// sha2Quads does the first rounds, four at a time, of which kw holds K+W.
//
//go:noescape
func sha2Quads(state *[8]uint32, kw *[4]uint32, quads int)

//go:noescape
func sha2Table0(states *[sha2Streams]sha2State, rows *[4]uint32, count int, limit uint32) int

//go:noescape
func sha2Table1(states *[sha2Streams]sha2State, rows *[4]uint32, count int, limit uint32) int

//go:noescape
func sha2Table2(states *[sha2Streams]sha2State, rows *[4]uint32, count int, limit uint32) int

//go:noescape
func sha2Table3(states *[sha2Streams]sha2State, rows *[4]uint32, count int, limit uint32) int
