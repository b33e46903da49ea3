package wire

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// seeded is a source of random numbers. Its seed stands in the log of a test
// that fails; WIRE_SEED=n in the environment gives the same numbers again.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("WIRE_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("WIRE_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// randomFloat favours the places where a spelling can go wrong: powers of two,
// subnormals, amounts of money and both borders of the exponent form.
func randomFloat(random *rand.Rand) float64 {
	switch random.IntN(6) {
	case 0:
		return math.Ldexp(1, random.IntN(2098)-1074)
	case 1:
		return math.Float64frombits(random.Uint64N(1 << 52))
	case 2:
		return float64(random.Int64N(1e9)) / 100
	case 3:
		return 1e16 + float64(random.IntN(9)-4)*2
	case 4:
		return math.Float64frombits(math.Float64bits(1e-4) + random.Uint64N(9) - 4)
	}
	return math.Float64frombits(random.Uint64())
}

// randomInt is the literal of an int with that many digits at most.
func randomInt(random *rand.Rand, maxDigits int) string {
	digits := []byte{byte('1' + random.IntN(9))}
	for range random.IntN(maxDigits) {
		digits = append(digits, byte('0'+random.IntN(10)))
	}
	if random.IntN(2) == 0 {
		return "-" + string(digits)
	}
	return string(digits)
}

func randomNumber(random *rand.Rand) Number {
	switch random.IntN(3) {
	case 0:
		return Int(random.Int64N(2001) - 1000)
	case 1:
		return Float(randomFloat(random))
	}
	value, _ := new(big.Int).SetString(randomInt(random, 60), 10)
	return BigInt(value)
}

// randomText has code points of every kind, lone surrogates among them, but
// never two surrogates that make a pair: those are one code point.
func randomText(random *rand.Rand) string {
	const special = "\"'\\/\n\r\t\b\f\x00\x1f\x7f\u00a0\u00ad\u2028\ufeff\ufffd\uffff"
	var points []rune
	for range random.IntN(12) {
		switch random.IntN(6) {
		case 0:
			points = append(points, ' '+random.Int32N('~'-' '+1))
		case 1:
			specials := []rune(special)
			points = append(points, specials[random.IntN(len(specials))])
		case 2:
			points = append(points, random.Int32N(0x800))
		case 3:
			points = append(points, random.Int32N(0x10000))
		case 4:
			points = append(points, 0x10000+random.Int32N(0x100000))
		case 5:
			points = append(points, 0xD800+random.Int32N(0x800))
		}
	}
	return encodePoints(joinPairs(points))
}

