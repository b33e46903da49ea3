package main

import "fmt"

// printTable prints the function for layouts whose last block has few variants:
// rounds without a message schedule. Rows are K+W of a round, those of a group of
// variants begin with the first word that varies, and they serve all states. From
// there on all words share the code.
func (p *lanePrinter) printTable() {
	row := 4 * p.lanes
	var labels []string
	for first := range varyingWords {
		labels = append(labels, fmt.Sprintf("word%d", first))
	}
	p.begin("Table", "states *laneState, rows *uint32, groups, first int", [4]string{"states", "rows", "groups", "first"}, labels,
		// R8 are the bytes of a group; BX is where the row of round 0 would be.
		"MOVQ $64, R8", "SUBQ DI, R8", fmt.Sprintf("IMULQ $%d, R8", row), fmt.Sprintf("LEAQ %d(BX)(R8*1), BX", -64*row))
	for first, label := range labels {
		p.print("\n%s:\n", label)
		p.line("%s %d(BX), %s", p.load, row*first, p.register(10))
		for s := range p.streams {
			p.enter(s, first+1, p.register(10))
		}
		p.line("JMP round%d", first+1)
	}
	for t := 1; t < 64; t++ {
		if t <= varyingWords {
			p.print("\nround%d:\n", t)
		}
		for s := range p.streams {
			h := p.variable(s, t, 7)
			p.line("VPADDD %d(BX), %s, %s", row*t, h, h)
			p.round(s, t)
		}
	}
	for s := range p.streams {
		p.finish(s)
	}
	p.end(p.streams, "R8")
}
