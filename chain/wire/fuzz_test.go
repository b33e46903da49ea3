package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// generalised are the code points of a text as Python would see it: a lone
// surrogate may stand in its three bytes, and each byte that belongs to no code
// point is U+FFFD.
func generalised(s string) []rune {
	var points []rune
	for i, r := range s {
		switch {
		case r != utf8.RuneError || strings.HasPrefix(s[i:], "\ufffd"):
			points = append(points, r)
		case isEncodedSurrogate(s[i:]):
			points = append(points, 0xD800+rune(s[i+1]-0xA0)*64+rune(s[i+2]-0x80))
		case !isInsideSurrogate(s, i):
			points = append(points, utf8.RuneError)
		}
	}
	return points
}

func isEncodedSurrogate(s string) bool {
	return len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] < 0xC0 && s[2] >= 0x80 && s[2] < 0xC0
}

// isInsideSurrogate tells the second and third byte of a surrogate.
func isInsideSurrogate(s string, i int) bool {
	return i >= 1 && isEncodedSurrogate(s[i-1:]) || i >= 2 && isEncodedSurrogate(s[i-2:])
}

// FuzzParseNumber compares with encoding/json's grammar and the values of
// strconv and math/big.
func FuzzParseNumber(f *testing.F) {
	for _, literal := range []string{"0", "-0", "12", "-0.0", "1e16", "9999999999999998.0", "1e-5", "5e-324", "1e400", "0.1E+2",
		"NaN", "-Infinity", "01", "1.", "-", "+1", "1_0", "0x1p4", strings.Repeat("7", 60)} {
		f.Add(literal)
	}
	f.Fuzz(func(t *testing.T, literal string) {
		n, err := ParseNumber(literal)
		if want := isPythonNumber(literal); (err == nil) != want {
			t.Fatalf("ParseNumber(%q) = %s, error %v; wanted a number: %v", literal, n, err, want)
		}
		if err != nil {
			if !errors.Is(err, ErrNumber) {
				t.Fatalf("error %v, want ErrNumber", err)
			}
			return
		}
		if back, err := ParseNumber(n.JSON()); err != nil || back != n {
			t.Errorf("%s again is %s, error %v", n.JSON(), back, err)
		}
		if isInt := strings.Trim(literal, "-0123456789") == ""; n.IsInt() != isInt {
			t.Errorf("%s: IsInt is %v", literal, n.IsInt())
		} else if value, ok := new(big.Int).SetString(literal, 10); isInt && (!ok || n != BigInt(value)) {
			t.Errorf("%s: %s, want %s", literal, n, value)
		} else if v, _ := strconv.ParseFloat(literal, 64); !isInt && n != Float(v) {
			t.Errorf("%s: %s, want %s", literal, n, Float(v))
		}
		if exact, ok := n.Rat(); ok != n.IsFinite() || ok && exact.Sign() != n.Sign() {
			t.Errorf("%s: Rat is %v, Sign is %d", literal, exact, n.Sign())
		}
	})
}

// isPythonNumber has the grammar of encoding/json and the two differences of
// Python: its constants, and its limit for ints.
func isPythonNumber(literal string) bool {
	if literal == "NaN" || literal == "Infinity" || literal == "-Infinity" {
		return true
	}
	if strings.Trim(literal, "+-.0123456789eE") != "" || !json.Valid([]byte(literal)) {
		return false
	}
	return strings.ContainsAny(literal, ".eE") || len(strings.TrimPrefix(literal, "-")) <= 4300
}

