package main

import "fmt"

// Offsets in shaNIWordTable and in its rows, in bytes; a test of package kernel
// compares them with the Go type.
const (
	streams = 4

	scratchOffset  = 0    // [4][4][4]uint32: K+W of the quads that come next
	resultOffset   = 256  // [4][4]uint32
	firstOffset    = 320  // [4][4][4]uint32
	abefOffset     = 576  // [4]uint32
	cdghOffset     = 592  // [4]uint32
	h0Offset       = 608  // [4]uint32
	limitOffset    = 624  // uint32, and padding
	constantOffset = 640  // [64]uint32: K+W of the constant words
	kOffset        = 896  // [12][4]uint32: K from round 16 on
	sumOffset      = 1088 // [12][4]uint32: the constant part of quads 4 to 15
	quadOffset     = 1280 // [16][4]uint32: constant quads
	h1Offset       = 1536 // [4]uint32
	savedOffset    = 1552 // [4][4]uint32
	secondOffset   = 1616 // [64]uint32: K+W of a block that is the same for all candidates

	rowBytes = 32
	auxBytes = 16 // the row's second half
)

// base is where in the table the register points, so that the offsets that are
// used most fit one byte.
const base = 128

func table(offset int) string { return fmt.Sprintf("%d(DX)", offset-base) }
