package main

import (
	"fmt"
	"io"
)

// sha2StateBytes is the size of sha2State: the state before the rows' rounds, and
// the hash value's A.
const sha2StateBytes = 48

// printARM64Tables prints the loops that do the rounds only, by the first quad of a
// row, and what prepares their states.
func printARM64Tables(out io.Writer) {
	printARM64Head(out)
	for quad := range 4 {
		printARM64Table(out, quad)
	}
	printARM64Compress(out)
	printARM64Quads(out)
	printARM64Limit(out)
}

func printARM64Table(out io.Writer, first int) {
	const kw, copies, added = 8, 10, 14
	c := &arm64Code{}
	all := []int{0, 1, 2, 3}
	for s := range streams {
		c.emit("FLDPQ %d(R0), (F%d, F%d)", sha2StateBytes*s, arm64ABCD(s), arm64EFGH(s))
		c.emit("FMOVQ %d(R0), F%d", sha2StateBytes*s+32, added+s)
	}
	for q := first; q < 16; q++ {
		of := func(int) int { return kw + q%2 }
		c.emit("FMOVQ %d(R1), F%d", 16*(q-first), of(0))
		if q < 15 {
			c.rounds(all, of, copies)
		} else {
			c.lastRounds(all, of)
		}
	}
	c.emit("ADD $%d, R1", 16*(16-first))
	c.minimum(func(s int) int { return added + s })
	c.next()
	fmt.Fprintf(out, "\n// func sha2Table%d(states *[4]sha2State, rows *[4]uint32, count int, limit uint32) int\n", first)
	fmt.Fprintf(out, "TEXT ·sha2Table%d(SB), NOSPLIT, $0-40\n", first)
	fmt.Fprintf(out, "\tMOVD states+0(FP), R0\n\tMOVD rows+8(FP), R1\n\tMOVD count+16(FP), R3\n\tMOVWU limit+24(FP), R4\n")
	fmt.Fprintf(out, "\tMOVD $0, R5\n\tPCALIGN $16\n\nloop:\n")
	c.print(out)
}

// printARM64Compress prints the compression function, one block at a time: it
// prepares states, once per thousand candidates.
func printARM64Compress(out io.Writer) {
	const quads, kw, copies, state = 8, 12, 13, 16
	c := &arm64Code{}
	c.emit("MOVD state+0(FP), R0")
	c.emit("MOVD block+8(FP), R1")
	c.emit("MOVD $·roundConstants(SB), R6")
	c.emit("FLDPQ (R0), (F%d, F%d)", arm64ABCD(0), arm64EFGH(0))
	c.emit("VLD1 (R1), [V%d.B16, V%d.B16, V%d.B16, V%d.B16]", quads, quads+1, quads+2, quads+3)
	for q := range 4 {
		c.emit("VREV32 V%d.B16, V%d.B16", quads+q, quads+q)
	}
	c.emit("VMOV V%d.B16, V%d.B16", arm64ABCD(0), state)
	c.emit("VMOV V%d.B16, V%d.B16", arm64EFGH(0), state+1)
	for q := range 16 {
		c.emit("FMOVQ %d(R6), F%d", 16*q, kw)
		c.emit("VADD V%d.S4, V%d.S4, V%d.S4", quads+q%4, kw, kw)
		c.rounds([]int{0}, func(int) int { return kw }, copies)
		if q < 12 {
			c.emit("SHA256SU0 V%d.S4, V%d.S4", quads+(q+1)%4, quads+q%4)
			c.emit("SHA256SU1 V%d.S4, V%d.S4, V%d.S4", quads+(q+3)%4, quads+(q+2)%4, quads+q%4)
		}
	}
	c.emit("VADD V%d.S4, V%d.S4, V%d.S4", state, arm64ABCD(0), arm64ABCD(0))
	c.emit("VADD V%d.S4, V%d.S4, V%d.S4", state+1, arm64EFGH(0), arm64EFGH(0))
	c.emit("FSTPQ (F%d, F%d), (R0)", arm64ABCD(0), arm64EFGH(0))
	c.emit("RET")
	fmt.Fprintf(out, "\n// func sha2Compress(state *[8]uint32, block *[64]byte)\nTEXT ·sha2Compress(SB), NOSPLIT, $0-16\n")
	c.print(out)
}

func printARM64Quads(out io.Writer) {
	const kw, copies = 8, 9
	c := &arm64Code{}
	c.emit("MOVD state+0(FP), R0")
	c.emit("MOVD kw+8(FP), R1")
	c.emit("MOVD quads+16(FP), R3")
	c.emit("FLDPQ (R0), (F%d, F%d)", arm64ABCD(0), arm64EFGH(0))
	c.lines = append(c.lines, "", "loop:")
	c.emit("FMOVQ (R1), F%d", kw)
	c.emit("ADD $16, R1")
	c.rounds([]int{0}, func(int) int { return kw }, copies)
	c.emit("SUBS $1, R3")
	c.emit("BNE loop")
	c.emit("FSTPQ (F%d, F%d), (R0)", arm64ABCD(0), arm64EFGH(0))
	c.emit("RET")
	fmt.Fprintf(out, "\n// func sha2Quads(state *[8]uint32, kw *[4]uint32, quads int)\nTEXT ·sha2Quads(SB), NOSPLIT, $0-24\n")
	c.print(out)
}

// printARM64Limit prints the loop that other kernels are measured against: as many
// SHA256H and SHA256H2 as a hash of one block has, for each stream, and nothing
// else. None of a round waits for another one.
func printARM64Limit(out io.Writer) {
	const constant = 8
	c := &arm64Code{}
	for range 16 {
		for s := range streams {
			c.emit("SHA256H V%d.S4, V%d, V%d", constant, constant, arm64ABCD(s))
			c.emit("SHA256H2 V%d.S4, V%d, V%d", constant, constant, arm64EFGH(s))
		}
	}
	c.emit("SUBS $1, R3")
	c.emit("BNE loop")
	c.emit("RET")
	fmt.Fprintf(out, "\n// func sha2Limit(count int)\nTEXT ·sha2Limit(SB), NOSPLIT, $0-8\n\tMOVD count+0(FP), R3\n\tPCALIGN $16\n\nloop:\n")
	c.print(out)
}
