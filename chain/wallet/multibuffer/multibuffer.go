// Package multibuffer raises eight numbers to the power of 65537 at a time, each
// modulo a number of its own: one in each lane of vectors of 64-bit integers, with the
// products of 52 bits of AVX-512 IFMA. Intel and OpenSSL call this multi-buffer RSA; it
// is for public keys alone, since its time depends on the numbers' sizes and its memory
// isn't cleared.
package multibuffer

import (
	"encoding/binary"
	"math/big"
)

const (
	// Lanes is how many numbers a Batch takes.
	Lanes = 8
	// MinBits and MaxBits are the sizes of a modulus.
	MinBits = 128
	MaxBits = 8192
	// Exponent is the power, the usual exponent of RSA keys: 16 squarings and a product.
	Exponent = 1<<squarings + 1

	squarings = 16
)

// Numbers are in limbs of 52 bits, the least significant one first. There is an even
// number of them: two take 13 bytes, and the assembly does two columns at a time.
const (
	limbBits  = 52
	limbMask  = 1<<limbBits - 1
	pairBytes = 2 * limbBits / 8
	maxLimbs  = 158 // as limbsFor(MaxBits)
	maxBytes  = maxLimbs / 2 * pairBytes
)

// limbsFor leaves two bits free above a modulus n, so that R, which is 2^52 to the
// power of the number of limbs, is at least 4n.
func limbsFor(bits int) int {
	limbs := (bits + 2 + limbBits - 1) / limbBits
	return limbs + limbs%2
}

// Supported tells whether this machine can do it. The system keeps the registers of
// what it reports.
func Supported() bool { return supported }

// Modulus is a modulus n with what is computed of it once.
type Modulus struct {
	n       []uint64 // limbs
	square  []uint64 // limbs of R² mod n, which takes a number to Montgomery's form
	inverse uint64   // -1/n mod 2^52
}

// NewModulus prepares a modulus. ok is false if it is even or has fewer than MinBits or
// more than MaxBits.
func NewModulus(n *big.Int) (m Modulus, ok bool) {
	if bits := n.BitLen(); n.Sign() < 0 || bits < MinBits || bits > MaxBits || n.Bit(0) == 0 {
		return Modulus{}, false
	}
	limbs := limbsFor(n.BitLen())
	square := new(big.Int).Lsh(big.NewInt(1), uint(2*limbs*limbBits))
	m = Modulus{make([]uint64, limbs), make([]uint64, limbs), 0}
	split(m.n, n.Bytes())
	split(m.square, square.Mod(square, n).Bytes())
	inverse := m.n[0] // right in its three lowest bits, and in twice as many after each step
	for range 5 {
		inverse *= 2 - m.n[0]*inverse
	}
	m.inverse = -inverse & limbMask
	return m, true
}

// Limbs is the size of the modulus; those of a Batch all have the same.
func (m Modulus) Limbs() int { return len(m.n) }

// split sets limbs to a big-endian number, unless it has more bytes than they have room
// for.
func split(limbs []uint64, number []byte) (fits bool) {
	var buffer [maxBytes]byte
	bytes := buffer[:len(limbs)/2*pairBytes]
	if len(number) > len(bytes) {
		return false
	}
	copy(bytes[len(bytes)-len(number):], number)
	for i := 0; i < len(limbs); i += 2 {
		pair := bytes[len(bytes)-pairBytes:]
		limbs[i] = binary.BigEndian.Uint64(pair[pairBytes-8:]) & limbMask
		limbs[i+1] = binary.BigEndian.Uint64(pair) >> (64 - limbBits)
		bytes = bytes[:len(bytes)-pairBytes]
	}
	return true
}

// isBelow compares two numbers of the same size.
func isBelow(a, b []uint64) bool {
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// vector is a limb of each lane's number.
type vector [Lanes]uint64

// numbers are those of all lanes.
type numbers [maxLimbs]vector

// set sets one lane's number.
func (n *numbers) set(lane int, limbs []uint64) {
	for i, limb := range limbs {
		n[i][lane] = limb
	}
}

// Batch takes a number for each lane. It has no pointers: so the allocator puts it on
// the border of a cache line, which half of its speed depends on. It can be used again
// after Reset.
type Batch struct {
	modulus, base, power, squares, sums numbers
	inverse                             vector
	limbs, taken                        int
}

// Reset empties the batch, for moduli of a size.
func (b *Batch) Reset(limbs int) { b.limbs, b.taken = limbs, 0 }

// Taken is how many lanes are taken. The next number gets the lane of this index.
func (b *Batch) Taken() int { return b.taken }

// Add takes a number, big-endian, unless it isn't below its modulus. It panics if the
// modulus has another size than the batch, or all lanes are taken.
func (b *Batch) Add(m Modulus, number []byte) (ok bool) {
	if m.Limbs() != b.limbs {
		panic("multibuffer: the modulus has another size than the batch")
	}
	var limbs [maxLimbs]uint64
	base := limbs[:b.limbs]
	if !split(base, number) || !isBelow(base, m.n) {
		return false
	}
	lane := b.taken
	b.modulus.set(lane, m.n)
	b.base.set(lane, base)
	b.squares.set(lane, m.square)
	b.inverse[lane] = m.inverse
	b.taken++
	return true
}

// Raise computes the powers. Lanes that aren't taken are computed with what is in them.
func (b *Batch) Raise() {
	b.multiply(&b.base, &b.squares) // in Montgomery's form
	for range squarings {
		b.multiply(&b.power, &b.power)
	}
	b.multiply(&b.power, &b.base) // and out of it
}

// multiply sets power to x·y/R mod n, in all lanes, but for one n: if both numbers are
// below 2n, so is the product, as R is at least 4n.
func (b *Batch) multiply(x, y *numbers) {
	multiply(&b.power[0], &x[0], &y[0], &b.modulus[0], &b.sums[0], &b.inverse, b.limbs)
}

// Equals tells whether a lane's power is a number, big-endian and below the modulus.
func (b *Batch) Equals(lane int, number []byte) bool {
	var limbs [maxLimbs]uint64
	want := limbs[:b.limbs]
	if !split(want, number) {
		return false
	}
	same, more, carry := true, true, uint64(0)
	for i, limb := range want {
		got := b.power[i][lane]
		same = same && got == limb
		carry += limb + b.modulus[i][lane] // the power may be n too high
		more = more && got == carry&limbMask
		carry >>= limbBits
	}
	return same || more
}
