package multibuffer

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// need skips a test where the CPU can't do it; TestSupported sees to it that it isn't
// skipped elsewhere.
func need(t testing.TB) {
	t.Helper()
	if !Supported() {
		t.Skip("this CPU has no AVX-512 IFMA")
	}
}

func power(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

func plus(n *big.Int, more int64) *big.Int { return new(big.Int).Add(n, big.NewInt(more)) }

func mustModulus(t testing.TB, n *big.Int) Modulus {
	t.Helper()
	m, ok := NewModulus(n)
	if !ok {
		t.Fatalf("%x is no modulus", n)
	}
	return m
}

// below is a number from 0 to n-1, which is often one with many equal bits.
func below(random *rand.Rand, n *big.Int) *big.Int {
	bytes := make([]byte, (n.BitLen()+7)/8)
	fill := []byte{0, 0xff, 0x55}[random.IntN(3)]
	for i := range bytes {
		if bytes[i] = fill; random.IntN(3) == 0 {
			bytes[i] = byte(random.Uint32())
		}
	}
	x := new(big.Int).SetBytes(bytes)
	return x.Mod(x, n)
}

// moduli are the least, the greatest and other odd ones of a size.
func moduli(random *rand.Rand, bits uint) []*big.Int {
	list := []*big.Int{plus(power(bits-1), 1), plus(power(bits), -1)}
	for range Lanes - len(list) {
		n := below(random, power(bits-1))
		list = append(list, n.SetBit(n.SetBit(n, 0, 1), int(bits-1), 1))
	}
	return list
}

// assertPowers raises the numbers in a batch, and compares with math/big.
func assertPowers(t *testing.T, b *Batch, moduli, numbers []*big.Int) {
	t.Helper()
	b.Reset(limbsFor(moduli[0].BitLen()))
	for i, n := range moduli {
		if !b.Add(mustModulus(t, n), numbers[i].Bytes()) || b.Taken() != i+1 {
			t.Fatalf("number %d isn't taken: %x modulo %x", i, numbers[i], n)
		}
	}
	b.Raise()
	for i, n := range moduli {
		want := new(big.Int).Exp(numbers[i], big.NewInt(Exponent), n)
		for change := range int64(3) {
			other := new(big.Int).Mod(plus(want, change-1), n)
			if is := b.Equals(i, other.Bytes()); is != (other.Cmp(want) == 0) {
				t.Errorf("lane %d of %d: %x to the power of %d modulo %x is %x: %t", i, len(moduli), numbers[i], Exponent, n, other, is)
			}
		}
	}
}

// TestPowers compares with math/big at sizes around those where a limb more is needed.
func TestPowers(t *testing.T) {
	need(t)
	random := rand.New(rand.NewPCG(1, 2))
	batch := new(Batch)
	for _, bits := range []uint{MinBits, 154, 155, 206, 207, 310, 512, 1023, 1024, 1025, 1038, 1039, 2047, 2048, 3072, 4096, 8190, 8191, MaxBits} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			list := moduli(random, bits)
			for _, x := range []int64{0, 1, 2, -1, -2} {
				var numbers []*big.Int
				for _, n := range list {
					numbers = append(numbers, new(big.Int).Mod(big.NewInt(x), n))
				}
				assertPowers(t, batch, list, numbers)
			}
			for round := range 8 {
				var numbers []*big.Int
				for _, n := range list {
					numbers = append(numbers, below(random, n))
				}
				assertPowers(t, batch, list[:Lanes-round], numbers)
			}
		})
	}
}

// TestProductsAtTheirBounds multiplies the largest numbers of the largest moduli: the
// sums of a column have the fewest bits left then.
func TestProductsAtTheirBounds(t *testing.T) {
	need(t)
	for _, bits := range []uint{MinBits, 1024, 2048, MaxBits} {
		for _, n := range []*big.Int{plus(power(bits), -1), plus(power(bits-1), 1), plus(power(bits), -1<<51+1)} {
			modulus := mustModulus(t, n)
			limbs := modulus.Limbs()
			x := plus(new(big.Int).Lsh(n, 1), -1)
			numbers := new([4]numbers)
			var inverse vector
			for lane := range Lanes {
				numbers[0].set(lane, limbsOf(x, limbs))
				numbers[1].set(lane, modulus.n)
				inverse[lane] = modulus.inverse
			}
			multiply(&numbers[2][0], &numbers[0][0], &numbers[0][0], &numbers[1][0], &numbers[3][0], &inverse, limbs)
			want := new(big.Int).ModInverse(power(uint(limbs*limbBits)), n)
			want.Mul(want.Mul(want, x), x).Mod(want, n)
			for lane := range Lanes {
				got := valueOf(&numbers[2], lane, limbs)
				if got.Cmp(x) > 0 || new(big.Int).Mod(got, n).Cmp(want) != 0 {
					t.Errorf("lane %d: (2n-1)²/R is %x modulo %x, want %x and below 2n", lane, got, n, want)
				}
			}
		}
	}
}

// limbsOf is split without its tricks.
func limbsOf(n *big.Int, limbs int) []uint64 {
	list := make([]uint64, limbs)
	for i := range list {
		limb := new(big.Int).Rsh(n, uint(i*limbBits))
		list[i] = limb.And(limb, big.NewInt(limbMask)).Uint64()
	}
	return list
}

func valueOf(n *numbers, lane, limbs int) *big.Int {
	value := new(big.Int)
	for i := limbs - 1; i >= 0; i-- {
		value.Add(value.Lsh(value, limbBits), new(big.Int).SetUint64(n[i][lane]))
	}
	return value
}

