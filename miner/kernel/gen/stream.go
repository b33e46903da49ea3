package main

import "fmt"

// register is a vector register that the allocator has yet to choose.
type register struct {
	name   string
	first  int // half-steps of the loop's body, counted from the stream's start
	last   int
	number int
}

// instruction is one line; registers fill its verbs in order. The first
// writes of them, as many as writes says, are written.
type instruction struct {
	text      string
	registers []*register
	isNew     bool // the last register gets its first value here
}

// stream is the code of one of the candidates that are hashed side by side, by
// the step in which it belongs; a step is a pair of rounds.
type stream struct {
	plan  plan
	index int
	steps [][]instruction
	step  int
	// wrap is the step from which the stream is in the loop's next iteration.
	wrap int

	abef, cdgh *register
	quads      [16]*register
}

func newStream(p plan, index, wrap int, ahead pace) *stream {
	s := &stream{plan: p, index: index, wrap: wrap, steps: make([][]instruction, p.pairs()-p.firstPair())}
	s.begin()
	for q := 4; ahead.pair(q) < p.firstPair(); q++ {
		s.produce(q)
	}
	for pair := p.firstPair(); pair < p.pairs(); pair++ {
		s.step = pair - p.firstPair()
		s.rounds(pair)
		for q := 4; q < 16; q++ {
			if pair == ahead.pair(q) {
				s.produce(q)
			}
		}
	}
	s.finish()
	return s
}

// pace is how many pairs of rounds quad 4 is computed ahead of its own, and how
// many more quad 15 is. A faster pace holds registers for a shorter time.
type pace struct{ lead, gain int }

func (a pace) pair(q int) int { return 2*q - a.lead - (q-4)*a.gain/11 }

// emit appends an instruction to the current step.
func (s *stream) emit(text string, registers ...*register) {
	s.steps[s.step] = append(s.steps[s.step], instruction{text: text, registers: registers})
}

// make appends an instruction that gives a new register, its last, a value.
func (s *stream) make(name, text string, registers ...*register) *register {
	r := &register{name: fmt.Sprintf("%s of stream %d", name, s.index), first: -1}
	s.steps[s.step] = append(s.steps[s.step], instruction{text, append(registers, r), true})
	return r
}

// row is the address of the stream's row of the varying word, and offset bytes.
func (s *stream) row(offset int) string {
	at := rowBytes*s.index + offset
	if s.step >= s.wrap {
		at -= streams * rowBytes
	}
	return fmt.Sprintf("%d(BX)", at)
}

// begin loads the state before the first pair of rounds.
func (s *stream) begin() {
	if s.plan.word%2 == 1 {
		s.abef = s.make("ABEF", "VMOVDDUP "+s.row(auxBytes)+", %s")
		s.emit("VPADDD "+table(abefOffset)+", %s, %s", s.abef, s.abef)
	} else {
		s.abef = s.make("ABEF", "VMOVDQU "+table(abefOffset)+", %s")
	}
	s.cdgh = s.make("CDGH", "VMOVDQU "+table(cdghOffset)+", %s")
}

// rounds does rounds 2*pair and 2*pair+1.
func (s *stream) rounds(pair int) {
	if pair == 32 {
		s.enterSecond()
	}
	q := pair / 2
	switch {
	case pair >= 32:
		s.emit("VMOVQ " + table(secondOffset+8*(pair-32)) + ", X0")
	case pair == s.plan.word/2: // only even words come here
		offset := 0
		if s.plan.lane() == 2 {
			offset = auxBytes
		}
		s.emit("VMOVDQU " + s.row(offset) + ", X0")
		s.emit("VPADDD " + table(constantOffset+8*pair) + ", X0, X0")
	case q < 4 || s.plan.isConstant(q):
		s.emit("VMOVQ " + table(constantOffset+8*pair) + ", X0")
	default:
		s.emit("VMOVQ " + table(s.sumSlot(q)+8*(pair%2)) + ", X0")
	}
	s.emit("SHA256RNDS2 X0, %s, %s", s.abef, s.cdgh)
	s.abef, s.cdgh = s.cdgh, s.abef
}

// enterSecond adds the hash value before the first block and keeps what is to be
// added after the second.
func (s *stream) enterSecond() {
	s.emit("VPADDD "+table(h0Offset)+", %s, %s", s.abef, s.abef)
	s.emit("VPADDD "+table(h1Offset)+", %s, %s", s.cdgh, s.cdgh)
	s.emit("VMOVDQU %s, "+table(savedOffset+16*s.index), s.abef)
}

