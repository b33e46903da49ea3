package main

import (
	"fmt"
	"io"
)

// Offsets in sha2WordTable, in bytes; a test of package kernel compares them with
// the Go type.
const (
	sha2State    = 0   // [8]uint32
	sha2Added    = 32  // [4]uint32
	sha2Limit    = 48  // uint32, and padding
	sha2Rounds   = 64  // [16][4]uint32: K+W of the constant words
	sha2Schedule = 320 // [16][4]uint32: the constant words
	sha2Firsts   = 576 // [16][4]uint32: W[t-16]+s0(W[t-15]) of constant words
)

// Registers of arm64Word. The four quads that come next lie in V8 to V23, by
// stream.
const (
	arm64Constant = 24 // of all streams
	arm64Lanes    = 25 // by lane: what is inserted for each stream
	arm64Sums     = 26 // K+W of two streams
	arm64Copies   = 28 // of two streams
	arm64Before   = 30 // constant quads, of all streams
)

// arm64Word is the loop's body for one word that varies; this word counts as zero in
// the constants. Each of the three words of the schedule to which it, or s0 of it,
// is added gets the whole sum inserted, four candidates being added at once.
type arm64Word struct {
	arm64Code
	plan plan
	err  error
}

func printARM64Words(out io.Writer, plans []plan) error {
	printARM64Head(out)
	for _, p := range plans {
		w := &arm64Word{plan: p}
		w.body()
		if w.err != nil {
			return w.err
		}
		fmt.Fprintf(out, "\n// func sha2Scan%d(table *sha2WordTable, words, sigmas *uint32, groups int) int\n", p.word)
		fmt.Fprintf(out, "TEXT ·sha2Scan%d(SB), NOSPLIT, $0-40\n", p.word)
		fmt.Fprintf(out, "\tMOVD table+0(FP), R0\n\tMOVD words+8(FP), R1\n\tMOVD sigmas+16(FP), R2\n\tMOVD groups+24(FP), R3\n")
		fmt.Fprintf(out, "\tMOVWU %d(R0), R4\n\tMOVD $0, R5\n\tMOVD $·roundConstants(SB), R6\n\tPCALIGN $16\n\nloop:\n", sha2Limit)
		w.print(out)
	}
	return nil
}

func (w *arm64Word) body() {
	w.begin()
	next := 4
	for q := w.firstQuad(); q < 16; q++ {
		w.doRounds(q)
		for ; next <= min(q+4, 15); next++ {
			w.produce(next)
		}
	}
	w.emit("FMOVQ %d(R0), F%d", sha2Added, arm64Constant)
	w.minimum(func(int) int { return arm64Constant })
	w.emit("ADD $%d, R1", 4*streams)
	w.emit("ADD $%d, R2", 4*streams)
	w.next()
}

// isLast is true if the word is the last one of its quad. Then its rounds belong to
// the constant state, as if it were zero, and it is added to A and E.
func (w *arm64Word) isLast() bool { return w.plan.lane() == 3 }

// firstQuad is the first one whose rounds are done for each candidate.
func (w *arm64Word) firstQuad() int { return (w.plan.word + 1) / 4 }

// begin loads the state before the first rounds.
func (w *arm64Word) begin() {
	for s := range streams {
		w.emit("FLDPQ %d(R0), (F%d, F%d)", sha2State, arm64ABCD(s), arm64EFGH(s))
	}
	if w.isLast() {
		w.insert(0, "R1", arm64ABCD)
		w.insert(0, "R1", arm64EFGH)
	}
}

// insert adds values at an address, by stream, to a lane of the streams' registers.
// Until then these are equal.
func (w *arm64Word) insert(lane int, address string, of func(stream int) int) {
	w.emit("VDUP V%d.S[%d], V%d.S4", of(0), lane, arm64Constant)
	w.emit("FMOVQ (%s), F%d", address, arm64Lanes)
	w.emit("VADD V%d.S4, V%d.S4, V%d.S4", arm64Constant, arm64Lanes, arm64Lanes)
	for s := range streams {
		w.emit("VMOV V%d.S[%d], V%d.S[%d]", arm64Lanes, s, of(s), lane)
	}
}