// encodePoints is UTF-8 that takes surrogates too.
func encodePoints(points []rune) string {
	var b strings.Builder
	for _, r := range points {
		if utf16.IsSurrogate(r) {
			b.Write([]byte{0xED, byte(0x80 + r>>6&0x3F), byte(0x80 + r&0x3F)})
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// joinPairs makes one code point of each high surrogate that a low one follows.
func joinPairs(points []rune) []rune {
	var joined []rune
	for _, r := range points {
		if last := len(joined) - 1; last >= 0 && utf16.DecodeRune(joined[last], r) != utf8.RuneError {
			joined[last] = utf16.DecodeRune(joined[last], r)
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// pythonFloat is repr(v) by the rule of Python's manual: the fewest digits that
// give v back, an exponent below 1e-4 and from 1e16. It shares no path with
// Float, which asks strconv for the fewest digits.
func pythonFloat(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.Signbit(v):
		return "-" + pythonFloat(-v)
	case math.IsInf(v, 1):
		return "inf"
	}
	digits, exponent := fewestDigits(v)
	switch point := exponent + 1; {
	case exponent < -4 || exponent >= 16:
		if len(digits) > 1 {
			digits = digits[:1] + "." + digits[1:]
		}
		return fmt.Sprintf("%se%+03d", digits, exponent)
	case point <= 0:
		return "0." + strings.Repeat("0", -point) + digits
	case point >= len(digits):
		return digits + strings.Repeat("0", point-len(digits)) + ".0"
	default:
		return digits[:point] + "." + digits[point:]
	}
}

// fewestDigits tries one precision after the other. Below a power of two floats
// lie closer, so there the nearest decimal may give a neighbour of v while the
// next larger one gives v.
func fewestDigits(v float64) (digits string, exponent int) {
	for precision := 0; ; precision++ {
		mantissa, power, _ := strings.Cut(strconv.FormatFloat(v, 'e', precision, 64), "e")
		exponent, _ = strconv.Atoi(power)
		nearest, _ := strconv.ParseInt(strings.Replace(mantissa, ".", "", 1), 10, 64)
		for _, candidate := range []int64{nearest, nearest + 1} {
			text := fmt.Sprintf("%de%d", candidate, exponent-precision)
			if back, err := strconv.ParseFloat(text, 64); err == nil && back == v {
				return strconv.FormatInt(candidate, 10), exponent
			}
		}
	}
}

func TestRandomFloats(t *testing.T) {
	random := seeded(t)
	for range 20_000 {
		v := randomFloat(random)
		n := Float(v)
		if n.String() != pythonFloat(v) || n.IsInt() {
			t.Errorf("%x is spelled %s, int %v; want %s", v, n, n.IsInt(), pythonFloat(v))
		}
		if back, err := ParseNumber(n.JSON()); err != nil || back != n {
			t.Errorf("ParseNumber(%s) = %s, error %v", n.JSON(), back, err)
		}
		if math.IsNaN(v) {
			v = math.NaN() // there is only one in JSON
		}
		if got := n.Float64(); math.Float64bits(got) != math.Float64bits(v) {
			t.Errorf("Float(%x).Float64() is %x", v, got)
		}
		exact, finite := n.Rat()
		if finite != n.IsFinite() || finite && exact.Cmp(new(big.Rat).SetFloat64(v)) != 0 {
			t.Errorf("Float(%x).Rat() is %v, %v", v, exact, finite)
		}
		if want := signOf(v); n.Sign() != want {
			t.Errorf("Float(%x).Sign() is %d, want %d", v, n.Sign(), want)
		}
	}
}

func signOf(v float64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// TestRandomFloatSpellings reads other spellings of a float.
func TestRandomFloatSpellings(t *testing.T) {
	random := seeded(t)
	for range 2_000 {
		v := randomFloat(random)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		exponent := strconv.FormatFloat(v, 'E', 17+random.IntN(800), 64)
		for _, literal := range []string{exponent, strings.Replace(exponent, "+", "", 1), strconv.FormatFloat(v, 'f', 1100, 64)} {
			if n, err := ParseNumber(literal); err != nil || n != Float(v) {
				t.Errorf("ParseNumber(%s) = %s, error %v, want %s", literal, n, err, Float(v))
			}
		}
	}
}

func TestRandomInts(t *testing.T) {
	random := seeded(t)
	for i := range 600 {
		literal := randomInt(random, []int{1, 19, 20, 4300}[i%4])
		n, err := ParseNumber(literal)
		if err != nil || n.String() != literal || n.JSON() != literal || !n.IsInt() || !n.IsFinite() {
			t.Fatalf("ParseNumber(%s) = %s, error %v", literal, n, err)
		}
		value, _ := new(big.Int).SetString(literal, 10)
		if BigInt(value) != n || n.Sign() != value.Sign() {
			t.Errorf("BigInt(%s) = %s with sign %d", literal, BigInt(value), n.Sign())
		}
		if exact, ok := n.Rat(); !ok || !exact.IsInt() || exact.Num().Cmp(value) != 0 {
			t.Errorf("%s has the exact value %s", literal, exact)
		}
		small, fits := n.Int64()
		if fits != value.IsInt64() || fits && (small != value.Int64() || Int(small) != n) {
			t.Errorf("%s.Int64() = %d, %v", literal, small, fits)
		}
		if nearest, _ := new(big.Float).SetInt(value).Float64(); n.Float64() != nearest {
			t.Errorf("%s.Float64() = %g, want %g", literal, n.Float64(), nearest)
		}
	}
}

// readPythonLiteral evaluates a string literal of Python.
func readPythonLiteral(literal string) (string, error) {
	if len(literal) < 2 || literal[0] != literal[len(literal)-1] || !strings.Contains(`'"`, literal[:1]) {
		return "", fmt.Errorf("no quotes around %q", literal)
	}
	quote := rune(literal[0])
	body := []rune(literal[1 : len(literal)-1])
	plain := map[rune]rune{'\\': '\\', '\'': '\'', '"': '"', 'n': '\n', 'r': '\r', 't': '\t'}
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}
	var points []rune
	for i := 0; i < len(body); i++ {
		if body[i] == quote {
			return "", fmt.Errorf("%q ends early", literal)
		}
		if body[i] != '\\' {
			points = append(points, body[i])
			continue
		}
		i++
		if i == len(body) {
			return "", fmt.Errorf("%q ends in an escape", literal)
		}
		if r, ok := plain[body[i]]; ok {
			points = append(points, r)
			continue
		}
		n := digits[body[i]]
		if n == 0 || i+n >= len(body) {
			return "", fmt.Errorf("unknown escape in %q", literal)
		}
		r, err := strconv.ParseUint(string(body[i+1:i+1+n]), 16, 21)
		if err != nil {
			return "", err
		}
		points = append(points, rune(r))
		i += n
	}
	return encodePoints(points), nil
}

func TestRandomRepr(t *testing.T) {
	random := seeded(t)
	var unprintable [][2]int64
	for _, pair := range goldenValue(t, "repr_escapes").([]any) {
		first, _ := pair.([]any)[0].(Number).Int64()
		last, _ := pair.([]any)[1].(Number).Int64()
		unprintable = append(unprintable, [2]int64{first, last})
	}
	if len(unprintable) != 701 {
		t.Fatalf("%d ranges, want 701", len(unprintable))
	}
	for range 1_000 {
		s := randomText(random)
		literal := string(AppendRepr(nil, s))
		if back, err := readPythonLiteral(literal); err != nil || back != s {
			t.Errorf("repr of %q is %s, which is %q, error %v", s, literal, back, err)
		}
		if want := strings.Contains(s, "'") && !strings.Contains(s, `"`); (literal[0] == '"') != want {
			t.Errorf("repr of %q is %s: double quotes, want %v", s, literal, want)
		}
		for _, r := range literal {
			for _, pair := range unprintable {
				if int64(r) >= pair[0] && int64(r) <= pair[1] {
					t.Errorf("repr of %q has U+%04X raw", s, r)
				}
			}
		}
	}
}

func TestRandomQuoted(t *testing.T) {
	random := seeded(t)
	for range 5_000 {
		s := randomText(random)
		quoted := AppendQuoted(nil, s)
		if back, err := Decode(quoted); err != nil || back != any(s) {
			t.Errorf("%q is quoted %s, which is %q, error %v", s, quoted, back, err)
		}
		if i := slices.IndexFunc(quoted, func(c byte) bool { return c < ' ' || c > '~' }); i >= 0 {
			t.Errorf("%q is quoted %q with byte %#x", s, quoted, quoted[i])
		}
	}
}

// TestQuotedPair is the one text that doesn't come back: a high and a low
// surrogate that stand apart, as only raw ones in UTF-8 can, are a pair in JSON.
// Python does the same.
func TestQuotedPair(t *testing.T) {
	apart, err := Decode([]byte("\"\xed\xa0\xbd\xed\xb8\x80\""))
	if err != nil || apart != any("\xed\xa0\xbd\xed\xb8\x80") {
		t.Fatalf("surrogates apart are %q, error %v", apart, err)
	}
	if got := string(AppendRepr(nil, apart.(string))); got != `'\ud83d\ude00'` {
		t.Errorf("repr %s", got)
	}
	quoted := AppendQuoted(nil, apart.(string))
	if back, err := Decode(quoted); err != nil || back != any("\U0001F600") {
		t.Errorf("%s is %q, error %v", quoted, back, err)
	}
}

func randomValue(random *rand.Rand, depth int) any {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch random.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return random.IntN(2) == 0
	case 2, 3:
		return randomNumber(random)
	case 4:
		return randomText(random)
	case 5:
		items := []any{}
		for range random.IntN(5) {
			items = append(items, randomValue(random, depth-1))
		}
		return items
	}
	members := map[string]any{}
	for range random.IntN(5) {
		members[randomText(random)] = randomValue(random, depth-1)
	}
	return members
}

func TestRandomValues(t *testing.T) {
	random := seeded(t)
	for range 2_000 {
		v := randomValue(random, 5)
		encoded := AppendCompact(nil, v)
		if back, err := Decode(encoded); err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%#v is encoded %s, which is %#v, error %v", v, encoded, back, err)
		}
		// Blanks, keys in another order and values that are replaced change nothing.
		messy := messyValue(random, v)
		if back, err := Decode(messy); err != nil || !reflect.DeepEqual(withoutExtra(back), v) {
			t.Errorf("%s is %#v, error %v, want %#v", messy, back, err, v)
		}
	}
}

func randomTransaction(random *rand.Rand) Transaction {
	return Transaction{randomText(random), randomText(random), randomText(random), randomNumber(random)}
}

func randomBlock(random *rand.Rand) Block {
	b := Block{
		Index:        int64(random.Uint64()),
		PreviousHash: randomText(random),
		TimeStamp:    Int(random.Int64()),
	}
	for range random.IntN(4) {
		b.Transactions = append(b.Transactions, randomTransaction(random))
	}
	proof, _ := new(big.Int).SetString(strings.TrimPrefix(randomInt(random, 128), "-"), 10)
	b.Proof = BigInt(proof)
	if v := randomFloat(random); !math.IsNaN(v) && !math.IsInf(v, 0) {
		b.TimeStamp = Float(v)
	}
	return b
}

// reencoded is the block in every form, decoded again.
func reencoded(t *testing.T, b Block) map[string]Block {
	t.Helper()
	blocks := map[string]Block{}
	for name, encode := range map[string]func(Block, []byte) []byte{
		"canonical": Block.AppendCanonical,
		"classic":   Block.AppendClassic,
		"compact":   Block.AppendCompact,
		"any": func(b Block, dst []byte) []byte {
			return AppendCompact(dst, b)
		},
	} {
		back, err := DecodeBlock(encode(b, nil))
		if err != nil {
			t.Fatalf("%s form %s: %v", name, encode(b, nil), err)
		}
		blocks[name] = back
	}
	body, err := Decode(b.AppendBroadcast(nil))
	if err != nil {
		t.Fatal(err)
	}
	if blocks["broadcast"], err = BlockOf(body.(map[string]any)["block"]); err != nil {
		t.Fatalf("broadcast form %s: %v", b.AppendBroadcast(nil), err)
	}
	return blocks
}

func TestRandomBlocks(t *testing.T) {
	random := seeded(t)
	for range 500 {
		b := randomBlock(random)
		for form, back := range reencoded(t, b) {
			if !reflect.DeepEqual(back, b) || back.Hash() != b.Hash() {
				t.Errorf("%s form gives %#v, want %#v", form, back, b)
			}
		}
		v, err := Decode(b.AppendClassic(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(b.AppendCompact(nil)), string(AppendCompact(nil, v)); got != want {
			t.Errorf("compact form\n%s\nwith sorted keys it is\n%s", got, want)
		}
		messy := messyValue(random, v)
		if back, err := DecodeBlock(messy); err != nil || !reflect.DeepEqual(back, b) {
			t.Errorf("%s is %#v, error %v, want %#v", messy, back, err, b)
		}
	}
}

func TestRandomTransactions(t *testing.T) {
	random := seeded(t)
	for range 500 {
		want := randomTransaction(random)
		for _, encoded := range [][]byte{
			want.AppendClassic(nil), want.AppendBroadcast(nil), want.AppendCompact(nil),
			AppendCompact(nil, want), messyValue(random, valueOf(t, want)),
		} {
			if got, err := DecodeTransaction(encoded); err != nil || got != want {
				t.Errorf("%s is %#v, error %v, want %#v", encoded, got, err, want)
			}
		}
	}
}

// extra begins the keys that messyValue adds.
const extra = "extra key "

// messyValue is v as JSON with blanks between all tokens and the keys of objects
// in any order. Some keys come twice, of which the last has v's value, and some
// are new.
func messyValue(random *rand.Rand, v any) []byte {
	blank := func() string { return strings.Repeat(" ", random.IntN(2)) + strings.Repeat("\r\n\t", random.IntN(2)) }
	entries, brackets := []string{}, "[]"
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			entries = append(entries, string(messyValue(random, item)))
		}
	case map[string]any:
		entries, brackets = messyMembers(random, v, blank), "{}"
	default:
		return []byte(blank() + string(AppendCompact(nil, v)) + blank())
	}
	inside := strings.Join(entries, blank()+","+blank())
	return []byte(blank() + brackets[:1] + blank() + inside + blank() + brackets[1:] + blank())
}

func messyMembers(random *rand.Rand, members map[string]any, blank func() string) []string {
	entry := func(key, value string) string {
		return string(AppendQuoted(nil, key)) + blank() + ":" + blank() + value
	}
	var replaced, entries []string
	for _, key := range slices.Sorted(maps.Keys(members)) {
		entries = append(entries, entry(key, string(messyValue(random, members[key]))))
		switch random.IntN(4) {
		case 0:
			replaced = append(replaced, entry(key, "null"))
		case 1:
			entries = append(entries, entry(extra+key, `{"index": [1, "proof"]}`))
		}
	}
	random.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	return append(replaced, entries...)
}

// withoutExtra removes the keys that messyValue added.
func withoutExtra(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withoutExtra(v[i])
		}
	case map[string]any:
		maps.DeleteFunc(v, func(key string, _ any) bool { return strings.HasPrefix(key, extra) })
		for key := range v {
			v[key] = withoutExtra(v[key])
		}
	}
	return v
}

// TestShortLiterals reads floats of up to 18 digits, many with zeros, whose spelling may be the
// literal itself.
func TestShortLiterals(t *testing.T) {
	random := seeded(t)
	for range 200_000 {
		digits := []byte(strconv.FormatUint(random.Uint64N(1_000_000_000), 10) + strconv.FormatUint(random.Uint64N(1_000_000_000), 10))
		for range random.IntN(3) {
			digits[random.IntN(len(digits))] = '0'
		}
		point := random.IntN(len(digits) - 1)
		whole := strings.TrimLeft(string(digits[:point]), "0")
		literal := cmp.Or(whole, "0") + "." + string(digits[point:point+1+random.IntN(len(digits)-point)])
		if random.IntN(2) == 0 {
			literal = "-" + literal
		}
		value, err := strconv.ParseFloat(literal, 64)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := ParseNumber(literal); err != nil || n != Float(value) {
			t.Fatalf("ParseNumber(%s) = %s, error %v, want %s", literal, n, err, Float(value))
		}
	}
}
