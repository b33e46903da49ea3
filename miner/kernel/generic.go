package kernel

import (
	"encoding/binary"
	"math/bits"
)

const blockSize = 64

// initial is the hash value that SHA-256 begins with (FIPS 180-4, 5.3.3).
var initial = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// roundConstants are K (FIPS 180-4, 4.2.2).
var roundConstants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// compress is the compression function (FIPS 180-4, 6.2.2), written to be read.
// It calls nothing that is chosen at run time: every other kernel is compared
// with it.
func compress(state *[8]uint32, block *[blockSize]byte) {
	var w [64]uint32
	for t := range 16 {
		w[t] = binary.BigEndian.Uint32(block[4*t:])
	}
	expand(&w)
	hash := *state
	rounds(&hash, &w, len(w))
	for i, word := range hash {
		state[i] += word
	}
}

// expand computes the message schedule behind the block's own words (FIPS
// 180-4, 6.2.2, step 1).
func expand(w *[64]uint32) {
	for t := 16; t < 64; t++ {
		w[t] = w[t-16] + sigma0(w[t-15]) + w[t-7] + sigma1(w[t-2])
	}
}

func sigma0(x uint32) uint32 {
	return bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
}

func sigma1(x uint32) uint32 {
	return bits.RotateLeft32(x, -17) ^ bits.RotateLeft32(x, -19) ^ x>>10
}

// rounds are the first rounds of a block, that many.
func rounds(state *[8]uint32, w *[64]uint32, count int) {
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	for t := range count {
		s1 := bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)
		choice := e&f ^ ^e&g
		t1 := h + s1 + choice + roundConstants[t] + w[t]
		s0 := bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)
		majority := a&b ^ a&c ^ b&c
		h, g, f, e, d, c, b, a = g, f, e, d+t1, c, b, a, t1+s0+majority
	}
	*state = [8]uint32{a, b, c, d, e, f, g, h}
}

// Generic is the portable kernel: the midstate, one candidate at a time.
func Generic() Kernel {
	return Kernel{Name: "generic", NewScanner: func(w *Work) Scanner { return newGenericScanner(w) }, Batch: 250}
}

type genericScanner struct {
	work    *Work
	message message
	// state is the hash value before the last block. Where the digits reach over
	// a block border, it changes only when a digit before the border does.
	state [8]uint32
}

func newGenericScanner(w *Work) *genericScanner {
	s := &genericScanner{work: w}
	s.message.init(w)
	return s
}

func (s *genericScanner) Scan(first uint64, count int) int {
	s.begin(first)
	border := s.message.size - blockSize
	last := s.message.last()
	for i := range count {
		hash := s.state
		compress(&hash, last)
		if hasZeros(&hash, s.work.Difficulty) {
			return i
		}
		if s.message.increment() < border {
			s.enterLastBlock()
		}
	}
	return -1
}

// begin goes to a candidate.
func (s *genericScanner) begin(candidate uint64) {
	s.message.set(candidate)
	s.enterLastBlock()
}

func (s *genericScanner) enterLastBlock() { s.state = s.before(s.message.size - blockSize) }

// before is the hash value before the block that begins there.
func (s *genericScanner) before(block int) [8]uint32 {
	state := s.work.start.midstate
	for at := 0; at < block; at += blockSize {
		compress(&state, s.message.block(at))
	}
	return state
}