// doRounds does the rounds of quad q, of two streams at a time.
func (w *arm64Word) doRounds(q int) {
	added := func(s int) int { return arm64Sums + s%2 }
	switch {
	case q == w.plan.quad():
		// These registers are still free: all schedules but a constant one follow.
		added = func(s int) int { return w.register(0, s) }
		for s := range streams {
			w.emit("FMOVQ %d(R0), F%d", sha2Rounds+16*q, added(s))
		}
		w.insert(w.plan.lane(), "R1", added)
	case !w.isOfStream(q):
		added = func(int) int { return arm64Constant }
		w.emit("FMOVQ %d(R0), F%d", sha2Rounds+16*q, arm64Constant)
	default:
		w.emit("FMOVQ %d(R6), F%d", 16*q, arm64Constant)
	}
	for first := 0; first < streams; first += 2 {
		list := []int{first, first + 1}
		for _, s := range list {
			if w.isOfStream(q) {
				w.emit("VADD V%d.S4, V%d.S4, V%d.S4", arm64Constant, w.register(q, s), added(s))
			}
		}
		if q < 15 {
			w.rounds(list, added, arm64Copies)
		} else {
			w.lastRounds(list, added)
		}
	}
}

// isOfStream is true of a quad that each stream has for itself. Only the rounds
// need the one that has the varying word.
func (w *arm64Word) isOfStream(q int) bool { return q >= 4 && !w.plan.isConstant(q) }

// register is that of a stream's quad.
func (w *arm64Word) register(q, stream int) int { return 8 + 4*stream + q%4 }

// produce computes quad q of all streams (FIPS 180-4, 6.2.2, step 1).
func (w *arm64Word) produce(q int) {
	if !w.isOfStream(q) {
		return
	}
	isWhole := w.plan.secondConstant[q] && w.plan.thirdConstant[q]
	to := func(s int) int { return w.register(q, s) }
	switch {
	case w.plan.firstConstant[q] && isWhole:
		w.loadConstant(sha2Schedule+16*q, to)
	case w.plan.firstConstant[q]:
		w.loadConstant(sha2Firsts+16*q, to)
	case isWhole:
		w.err = fmt.Errorf("quad %d of word %d has no constant sum", q, w.plan.word)
	default:
		w.first(q)
	}
	w.addWord(q)
	if isWhole {
		return
	}
	low, high := w.operand(q-2, arm64Before), w.operand(q-1, arm64Before+1)
	for s := range streams {
		w.emit("SHA256SU1 V%d.S4, V%d.S4, V%d.S4", high(s), low(s), to(s))
	}
}

func (w *arm64Word) loadConstant(offset int, to func(stream int) int) {
	for s := range streams {
		w.emit("FMOVQ %d(R0), F%d", offset, to(s))
	}
}

// first computes W[t-16]+s0(W[t-15]). Quad q takes the place of quad q-4.
func (w *arm64Word) first(q int) {
	if !w.isOfStream(q - 4) {
		w.loadConstant(sha2Schedule+16*(q-4), func(s int) int { return w.register(q, s) })
	}
	low := w.operand(q-3, arm64Before)
	for s := range streams {
		w.emit("SHA256SU0 V%d.S4, V%d.S4", low(s), w.register(q, s))
	}
}

// addWord adds the varying word, and s0 of it, where quad q has them.
func (w *arm64Word) addWord(q int) {
	for t := 4 * q; t < 4*q+4; t++ {
		address := ""
		switch w.plan.word {
		case t - 16, t - 7:
			address = "R1"
		case t - 15:
			address = "R2"
		default:
			continue
		}
		if !w.plan.firstConstant[q] {
			w.err = fmt.Errorf("quad %d of word %d differs before the word is added", q, w.plan.word)
		}
		w.insert(t%4, address, func(s int) int { return w.register(q, s) })
	}
}

// operand is the register of a quad, by stream; a constant one is loaded.
func (w *arm64Word) operand(q, constant int) func(stream int) int {
	if w.isOfStream(q) {
		return func(s int) int { return w.register(q, s) }
	}
	w.emit("FMOVQ %d(R0), F%d", sha2Schedule+16*q, constant)
	return func(int) int { return constant }
}
