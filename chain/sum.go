package chain

import (
	"math"
	"math/big"
	"math/bits"

	"lode/chain/wire"
)

// sum is an exact number. Nearly all of them are ints of 64 bits, or floats whose last
// bit stands for 2^-64 or more, as that of every float from 0.00025 on does. Their
// addition costs next to nothing beside that of big fractions.
type sum struct {
	whole    int64    // the number, rounded down
	fraction uint64   // what is above that, in 2^-64
	exact    *big.Rat // nil if those two are the number
}

// fractionBits are those of sum.fraction.
const fractionBits = 64

// sumOf is a number's exact value; false if it is not finite.
func sumOf(n wire.Number) (sum, bool) {
	if whole, ok := n.Int64(); ok {
		return sum{whole: whole}, true
	}
	if !n.IsInt() {
		if s, ok := sumOfFloat(n.Float64()); ok {
			return s, true
		}
	}
	exact, ok := n.Rat()
	return sum{exact: exact}, ok
}

// sumOfFloat is false for what doesn't fit, as NaN and the infinities don't.
func sumOfFloat(f float64) (sum, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return sum{}, false
	}
	const precision = 53 // bits of a float's mantissa
	part, exponent := math.Frexp(math.Abs(f))
	mantissa := uint64(math.Ldexp(part, precision))
	if mantissa == 0 {
		return sum{}, true
	}
	zeros := bits.TrailingZeros64(mantissa)
	mantissa, exponent = mantissa>>zeros, exponent-precision+zeros
	var s sum
	switch {
	case exponent < -fractionBits || exponent+bits.Len64(mantissa) > 63:
		return sum{}, false
	case exponent >= 0:
		s.whole = int64(mantissa << exponent)
	default:
		s.whole, s.fraction = int64(mantissa>>-exponent), mantissa<<(fractionBits+exponent)
	}
	if f < 0 {
		s = sum{}.plus(s, -1)
	}
	return s, true
}

// plus adds other, or subtracts it if sign is -1.
func (s sum) plus(other sum, sign int64) sum {
	if s.exact == nil && other.exact == nil {
		if total, ok := s.small(other, sign); ok {
			return total
		}
	}
	value := other.rat()
	if sign < 0 {
		value = new(big.Rat).Neg(value)
	}
	return sum{exact: new(big.Rat).Add(s.rat(), value)}
}

// small is plus of numbers that aren't exact; false if the result overflows.
func (s sum) small(other sum, sign int64) (total sum, ok bool) {
	if sign < 0 {
		fraction, borrow := bits.Sub64(s.fraction, other.fraction, 0)
		whole := s.whole - other.whole - int64(borrow)
		return sum{whole: whole, fraction: fraction}, (s.whole^other.whole)&(s.whole^whole) >= 0
	}
	fraction, carry := bits.Add64(s.fraction, other.fraction, 0)
	whole := s.whole + other.whole + int64(carry)
	return sum{whole: whole, fraction: fraction}, (s.whole^whole)&(other.whole^whole) >= 0
}

// isNegative reports whether the number is below zero.
func (s sum) isNegative() bool {
	if s.exact != nil {
		return s.exact.Sign() < 0
	}
	return s.whole < 0
}

// rat must not be changed. The record of a new zero is another one than that of a
// sum that came down to zero, which this one's is.
func (s sum) rat() *big.Rat {
	if s.exact != nil {
		return s.exact
	}
	if s.fraction == 0 {
		return big.NewRat(s.whole, 1)
	}
	number := new(big.Int).Lsh(big.NewInt(s.whole), fractionBits)
	number.Add(number, new(big.Int).SetUint64(s.fraction))
	return new(big.Rat).SetFrac(number, new(big.Int).Lsh(big.NewInt(1), fractionBits))
}

// sumOfRat is a sum that has the value, which must not be changed later.
func sumOfRat(exact *big.Rat) sum {
	zeros := exact.Denom().TrailingZeroBits()
	if zeros > fractionBits || exact.Denom().BitLen() != int(zeros)+1 {
		return sum{exact: exact}
	}
	number := new(big.Int).Lsh(exact.Num(), fractionBits-zeros)
	whole := new(big.Int).Rsh(number, fractionBits) // rounds down
	if !whole.IsInt64() {
		return sum{exact: exact}
	}
	fraction := number.Sub(number, new(big.Int).Lsh(whole, fractionBits))
	return sum{whole: whole.Int64(), fraction: fraction.Uint64()}
}
