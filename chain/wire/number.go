package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// MaxIntDigits is the longest int that Python 3.11 converts from text
// (sys.int_info.default_max_str_digits).
const MaxIntDigits = 4300

// ErrNumber is a text that is no number, or an int of too many digits.
var ErrNumber = errors.New("not a number")

// Number is a Python int or float. It holds Python's own spelling, which is
// what is hashed and signed, so two Numbers are == exactly if they have the
// same type and value. The zero value is the int 0.
type Number struct {
	text string
}

// ParseNumber reads a JSON number as Python's json.loads does: digits alone are
// an int of up to MaxIntDigits digits, with a point or exponent it is a float;
// NaN, Infinity and -Infinity are floats too. Errors are ErrNumber.
func ParseNumber(literal string) (Number, error) {
	var buffer [numberBytes]byte
	text, err := appendNumber(buffer[:0], []byte(literal))
	if err != nil {
		return Number{}, err
	}
	return Number{string(text)}, nil
}

// numberBytes has room for what nearly all numbers are spelled with.
const numberBytes = 32

// appendNumber appends the spelling of the number that a literal is.
func appendNumber(dst, literal []byte) ([]byte, error) {
	switch string(literal) {
	case "NaN":
		return append(dst, "nan"...), nil
	case "Infinity":
		return append(dst, "inf"...), nil
	case "-Infinity":
		return append(dst, "-inf"...), nil
	case "0", "-0":
		return dst, nil
	}
	isFloat, ok := scanNumber(literal)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNumber, shorten(string(literal)))
	}
	if isFloat && isSpelled(literal) {
		return append(dst, literal...), nil
	}
	if isFloat {
		// Out of range is infinity with an error, and infinity is Python's answer.
		value, _ := strconv.ParseFloat(string(literal), 64)
		return appendFloat(dst, value), nil
	}
	if len(bytes.TrimPrefix(literal, []byte("-"))) > MaxIntDigits {
		return nil, fmt.Errorf("%w: an int of more than %d digits", ErrNumber, MaxIntDigits)
	}
	return append(dst, literal...), nil
}

// isSpelled reports whether a float's literal is Python's spelling for sure, as those of
// most amounts are. No two decimal numbers of up to 15 digits are the same float, so there is
// no shorter spelling than theirs; those with an exponent, or that would get one, are left out.
func isSpelled(literal []byte) bool {
	literal = bytes.TrimPrefix(literal, []byte("-"))
	point := bytes.IndexByte(literal, '.')
	if point < 0 || len(literal) > 16 || bytes.IndexByte(literal, 'e') >= 0 || bytes.IndexByte(literal, 'E') >= 0 {
		return false
	}
	fraction := literal[point+1:]
	isSmall := literal[0] == '0' && fraction[0] == '0'
	return !isSmall && (len(fraction) == 1 || fraction[len(fraction)-1] != '0')
}

// scanNumber checks the grammar of RFC 8259, section 6.
func scanNumber(s []byte) (isFloat, ok bool) {
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	digits := countDigits(s)
	if digits == 0 || digits > 1 && s[0] == '0' {
		return false, false
	}
	s = s[digits:]
	if len(s) > 0 && s[0] == '.' {
		isFloat = true
		digits = countDigits(s[1:])
		if digits == 0 {
			return false, false
		}
		s = s[1+digits:]
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		isFloat = true
		s = s[1:]
		if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		digits = countDigits(s)
		if digits == 0 {
			return false, false
		}
		s = s[digits:]
	}
	return isFloat, len(s) == 0
}

func countDigits(s []byte) int {
	for i, c := range s {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(s)
}

// Int is the Python int v.
func Int(v int64) Number {
	if v == 0 {
		return Number{}
	}
	return Number{strconv.FormatInt(v, 10)}
}

// BigInt is the Python int v.
func BigInt(v *big.Int) Number {
	if v.Sign() == 0 {
		return Number{}
	}
	return Number{v.String()}
}

// Float is the Python float v, spelled as repr spells it: the shortest digits
// that give v back, with an exponent below 1e-4 and from 1e16 on.
func Float(v float64) Number {
	var buffer [numberBytes]byte
	return Number{string(appendFloat(buffer[:0], v))}
}

func appendFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "nan"...)
	case math.IsInf(v, 1):
		return append(dst, "inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-inf"...)
	}
	if size := math.Abs(v); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// String is Python's str(n). It is also what hashes and signatures cover.
func (n Number) String() string {
	if n.text == "" {
		return "0"
	}
	return n.text
}

// JSON is Python's json.dumps(n), which differs from String only where n is
// not finite.
func (n Number) JSON() string {
	switch n.text {
	case "nan":
		return "NaN"
	case "inf":
		return "Infinity"
	case "-inf":
		return "-Infinity"
	}
	return n.String()
}

// IsInt tells an int from a float.
func (n Number) IsInt() bool {
	// Each payment's amount is asked several times, and strings.ContainsAny takes longer.
	for i := range len(n.text) {
		if c := n.text[i]; c == '.' || c == 'e' || c == 'n' {
			return false
		}
	}
	return true
}

// IsFinite is false for NaN and the infinities.
func (n Number) IsFinite() bool { return !strings.ContainsRune(n.text, 'n') }

// Sign is -1, 0 or 1; NaN and -0.0 have sign 0.
func (n Number) Sign() int {
	switch {
	case !n.IsFinite():
		return map[string]int{"inf": 1, "-inf": -1}[n.text]
	case !strings.ContainsAny(n.text, "123456789"):
		return 0 // zero is never spelled with an exponent
	case strings.HasPrefix(n.text, "-"):
		return -1
	}
	return 1
}

// Int64 is n's value if n is an int that fits.
func (n Number) Int64() (int64, bool) {
	if !n.IsInt() {
		return 0, false
	}
	v, err := strconv.ParseInt(n.String(), 10, 64)
	return v, err == nil
}

// Float64 is the float nearest to n.
func (n Number) Float64() float64 {
	v, _ := strconv.ParseFloat(n.String(), 64) // out of range is infinity, which is right
	return v
}

// Rat is n's exact value: a float's is the binary fraction that it stands for,
// not the decimal one that it is written as. It is false for a number that is
// not finite.
func (n Number) Rat() (*big.Rat, bool) {
	switch {
	case !n.IsFinite():
		return nil, false
	case n.IsInt():
		return new(big.Rat).SetString(n.String())
	}
	return new(big.Rat).SetFloat64(n.Float64()), true
}

// shorten keeps a text that goes into an error message to a readable length.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
