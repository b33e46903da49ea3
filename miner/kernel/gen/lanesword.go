package main

import "fmt"

// printWords prints the function for candidates that differ in one word. Rounds
// before it are done already, and the parts of the message schedule that don't
// depend on it are in the table. From some round on nothing is constant, and all
// words share the code.
func (p *lanePrinter) printWords(plans []plan) {
	var labels []string
	for _, plan := range plans {
		labels = append(labels, "word"+plan.name())
	}
	p.begin("Words", "table *laneWordTable, values *uint32, groups, plan int", [4]string{"table", "values", "groups", "plan"}, labels)
	shared := map[int]bool{}
	first := 64
	for i, plan := range plans {
		from := sharedFrom(plan)
		shared[from] = true
		first = min(first, from)
		p.print("\n%s:\n", labels[i])
		p.enterWord(plan.word)
		for t := plan.word + 1; t < from; t++ {
			p.step(t, func(t int) bool { return plan.varies[t] })
		}
		p.line("JMP round%d", from)
	}
	for t := first; t < 64; t++ {
		if shared[t] {
			p.print("\nround%d:\n", t)
		}
		p.step(t, func(int) bool { return true })
	}
	p.line("CMPQ DI, $%d", varyingWords)
	p.line("JLT finish")
	p.secondBlock()
	p.print("\tJMP compare\n\nfinish:\n")
	p.finish(0)
	p.print("\ncompare:\n")
	p.end(1, fmt.Sprintf("$%d", 4*p.lanes))
}

// secondBlock prints the rounds of a last block that is the same for all candidates.
// Its hash value before is the state behind the first block.
func (p *lanePrinter) secondBlock() {
	a := p.variable(0, 64, 0)
	for i := range 8 {
		p.addConstant(laneBefore+4*i, p.variable(0, 64, i))
	}
	p.line("%s %s, %s", p.load, a, p.ring(0))
	p.beginMajority(0, 0)
	for t := range 64 {
		p.addConstant(laneSecond+4*t, p.variable(0, t, 7))
		p.round(0, t)
	}
	p.line("VPADDD %s, %s, %s", p.ring(0), a, a)
}

// sharedFrom is the round from which on no word of the message schedule has a
// constant term.
func sharedFrom(p plan) int {
	last := 63
	for p.varies[last] {
		last--
	}
	return last + 17
}

// ring is where word t of the message schedule is: in a register, or in memory.
func (p *lanePrinter) ring(t int) string {
	if p.wide {
		return p.register(16 + t%16)
	}
	return fmt.Sprintf("%d(DX)", laneRing+laneRowBytes*(t%16))
}

// enterWord loads the word that varies and enters the round behind it.
func (p *lanePrinter) enterWord(word int) {
	w := p.register(10)
	p.line("%s (BX), %s", p.load, w)
	p.line("%s %s, %s", p.load, w, p.ring(word))
	p.enter(0, word+1, w)
}

// step prints round t and the word that it needs.
func (p *lanePrinter) step(t int, varies func(t int) bool) {
	h := p.variable(0, t, 7)
	p.addConstant(laneRounds+4*t, h)
	if t >= 16 && varies(t) {
		p.word(t, varies, h)
	}
	p.round(0, t)
}

// word computes word t of the message schedule (FIPS 180-4, 6.2.2, step 1). It adds
// the terms that vary to h, which has the constant ones.
func (p *lanePrinter) word(t int, varies func(t int) bool, h string) {
	to := p.register(10)
	if p.wide {
		to = p.ring(t)
	}
	begun := p.wide && varies(t-16) // it is in its place already
	constant := false
	for _, term := range []laneTerm{{"", t - 16}, {"", t - 7}, {"SIGMA0", t - 15}, {"SIGMA1", t - 2}} {
		switch {
		case !varies(term.word):
			constant = true
		case term.word == t-16 && begun:
		default:
			p.add(term, to, begun)
			begun = true
		}
	}
	p.line("VPADDD %s, %s, %s", to, h, h)
	if constant {
		p.addConstant(laneSums+4*t, to)
	}
	if !p.wide {
		p.line("%s %s, %s", p.load, to, p.ring(t))
	}
}

// laneTerm is a term of the message schedule: a word of it, or a function of that.
type laneTerm struct {
	function string
	word     int
}

// add adds a term to a sum, or begins the sum.
func (p *lanePrinter) add(term laneTerm, to string, begun bool) {
	value := p.ring(term.word)
	switch {
	case begun && term.function != "":
		p.line("%s(%s, %s)", term.function, value, p.register(11))
		p.line("VPADDD %s, %s, %s", p.register(11), to, to)
	case begun:
		p.line("VPADDD %s, %s, %s", value, to, to)
	case term.function != "":
		p.line("%s(%s, %s)", term.function, value, to)
	default:
		p.line("%s %s, %s", p.load, value, to)
	}
}