// FuzzQuoted reads back what was quoted, with our decoder and encoding/json's.
func FuzzQuoted(f *testing.F) {
	addTexts(f)
	f.Fuzz(func(t *testing.T, s string) {
		quoted := AppendQuoted(nil, s)
		want := encodePoints(joinPairs(generalised(s)))
		if back, err := Decode(quoted); err != nil || back != any(want) {
			t.Errorf("%q is quoted %s, which is %q, error %v, want %q", s, quoted, back, err, want)
		}
		if i := slices.IndexFunc(quoted, func(c byte) bool { return c < ' ' || c > '~' }); i >= 0 {
			t.Errorf("%q is quoted %q with byte %#x", s, quoted, quoted[i])
		}
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil || ValidText(s) && back != s {
			t.Errorf("%q is quoted %s, which encoding/json reads as %q, error %v", s, quoted, back, err)
		}
	})
}

// FuzzRepr evaluates what repr prints.
func FuzzRepr(f *testing.F) {
	addTexts(f)
	f.Fuzz(func(t *testing.T, s string) {
		literal := string(AppendRepr(nil, s))
		want := encodePoints(generalised(s))
		if back, err := readPythonLiteral(literal); err != nil || back != want {
			t.Errorf("repr of %q is %s, which is %q, error %v, want %q", s, literal, back, err, want)
		}
		if double := strings.Contains(s, "'") && !strings.Contains(s, `"`); (literal[0] == '"') != double {
			t.Errorf("repr of %q is %s: double quotes, want %v", s, literal, double)
		}
		if !utf8.ValidString(literal) || strings.ContainsFunc(literal, func(r rune) bool { return r < ' ' || r == 0x7F }) {
			t.Errorf("repr of %q is %q", s, literal)
		}
	})
}