// produce computes quad q and K+W of it.
func (s *stream) produce(q int) {
	p := &s.plan
	if q < 4 || p.isConstant(q) {
		return
	}
	sum := s.sums(q)
	if !p.thirdConstant[q] {
		if before := s.quads[q-1]; before != nil {
			s.emit("SHA256MSG2 %s, %s", before, sum)
		} else {
			s.constantQuad(q - 1)
			s.emit("SHA256MSG2 X0, %s", sum)
		}
	}
	s.quads[q] = sum
	s.emit("VPADDD "+table(kOffset+16*(q-4))+", %s, X0", sum)
	s.emit("VMOVDQU X0, " + table(s.sumSlot(q)))
}

// constantQuad loads a quad for SHA256MSG2, which reads its last two words: if one
// of them is the word that varies, it is added.
func (s *stream) constantQuad(q int) {
	constant := table(quadOffset + 16*q)
	switch {
	case q != s.plan.quad() || s.plan.lane() < 2:
		s.emit("VMOVDQU " + constant + ", X0")
		return
	case s.plan.lane() == 2:
		s.emit("VMOVDQU " + s.row(0) + ", X0")
	default:
		s.emit("VMOVDQU " + s.row(auxBytes) + ", X0")
		s.emit("VPSLLDQ $8, X0, X0")
	}
	s.emit("VPADDD " + constant + ", X0, X0")
}

// sums adds what quad q has besides s1: quads q-4, q-3, q-2 and q-1.
func (s *stream) sums(q int) *register {
	p := &s.plan
	var sum *register
	if !p.secondConstant[q] {
		high := s.quads[q-1]
		if low := s.quads[q-2]; low != nil {
			s.first(q+2, true)
			sum = s.make("sum", "VPALIGNR $4, %s, %s, %s", low, high)
		} else {
			sum = s.make("sum", "VPALIGNR $4, "+table(quadOffset+16*(q-2))+", %s, %s", high)
			s.first(q+2, true)
		}
	} else {
		s.first(q+2, false)
	}
	if !p.firstConstant[q] {
		sum = s.add(sum, table(s.firstSlot(q)))
	}
	if p.firstConstant[q] || p.secondConstant[q] {
		sum = s.add(sum, table(sumOffset+16*(q-4)))
	}
	if p.addsRow(q) {
		sum = s.add(sum, s.row(0))
	}
	if p.addsSigma(q) {
		sum = s.add(sum, s.row(auxBytes))
	}
	if lane := p.wordLane(q); lane >= 0 {
		s.emit("VMOVD " + s.row(4*p.lane()) + ", X0")
		if lane > 0 {
			s.emit(fmt.Sprintf("VPSLLDQ $%d, X0, X0", 4*lane))
		}
		s.emit("VPADDD X0, %s, %s", sum, sum)
	}
	return sum
}

// add adds what lies at an address.
func (s *stream) add(sum *register, address string) *register {
	if sum == nil {
		return s.make("sum", "VMOVDQU "+address+", %s")
	}
	s.emit("VPADDD "+address+", %s, %s", sum, sum)
	return sum
}

// first computes W[t-16]+s0(W[t-15]) of quad q, which needs quads q-4 and q-3.
func (s *stream) first(q int, keep bool) {
	if q < 4 || q > 15 || s.plan.firstConstant[q] {
		return
	}
	low, high := s.quads[q-4], s.quads[q-3]
	if low == nil {
		s.emit("VMOVDQU " + table(quadOffset+16*(q-4)) + ", X0")
	} else {
		s.emit("VMOVDQA %s, X0", low)
	}
	s.emit("SHA256MSG1 %s, X0", high)
	s.emit("VMOVDQU X0, " + table(s.firstSlot(q)))
}

// finish adds the hash value before the block to A and compares it: the minimum
// of four candidates is taken where the first stream ends.
func (s *stream) finish() {
	before := h0Offset
	if s.plan.blocks == 2 {
		before = savedOffset + 16*s.index
	}
	s.emit("VPADDD "+table(before)+", %s, %s", s.abef, s.abef)
	if s.index > 0 {
		s.emit("VMOVDQU %s, "+table(resultOffset+16*s.index), s.abef)
		return
	}
	for other := 1; other < streams; other++ {
		s.emit("VPMINUD "+table(resultOffset+16*other)+", %s, %s", s.abef, s.abef)
	}
	s.emit("VPEXTRD $3, %s, AX", s.abef)
}

func (s *stream) sumSlot(q int) int   { return scratchOffset + 64*s.index + 16*(q%4) }
func (s *stream) firstSlot(q int) int { return firstOffset + 64*s.index + 16*(q%4) }