// TestModulus compares what is prepared with its definition.
func TestModulus(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, bits := range []uint{MinBits, 1024, 2048, 2049, MaxBits} {
		for _, n := range moduli(random, bits) {
			m := mustModulus(t, n)
			r := power(uint(m.Limbs() * limbBits))
			if r.Cmp(new(big.Int).Lsh(n, 2)) < 0 || m.Limbs()%2 != 0 || m.Limbs() > maxLimbs {
				t.Errorf("%d bits have %d limbs", bits, m.Limbs())
			}
			square := new(big.Int).Exp(r, big.NewInt(2), n)
			if fmt.Sprint(m.n) != fmt.Sprint(limbsOf(n, m.Limbs())) || fmt.Sprint(m.square) != fmt.Sprint(limbsOf(square, m.Limbs())) {
				t.Errorf("limbs of %x: %x and %x", n, m.n, m.square)
			}
			if got := m.n[0] * m.inverse & limbMask; got != limbMask {
				t.Errorf("n times -1/n is %x mod 2^52, want -1", got)
			}
		}
	}
}

// TestNoModulus: these can't be prepared.
func TestNoModulus(t *testing.T) {
	for _, n := range []*big.Int{
		big.NewInt(0), big.NewInt(-1), big.NewInt(3), plus(power(MinBits-1), -1), power(MinBits), power(1024),
		plus(power(MaxBits), 1), new(big.Int).Neg(plus(power(1024), 1)),
	} {
		if _, ok := NewModulus(n); ok {
			t.Errorf("%x is taken", n)
		}
	}
}

// TestNumbersTooLarge: a batch takes numbers below their moduli, and a refused one takes
// no lane.
func TestNumbersTooLarge(t *testing.T) {
	n := plus(power(1024), -105)
	m := mustModulus(t, n)
	batch := new(Batch)
	batch.Reset(m.Limbs())
	for _, test := range []struct {
		number []byte
		ok     bool
	}{
		{n.Bytes(), false}, {plus(n, 1).Bytes(), false}, {power(1025).Bytes(), false}, {power(2000).Bytes(), false},
		{make([]byte, m.Limbs()/2*pairBytes+1), false}, {make([]byte, m.Limbs()/2*pairBytes), true}, {nil, true},
		{plus(n, -1).Bytes(), true}, {plus(n, -1).FillBytes(make([]byte, 129)), true},
	} {
		before := batch.Taken()
		if ok := batch.Add(m, test.number); ok != test.ok || batch.Taken()-before != map[bool]int{true: 1}[ok] {
			t.Errorf("%x: taken is %t with %d lanes after %d, want %t", test.number, ok, batch.Taken(), before, test.ok)
		}
	}
	if batch.Equals(0, make([]byte, 200)) {
		t.Error("a number of 200 bytes equals one of 128")
	}
}

// TestMisuse: what the caller must not do panics before anything is overwritten.
func TestMisuse(t *testing.T) {
	m := mustModulus(t, plus(power(1024), -105))
	for name, misuse := range map[string]func(b *Batch){
		"another size": func(b *Batch) { b.Reset(m.Limbs() + 2); b.Add(m, nil) },
		"a ninth number": func(b *Batch) {
			b.Reset(m.Limbs())
			for range Lanes + 1 {
				b.Add(m, nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it does not panic")
				}
			}()
			misuse(new(Batch))
		})
	}
}

// TestAlignment is for the speed: a vector on the border of two cache lines takes twice
// as long.
func TestAlignment(t *testing.T) {
	for range 100 {
		b := new(Batch)
		kept = append(kept, b)
		for _, n := range []*numbers{&b.modulus, &b.base, &b.power, &b.squares, &b.sums} {
			if at := uintptr(unsafe.Pointer(n)); at%64 != 0 {
				t.Fatalf("numbers are at %#x", at)
			}
		}
	}
	kept = nil
}

var kept []*Batch // keeps batches on the heap

// FuzzPowers compares with math/big, with eight different numbers at a time.
func FuzzPowers(f *testing.F) {
	need(f)
	f.Add(plus(power(1024), -1).Bytes(), plus(power(1024), -2).Bytes(), uint8(8))
	f.Add(plus(power(2047), 1).Bytes(), []byte{2}, uint8(3))
	f.Add(plus(power(127), 1).Bytes(), power(127).Bytes(), uint8(1))
	batch := new(Batch)
	f.Fuzz(func(t *testing.T, modulus, number []byte, count uint8) {
		n := new(big.Int).SetBytes(modulus)
		if n.SetBit(n, 0, 1); n.BitLen() < MinBits || n.BitLen() > MaxBits {
			return
		}
		x := new(big.Int).SetBytes(number)
		var moduli, numbers []*big.Int
		for i := range int64(count%Lanes + 1) {
			numbers = append(numbers, new(big.Int).Mod(new(big.Int).Mul(x, big.NewInt(i+1)), n))
			moduli = append(moduli, n)
		}
		assertPowers(t, batch, moduli, numbers)
	})
}

// BenchmarkRaise is a whole batch; ns/number is for one of its numbers.
func BenchmarkRaise(b *testing.B) {
	need(b)
	for _, bits := range []uint{1024, 2048, 4096} {
		b.Run(fmt.Sprintf("bits=%d", bits), func(b *testing.B) {
			n := plus(power(bits), -1)
			batch := new(Batch)
			kept = append(kept[:0], batch) // on the heap, as a Verifier has it: see TestAlignment
			batch.Reset(limbsFor(int(bits)))
			for range Lanes {
				batch.Add(mustModulus(b, n), plus(n, -2).Bytes())
			}
			for b.Loop() {
				batch.Raise()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/Lanes, "ns/number")
		})
	}
}