func addTexts(f *testing.F) {
	for _, s := range []string{"", "abc", `it's "x"`, "it's", `"`, `\`, "\n\r\t\x00\x7f", "é€😀", "\u00a0\u00ad\u2028", "\U0001FAE8\U000E0001",
		"\xed\xa0\x80", "\xed\xa0\xbd\xed\xb8\x80", "\xed\xb8\x80\xed\xa0\xbd", "\xff\xc0\x80\xed\xa0", "\xed\xed\xa0\x80\x80"} {
		f.Add(s)
	}
}

// FuzzDecode encodes and decodes again, and compares with encoding/json.
func FuzzDecode(f *testing.F) {
	seeds := slices.Collect(maps.Keys(acceptedTexts()))
	seeds = slices.AppendSeq(seeds, maps.Keys(refusedTexts()))
	seeds = slices.AppendSeq(seeds, maps.Values(encodings(`[{"é": "😀"}, 1.5]`)))
	slices.Sort(seeds) // so that a seed has the same number in each run
	for _, data := range seeds {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if err != nil && !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrDepth) {
			t.Fatalf("error %v, want ErrSyntax or ErrDepth", err)
		}
		if err == nil {
			encoded := AppendCompact(nil, v)
			if back, err := Decode(encoded); err != nil || !reflect.DeepEqual(back, joinedValue(v)) {
				t.Errorf("%#v is encoded %s, which is %#v, error %v", v, encoded, back, err)
			}
		}
		compareWithEncodingJSON(t, data, v, err)
	})
}

// joinedValue is v with what Python's json makes of surrogates that stand apart;
// see TestQuotedPair. Of keys that become equal the last in order wins.
func joinedValue(v any) any {
	switch v := v.(type) {
	case string:
		return encodePoints(joinPairs(generalised(v)))
	case []any:
		items := []any{}
		for _, item := range v {
			items = append(items, joinedValue(item))
		}
		return items
	case map[string]any:
		members := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			members[joinedValue(key).(string)] = joinedValue(v[key])
		}
		return members
	}
	return v
}

// compareWithEncodingJSON expects of Decode the same answer where the two mean
// to agree: UTF-8 without a byte order mark, NaN and the infinities, not too deep,
// and without ints that are too long.
func compareWithEncodingJSON(t *testing.T, data []byte, v any, err error) {
	t.Helper()
	constant := bytes.Contains(data, []byte("NaN")) || bytes.Contains(data, []byte("Infinity"))
	if !utf8.Valid(data) || bytes.HasPrefix(data, []byte("\ufeff")) || bytes.ContainsRune(data, 0) || constant ||
		errors.Is(err, ErrDepth) || errors.Is(err, ErrNumber) && strings.Contains(err.Error(), "4300 digits") {
		return
	}
	if valid := json.Valid(data); valid != (err == nil) {
		t.Fatalf("%q: error %v; encoding/json takes it: %v", data, err, valid)
	}
	if err != nil || hasSurrogate(v) {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var other any
	if err := decoder.Decode(&other); err != nil {
		t.Fatal(err)
	}
	if got := withNumbers(other); !reflect.DeepEqual(got, v) {
		t.Errorf("%q is %#v, encoding/json's is %#v", data, v, got)
	}
}

// hasSurrogate reports whether a text in v has a lone surrogate, for which
// encoding/json has no form.
func hasSurrogate(v any) bool {
	switch v := v.(type) {
	case string:
		return !utf8.ValidString(v)
	case []any:
		return slices.ContainsFunc(v, hasSurrogate)
	case map[string]any:
		for key, value := range v {
			if hasSurrogate(key) || hasSurrogate(value) {
				return true
			}
		}
	}
	return false
}

// withNumbers replaces the numbers of encoding/json by ours.
func withNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if value, ok := new(big.Int).SetString(v.String(), 10); ok {
			return BigInt(value)
		}
		value, _ := v.Float64()
		return Float(value)
	case []any:
		for i := range v {
			v[i] = withNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = withNumbers(v[key])
		}
	}
	return v
}

// FuzzDecodeBlock wants the same hash from every form of a block.
func FuzzDecodeBlock(f *testing.F) {
	addBlocks(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBlock(data)
		if err != nil {
			assertDecodeError(t, err)
			return
		}
		for form, back := range reencoded(t, b) {
			if back.Hash() != b.Hash() {
				t.Errorf("%s form of %#v has another hash", form, b)
			}
		}
		if !b.Proof.IsInt() || b.Proof.Sign() < 0 || len(b.Proof.String()) > 128 || !b.TimeStamp.IsFinite() {
			t.Errorf("proof %s, time stamp %s", b.Proof, b.TimeStamp)
		}
	})
}

// FuzzDecodersAgree compares what is read straight from the text with the field
// rules as they were written for decoded values: the same texts are taken, with
// the same values, and refused, with the same words.
func FuzzDecodersAgree(f *testing.F) {
	addBlocks(f)
	for _, text := range decoderTexts() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { assertDecodersAgree(t, data) })
}

func assertDecodersAgree(t *testing.T, data []byte) {
	t.Helper()
	v, decodeErr := Decode(data)
	for name, got := range map[string]func() (any, error){
		"DecodeBlock":       func() (any, error) { return DecodeBlock(data) },
		"DecodeTransaction": func() (any, error) { return DecodeTransaction(data) },
		"BlockOf":           func() (any, error) { return BlockOf(v) },
		"TransactionOf":     func() (any, error) { return TransactionOf(v) },
	} {
		got, err := got()
		want, wantErr := any(Block{}), decodeErr
		if strings.Contains(name, "Transaction") {
			want = Transaction{}
			if wantErr == nil {
				want, wantErr = referenceTransaction(v)
			}
		} else if wantErr == nil {
			want, wantErr = referenceBlock(v)
		}
		if decodeErr != nil && strings.HasSuffix(name, "Of") {
			continue
		}
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s(%q) = %#v, error %v\nwant %#v, error %v", name, data, got, err, want, wantErr)
		}
		for _, kind := range []error{ErrSyntax, ErrDepth, ErrNumber} {
			if errors.Is(err, kind) != errors.Is(wantErr, kind) {
				t.Errorf("%s(%q): error %v is %v: %v", name, data, err, kind, errors.Is(err, kind))
			}
		}
		if fieldError := new(*FieldError); errors.As(err, fieldError) != errors.As(wantErr, fieldError) {
			t.Errorf("%s(%q): error %#v, want %#v", name, data, err, wantErr)
		}
	}
}

// decoderTexts are texts at the borders of what a block is.
func decoderTexts() []string {
	whole := string(blockJSON(nil))
	texts := []string{"", " ", "null", "true", "falsee", "[]", "{}", "5", `"x"`, "[{}]", whole, whole + " ", whole + "x", whole[:len(whole)-1],
		whole[:len(whole)-1] + ",}", whole[:len(whole)-1] + `, "x": [1, {"y": tru}]}`,
		whole[:len(whole)-1] + `, "x": [1, {"y": [true, false, null, "\ud83d", -1e5, {}, []]}]}`,
		whole[:len(whole)-1] + `, "transactions": [1, {}], "transactions": []}`,
		whole[:len(whole)-1] + `, "transactions": [], "transactions": [{"sender": 1}, 5]}`,
		whole[:len(whole)-1] + `, "transactions": [[]], "index": null, "index": "x", "index": 4.5}`,
		whole[:len(whole)-1] + `, "tr\u0061nsactions": 7, "\u0069ndex": 8}`,
		strings.Replace(whole, `"sender"`, `"s\u0065nder"`, 1), strings.Replace(whole, `"s"`, `"\ud83d\ude00\n"`, 1),
		strings.Replace(whole, `"s"`, "\"\xed\xa0\xbd\"", 1), strings.Replace(whole, `"s"`, "\"\xff\"", 1), strings.Replace(whole, `"s"`, "\"\t\"", 1),
		strings.Replace(whole, `"s"`, `"\q"`, 1), strings.Replace(whole, `"s"`, `"'"`, 1), strings.Replace(whole, `"s"`, `'s'`, 1),
		"\ufeff" + whole,
	}
	for _, depth := range []int{MaxDepth - 3, MaxDepth - 2, MaxDepth - 1, MaxDepth, MaxDepth + 1} {
		nested := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		for _, field := range []string{"index", "transactions", "transactions[1]", "transactions[1].amount"} {
			texts = append(texts, string(blockJSON(map[string]string{field: nested})))
		}
		texts = append(texts, nested, strings.Replace(whole, `"index"`, `"x": `+nested+`, "index"`, 1))
	}
	for _, text := range encodings(whole) {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// TestDecodersAgree also cuts a block at each place, and replaces each byte.
func TestDecodersAgree(t *testing.T) {
	for _, text := range decoderTexts() {
		assertDecodersAgree(t, []byte(text))
	}
	whole := blockJSON(nil)
	for n := range len(whole) {
		assertDecodersAgree(t, whole[:n])
		for _, c := range []byte("\x00 \"\\{}[]:,0-.eNtx\xff") {
			changed := slices.Clone(whole)
			changed[n] = c
			assertDecodersAgree(t, changed)
		}
	}
}

// addBlocks adds random blocks, always the same, and some that are wrong.
func addBlocks(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		b := randomBlock(random)
		f.Add(b.AppendClassic(nil))
		f.Add(messyValue(random, map[string]any{"index": Int(b.Index), "previous_hash": b.PreviousHash,
			"proof": b.Proof, "time_stamp": b.TimeStamp, "transactions": []any{}}))
	}
	for _, literal := range []string{"-", "-1", "1.0", "NaN", "1e400", `"\ud800"`, "\"\xed\xa0\xbd\xed\xb8\x80\"", "[]", "[{}]", "null"} {
		for _, field := range []string{"index", "previous_hash", "proof", "time_stamp", "transactions", "transactions[1].recipient", "transactions[2].amount"} {
			f.Add(blockJSON(map[string]string{field: literal}))
		}
	}
}

func assertDecodeError(t *testing.T, err error) {
	t.Helper()
	var fieldError *FieldError
	if !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrDepth) && !errors.As(err, &fieldError) {
		t.Errorf("error %v, want ErrSyntax, ErrDepth or a FieldError", err)
	}
}

// FuzzDecodeTransaction wants the same from every form of a transaction.
func FuzzDecodeTransaction(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		f.Add(randomTransaction(random).AppendClassic(nil))
	}
	f.Add([]byte(`{"sender":"s","recipient":"r","signature":null,"amount":1}`))
	f.Add([]byte("{\"sender\":\"\xed\xa0\xbd\xed\xb8\x80\",\"recipient\":\"\\ud800\",\"signature\":\"\",\"amount\":NaN,\"Amount\":1}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		transaction, err := DecodeTransaction(data)
		if err != nil {
			assertDecodeError(t, err)
			return
		}
		want := Transaction{joinedValue(transaction.Sender).(string), joinedValue(transaction.Recipient).(string),
			joinedValue(transaction.Signature).(string), transaction.Amount}
		for _, encoded := range [][]byte{
			transaction.AppendClassic(nil), transaction.AppendBroadcast(nil), transaction.AppendCompact(nil),
		} {
			if got, err := DecodeTransaction(encoded); err != nil || got != want {
				t.Errorf("%s is %#v, error %v, want %#v", encoded, got, err, want)
			}
		}
	})
}

// FuzzBlockReader compares with decoding the array at once. Either one takes what
// the other takes, but the reader only UTF-8 without a byte order mark, while
// its blocks may be one level deeper, as the array doesn't count.
func FuzzBlockReader(f *testing.F) {
	one, two := blockJSON(nil), blockJSON(map[string]string{"index": "6", "transactions": "[]"})
	for _, array := range []string{"[]", "[%1]", " [ %1 , %2 ] ", "[%1,]", "[%1%2]", "[%1,%2", "[%1]]", "[[%1]]", "[null]", "[{}]", "%1", "\ufeff[%1]"} {
		f.Add([]byte(strings.NewReplacer("%1", string(one), "%2", string(two)).Replace(array)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		blocks, err := readAll(bytes.NewReader(data), len(data))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			assertDecodeError(t, err)
		}
		whole, wholeError := decodeArray(data)
		if err == nil && wholeError != nil && !errors.Is(wholeError, ErrDepth) {
			t.Errorf("%q: %d blocks; at once: %v", data, len(blocks), wholeError)
		}
		foreign := !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("[")) || bytes.ContainsRune(data, 0)
		if err != nil && wholeError == nil && !foreign {
			t.Errorf("%q: error %v; at once: %d blocks", data, err, len(whole))
		}
		if err == nil && wholeError == nil && !reflect.DeepEqual(blocks, whole) {
			t.Errorf("%q: %#v; at once: %#v", data, blocks, whole)
		}
	})
}

// decodeArray is an array of blocks, decoded at once.
func decodeArray(data []byte) ([]Block, error) {
	v, err := Decode(data)
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, errors.New("no array")
	}
	var blocks []Block
	for _, item := range items {
		b, err := BlockOf(item)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// FuzzFloat spells any float: as an independent layout of the fewest digits, and
// so that both readers give the same bits back.
func FuzzFloat(f *testing.F) {
	for _, v := range []float64{0, math.Copysign(0, -1), 0.1, 1e16, 9999999999999998, 1e-4, 9.999e-5, 5e-324, math.MaxFloat64, 1 << 53} {
		f.Add(math.Float64bits(v))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		v := math.Float64frombits(bits)
		n := Float(v)
		if n.IsInt() || n.IsFinite() != (!math.IsNaN(v) && !math.IsInf(v, 0)) {
			t.Errorf("%s: IsInt %v, IsFinite %v", n, n.IsInt(), n.IsFinite())
		}
		if !n.IsFinite() {
			return
		}
		if want := pythonFloat(v); n.String() != want || n.JSON() != want {
			t.Errorf("%x is %s, in JSON %s, want %s", bits, n, n.JSON(), want)
		}
		back, err := ParseNumber(n.JSON())
		if err != nil || back != n || math.Float64bits(back.Float64()) != bits {
			t.Errorf("%s is read back as %s, error %v", n, back, err)
		}
		exact, ok := n.Rat()
		if nearest, isExact := exact.Float64(); !ok || !isExact || nearest != v || n.Sign() != signOf(v) {
			t.Errorf("%s: Rat %v, Sign %d", n, exact, n.Sign())
		}
	})
}

// FuzzEncodings writes a text in each encoding that json.loads finds out: all of
// them decode to the same as UTF-8, or are all refused.
func FuzzEncodings(f *testing.F) {
	for _, text := range []string{"7", "12", `""`, `{"a": [1, -2.5e+7, null], "\ud83d\ude00é😀": "x"}`, `["\ud800"]`, "[1", "nul", "{}\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// Without a mark the encoding is told from the zeros of two ASCII characters.
		if !utf8.ValidString(text) || len(text) < 2 || text[0]-1 >= 0x7F || text[1]-1 >= 0x7F {
			return
		}
		want, wantErr := Decode([]byte(text))
		for name, data := range encodings(text) {
			got, err := Decode([]byte(data))
			if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(got, want) {
				t.Errorf("%q in %s is %#v, error %v; in UTF-8 %#v, error %v", text, name, got, err, want, wantErr)
			}
			for _, kind := range []error{ErrSyntax, ErrNumber, ErrDepth} {
				if errors.Is(err, kind) != errors.Is(wantErr, kind) {
					t.Errorf("%q in %s: error %v; in UTF-8: %v", text, name, err, wantErr)
				}
			}
		}
	})
}

// pieces gives a text in pieces whose lengths are the bytes of cuts, in turn.
type pieces struct {
	text, cuts []byte
	next       int
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	size := len(p.text)
	if len(p.cuts) > 0 {
		size = 1 + int(p.cuts[p.next%len(p.cuts)])
		p.next++
	}
	n := copy(to[:min(size, len(to))], p.text)
	p.text = p.text[n:]
	return n, nil
}

// FuzzBlockStream reads an array of blocks in pieces and with a bound: pieces change
// nothing, a bound refuses what is longer and nothing else, and what comes
// before an error is the same as without it.
func FuzzBlockStream(f *testing.F) {
	one, two := blockJSON(nil), blockJSON(map[string]string{"index": "6", "transactions": "[]"})
	array := slices.Concat([]byte(" ["), one, []byte(" ,\n"), two, []byte("] "))
	for _, bound := range []uint16{1, 60, uint16(len(two)), uint16(len(one)) - 1, uint16(len(one)), 60000} {
		f.Add(array, []byte{}, bound)
		f.Add(array, []byte{0, 1, 255}, bound)
		f.Add(array[:len(array)/2], []byte{7}, bound)
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte, bound uint16) {
		whole, wholeErr := readAll(bytes.NewReader(data), len(data)+1)
		if got, err := readAll(&pieces{text: data, cuts: cuts}, len(data)+1); !reflect.DeepEqual(got, whole) || !sameError(err, wholeErr) {
			t.Errorf("in pieces %d blocks, error %v; whole %d, error %v", len(got), err, len(whole), wholeErr)
		}
		got, err := readAll(&pieces{text: data, cuts: cuts}, int(bound))
		if len(got) > len(whole) || len(got) > 0 && !reflect.DeepEqual(got, whole[:len(got)]) {
			t.Errorf("bound %d: %d blocks that are not those without a bound", bound, len(got))
		}
		if !errors.Is(err, ErrBlockSize) && (len(got) != len(whole) || !sameError(err, wholeErr)) {
			t.Errorf("bound %d: %d blocks, error %v; without a bound %d, error %v", bound, len(got), err, len(whole), wholeErr)
		}
		if errors.Is(err, ErrBlockSize) && len(data) <= int(bound) {
			t.Errorf("bound %d: error %v of %d bytes", bound, err, len(data))
		}
	})
}

// sameError compares what errors say.
func sameError(a, b error) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error())
}
