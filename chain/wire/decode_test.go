package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// inUTF16 and inUTF32 encode a text without a byte order mark.
func inUTF16(order binary.AppendByteOrder, s string) string {
	var data []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		data = order.AppendUint16(data, unit)
	}
	return string(data)
}

func inUTF32(order binary.AppendByteOrder, s string) string {
	var data []byte
	for _, r := range s {
		data = order.AppendUint32(data, uint32(r))
	}
	return string(data)
}

// encodings are all that json.loads finds out by itself.
func encodings(s string) map[string]string {
	little, big := binary.LittleEndian, binary.BigEndian
	return map[string]string{
		"UTF-8":                s,
		"UTF-8 with a mark":    "\xef\xbb\xbf" + s,
		"UTF-16LE":             inUTF16(little, s),
		"UTF-16BE":             inUTF16(big, s),
		"UTF-32LE":             inUTF32(little, s),
		"UTF-32BE":             inUTF32(big, s),
		"UTF-16LE with a mark": inUTF16(little, "\ufeff"+s),
		"UTF-16BE with a mark": inUTF16(big, "\ufeff"+s),
		"UTF-32LE with a mark": inUTF32(little, "\ufeff"+s),
		"UTF-32BE with a mark": inUTF32(big, "\ufeff"+s),
	}
}

func TestDecodeEncodings(t *testing.T) {
	for s, want := range map[string]any{
		"7":                   Int(7),
		"12":                  Int(12),
		`""`:                  "",
		`"é\u20ac😀\ud800"`:    "é€😀\xed\xa0\x80",
		` {"ключ": [1.0, 1]}`: map[string]any{"ключ": []any{Float(1), Int(1)}},
	} {
		for name, data := range encodings(s) {
			if v, err := Decode([]byte(data)); err != nil || !reflect.DeepEqual(v, want) {
				t.Errorf("%s in %s is %#v, error %v, want %#v", s, name, v, err, want)
			}
		}
	}
}

// acceptedTexts are texts that json.loads takes, with what it makes of them.
func acceptedTexts() map[string]any {
	ones := strings.Repeat("1", 4300)
	return map[string]any{
		"null": nil, "true": true, "false": false, " \t\r\n7 \t\r\n": Int(7),
		"0": Number{}, "-0": Int(0), "-12": Int(-12), "1.0": Float(1), "1e0": Float(1), "1E+2": Float(100),
		"-0.0": Number{"-0.0"}, "1.5e-7": Number{"1.5e-07"}, "1e16": Number{"1e+16"},
		"NaN": Number{"nan"}, "Infinity": Number{"inf"}, "-Infinity": Number{"-inf"},
		"1e400": Number{"inf"}, "-1e400": Number{"-inf"}, "1e-400": Float(0), "0e999999999999999999999": Float(0),
		ones: Number{ones}, "-" + ones: Number{"-" + ones}, ones + "1.0": Number{"inf"},
		`""`: "", `"'"`: "'", "\"\x7f\"": "\x7f", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t",
		`"\u0000\u00e9\u20AC"`: "\x00é€", `"\ud83d\ude00"`: "😀", `"\uD83D\uDE00"`: "😀",
		`"\ud800"`: "\xed\xa0\x80", `"\udfffx"`: "\xed\xbf\xbfx", `"\ude00\ud83d"`: "\xed\xb8\x80\xed\xa0\xbd",
		`"\ud800\ud83d\ude00"`: "\xed\xa0\x80😀", `"\ud800\u0041"`: "\xed\xa0\x80A", `"\ud83d\nde00"`: "\xed\xa0\xbd\nde00",
		"\"\ufffd\xed\xa0\x80\"": "\ufffd\xed\xa0\x80", "\"\xed\xa0\xbd\\ude00\"": "\xed\xa0\xbd\xed\xb8\x80",
		"\"\u00a0\u2028\ufeff\"": "\u00a0\u2028\ufeff",
		"[]":                     []any{}, " [ ] ": []any{}, "[1,[2],{}]": []any{Int(1), []any{Int(2)}, map[string]any{}},
		"{}": map[string]any{}, " { } ": map[string]any{}, `{"":null}`: map[string]any{"": nil},
		`{"a" : 1 , "A":2}`: map[string]any{"a": Int(1), "A": Int(2)},
		`{"a":1,"a":[2]}`:   map[string]any{"a": []any{Int(2)}}, `{"a":{"b":1},"a":{"c":2}}`: map[string]any{"a": map[string]any{"c": Int(2)}},
		`{"a":1,"\u0061":2}`: map[string]any{"a": Int(2)},
	}
}

func TestDecodeAccepts(t *testing.T) {
	for data, want := range acceptedTexts() {
		if v, err := Decode([]byte(data)); err != nil || !reflect.DeepEqual(v, want) {
			t.Errorf("%.80q is %#v, error %v, want %#v", data, v, err, want)
		}
	}
}

// refusedTexts are texts that json.loads refuses, with the end of our message.
func refusedTexts() map[string]string {
	refused := map[string]string{
		"": "at byte 0", " ": "at byte 1", "tru": "at byte 0", "nulL": "at byte 0", "True": "at byte 0", "nan": "at byte 0",
		"'a'": "at byte 0", "a": "at byte 0", "\x00": "at byte 0", "\x0b1": "at byte 0", "\u00a01": "at byte 0", "/**/1": "at byte 0",
		"1 2": "at byte 2", "{}x": "at byte 2", "[]]": "at byte 2", "null,": "at byte 4", "1\x00\x00": "at byte 1", "NaN1": "at byte 3",
		"[": "at byte 1", "[1": "at byte 2", "[1,": "at byte 3", "[1,]": "at byte 3", "[,1]": "at byte 1", "[1 2]": "at byte 3", "[1}": "at byte 2",
		"{": "at byte 1", `{"a"`: "at byte 4", `{"a":`: "at byte 5", `{"a":1`: "at byte 6", `{"a":1,}`: "at byte 7", `{,}`: "at byte 1",
		`{a:1}`: "at byte 1", `{'a':1}`: "at byte 1", `{1:1}`: "at byte 1", `{"a" 1}`: "at byte 5", `{"a":1 "b":2}`: "at byte 7", `{"a":1]`: "at byte 6",
		`"`: "at byte 1", `"a`: "at byte 2", `"a\`: "at byte 3", `"\x"`: "at byte 2", `"\'"`: "at byte 2", `"\U0001F600"`: "at byte 2",
		`"\u"`: "at byte 3", `"\u12"`: "at byte 3", `"\u12g4"`: "at byte 3", `"\u+123"`: "at byte 3", `"\u 123"`: "at byte 3", `"\u1_23"`: "at byte 3",
		`"\ud800\u12"`: "at byte 9", `"\ud800\`: "at byte 8",
		"\"\x00\"": "at byte 1", "\"a\nb\"": "at byte 2", "\"\t\"": "at byte 1", "\"\x1f\"": "at byte 1",
		"\xff": "at byte 0", "\"\x80\"": "at byte 1", "\"\xc0\x80\"": "at byte 1", "\"é\xe9\"": "at byte 3", "\"\xed\xa0\"": "at byte 1",
		"\"\xe0\x80\xaf\"": "at byte 1", "\"\xf4\x90\x80\x80\"": "at byte 1", "\"\xf0\x9f\x98": "at byte 1",
		"\xef\xbb\xbf": "at byte 0", "\ufeff\ufeff1": "at byte 0", "\xef\xbb": "at byte 0",
		"\xff\xfe": "at byte 0", "\xff\xfe1": "odd number of bytes", "\xfe\xff\x001\x00": "odd number of bytes",
		"\xff\xfe\x00\x001\x00\x00": "no multiple of 4", "\x00\x00\xfe\xff\x00\x11\x00\x00": "no code point at byte 0",
	}
	for literal, position := range refusedNumbers() {
		refused[literal] = position
	}
	return refused
}

// refusedNumbers are refused as numbers, the others of refusedTexts are not.
func refusedNumbers() map[string]string {
	return map[string]string{
		"-": "at byte 0", " -": "at byte 1", "--1": "at byte 0", "01": "at byte 0", "-01": "at byte 0", "1.": "at byte 0", "-.5": "at byte 0",
		"1e": "at byte 0", "1e+": "at byte 0", "1.e5": "at byte 0", "1e5.0": "at byte 0", "1-1": "at byte 0", "[1,2.]": "at byte 3",
		"Nan": "at byte 0", "Inf": "at byte 0", "-NaN": "at byte 0", "-Inf": "at byte 0", "N": "at byte 0",
		strings.Repeat("1", 4301): "at byte 0", "[-" + strings.Repeat("1", 4301) + "]": "at byte 1",
	}
}

func TestDecodeRefuses(t *testing.T) {
	numbers := refusedNumbers()
	for data, position := range refusedTexts() {
		v, err := Decode([]byte(data))
		if !errors.Is(err, ErrSyntax) || !strings.HasSuffix(err.Error(), position) {
			t.Errorf("%.80q is %#v, error %v, want ErrSyntax %s", data, v, err, position)
		}
		if _, want := numbers[data]; errors.Is(err, ErrNumber) != want {
			t.Errorf("%.80q: error %v, want ErrNumber %v", data, err, want)
		}
	}
}

func TestParseNumberRefuses(t *testing.T) {
	literals := []string{"", " ", "-", "+1", "- 1", " 1", "1 ", "1\n", "00", "-00", "01", ".5", "1.", "1.e1", "1e", "1e-", "1e1.5", "1.2.3",
		"0x10", "1_000", "1,0", "1f", "1.5f", "nan", "inf", "-inf", "+Infinity", "-NaN", "infinity", "NaN ", "١", "1\x00", strings.Repeat("9", 4301)}
	for _, literal := range literals {
		if n, err := ParseNumber(literal); !errors.Is(err, ErrNumber) || len(err.Error()) > 100 {
			t.Errorf("ParseNumber(%.80q) = %.80s, error %v, want a short ErrNumber", literal, n, err)
		}
	}
}

func TestDecodeDepth(t *testing.T) {
	nest := func(open, inside, end string, depth int) string {
		return strings.Repeat(open, depth) + inside + strings.Repeat(end, depth)
	}
	for name, text := range map[string]func(depth int) string{
		"empty arrays":       func(depth int) string { return nest("[", "", "]", depth) },
		"arrays of a number": func(depth int) string { return nest("[", "1", "]", depth) },
		"empty objects":      func(depth int) string { return nest(`{"a":`, "{}", "}", depth-1) },
		"objects of a text":  func(depth int) string { return nest(`{"a":`, `"b"`, "}", depth) },
		"both in turn": func(depth int) string {
			return nest(`[{"a":`, nest("[", "1", "]", depth%2), "}]", depth/2)
		},
	} {
		if _, err := Decode([]byte(text(900))); err != nil {
			t.Errorf("%s 900 deep: %v", name, err)
		}
		for _, depth := range []int{901, 100_000} {
			if _, err := Decode([]byte(text(depth))); !errors.Is(err, ErrDepth) {
				t.Errorf("%s %d deep: error %v, want ErrDepth", name, depth, err)
			}
		}
	}
}

// TestDecodePrefixes cuts a text short at every byte, in every encoding.
func TestDecodePrefixes(t *testing.T) {
	const whole = `{"a": [1, -2.5e+7, true, false, null, NaN, -Infinity], "\ud83d\ude00é😀\n": {"": "x"}, "b": [{}, []]}`
	for name, data := range encodings(whole) {
		if _, err := Decode([]byte(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for n := range len(data) {
			if v, err := Decode([]byte(data[:n])); !errors.Is(err, ErrSyntax) {
				t.Errorf("%s, the first %d bytes: %#v, error %v, want ErrSyntax", name, n, v, err)
			}
		}
	}
}

func TestTruthy(t *testing.T) {
	truths := map[string]bool{
		"null": false, "false": false, "true": true, "0": false, "-0.0": false, "0e5": false, "1": true, "-1": true, "1e-300": true,
		"NaN": true, "Infinity": true, "-Infinity": true, `""`: false, `"0"`: true, "[]": false, "[0]": true, "{}": false, `{"":0}`: true,
	}
	for data, want := range truths {
		if v, err := Decode([]byte(data)); err != nil || Truthy(v) != want {
			t.Errorf("Truthy(%s) is %v, error %v, want %v", data, !want, err, want)
		}
	}
}

func TestAppendCompact(t *testing.T) {
	transaction := Transaction{"s", "é", "", Float(1)}
	const spelled = `{"amount":1.0,"recipient":"\u00e9","sender":"s","signature":""}`
	b := Block{Index: 3, PreviousHash: "ab", Transactions: []Transaction{transaction}, Proof: Int(7), TimeStamp: Float(0.5)}
	const spelledBlock = `{"index":3,"previous_hash":"ab","proof":7,"time_stamp":0.5,"transactions":[` + spelled + `]}`
	for want, v := range map[string]any{
		"-3": -3, "-9223372036854775808": int64(-1 << 63), "18446744073709551615": ^uint64(0), "1e+16": 1e16, "-Infinity": Float(math.Inf(-1)),
		spelled: transaction, "[" + spelled + "]": []Transaction{transaction}, spelledBlock: b, "[" + spelledBlock + "]": []Block{b},
		`["b","\"",""]`: []string{"b", `"`, ""}, `[null,true,false]`: []any{nil, true, false},
		`{"A":1,"a":{},"\u00e9":2,"\ud83d\ude00":[]}`: map[string]any{"é": 2, "a": map[string]any{}, "😀": []any{}, "A": 1},
	} {
		if got := string(AppendCompact([]byte("x"), v)); got != "x"+want {
			t.Errorf("%#v is\n%s\nwant\nx%s", v, got, want)
		}
	}
}

// blockJSON is a block of three payments and a reward in JSON. Changes replace
// the literals of fields, a payment's by "transactions[2].amount"; "-" leaves the
// field out.
func blockJSON(changes map[string]string) []byte {
	fields := map[string]string{"index": "5", "previous_hash": `"ab"`, "proof": "7", "time_stamp": "0.5"}
	var list []string
	for i := range 4 {
		name := fmt.Sprintf("transactions[%d]", i)
		one := map[string]string{"sender": `"s"`, "recipient": `"r"`, "signature": `""`, "amount": "1"}
		list = append(list, changed(name, objectJSON(one, name+".", changes), changes))
	}
	fields["transactions"] = "[" + strings.Join(list, ", ") + "]"
	return []byte(objectJSON(fields, "", changes))
}

func changed(name, literal string, changes map[string]string) string {
	if change, ok := changes[name]; ok {
		return change
	}
	return literal
}

func objectJSON(fields map[string]string, prefix string, changes map[string]string) string {
	var members []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if literal := changed(prefix+key, fields[key], changes); literal != "-" {
			members = append(members, fmt.Sprintf("%q: %s", key, literal))
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

func TestFieldErrors(t *testing.T) {
	tests := []struct{ field, literal, problem string }{
		{"index", "-", "missing"},
		{"index", `"5"`, "must be a number, is a string"},
		{"index", "true", "must be a number, is true or false"},
		{"index", "5.0", "must be a whole number of 64 bits, is 5.0"},
		{"index", "9223372036854775808", "must be a whole number of 64 bits, is 9223372036854775808"},
		{"previous_hash", "-", "missing"},
		{"previous_hash", "null", "must be a string, is null"},
		{"previous_hash", "12", "must be a string, is a number"},
		{"proof", "-", "missing"},
		{"proof", `"7"`, "must be a number, is a string"},
		{"proof", "-1", "must be a whole number that is not negative, is -1"},
		{"proof", "7.0", "must be a whole number that is not negative, is 7.0"},
		{"proof", "NaN", "must be a whole number that is not negative, is nan"},
		{"proof", "1" + strings.Repeat("0", 128), "must have at most 128 digits, has 129"},
		{"proof", "-" + strings.Repeat("1", 50), "must be a whole number that is not negative, is -" + strings.Repeat("1", 39) + "..."},
		{"time_stamp", "-", "missing"},
		{"time_stamp", "null", "must be a number, is null"},
		{"time_stamp", "NaN", "must be finite, is nan"},
		{"time_stamp", "-1e400", "must be finite, is -inf"},
		{"transactions", "-", "missing"},
		{"transactions", "{}", "must be an array, is an object"},
		{"transactions", "null", "must be an array, is null"},
		{"transactions[3]", "[]", "must be an object, is an array"},
		{"transactions[0].sender", "-", "missing"},
		{"transactions[1].recipient", "5", "must be a string, is a number"},
		{"transactions[1].signature", "false", "must be a string, is true or false"},
		{"transactions[2].amount", "-", "missing"},
		{"transactions[2].amount", `"1"`, "must be a number, is a string"},
		{"transactions[2].amount", "[1]", "must be a number, is an array"},
	}
	for _, test := range tests {
		_, err := DecodeBlock(blockJSON(map[string]string{test.field: test.literal}))
		assertFieldError(t, err, test.field, test.problem)
	}
	_, err := DecodeBlock([]byte("[]"))
	assertFieldError(t, err, "block", "must be an object, is an array")
	_, err = DecodeTransaction([]byte("5"))
	assertFieldError(t, err, "transaction", "must be an object, is a number")
	_, err = DecodeTransaction([]byte(`{"sender":"s","recipient":"r","signature":""}`))
	assertFieldError(t, err, "amount", "missing")
}

func assertFieldError(t *testing.T, err error, field, problem string) {
	t.Helper()
	var got *FieldError
	if !errors.As(err, &got) || *got != (FieldError{field, problem}) {
		t.Errorf("error %v, want that of field %s: %s", err, field, problem)
	}
}

// TestFirstFieldError has several wrong fields: the first in the order of the
// block's fields is named, as those after it may follow from it.
func TestFirstFieldError(t *testing.T) {
	changes := map[string]string{"time_stamp": "NaN", "transactions[2].amount": "null", "transactions[2].sender": "1", "transactions[3]": "0", "proof": "-1"}
	_, err := DecodeBlock(blockJSON(changes))
	assertFieldError(t, err, "transactions[2].sender", "must be a string, is a number")
}

func TestFieldLimits(t *testing.T) {
	nines := strings.Repeat("9", 128)
	tests := []struct {
		field, literal string
		got            func(Block) any
		want           any
	}{
		{"proof", nines, func(b Block) any { return b.Proof.String() }, nines},
		{"proof", "0", func(b Block) any { return b.Proof }, Int(0)},
		{"proof", "-0", func(b Block) any { return b.Proof }, Int(0)},
		{"index", "9223372036854775807", func(b Block) any { return b.Index }, int64(9223372036854775807)},
		{"index", "-9223372036854775808", func(b Block) any { return b.Index }, int64(-9223372036854775808)},
		{"time_stamp", "-0.0", func(b Block) any { return b.TimeStamp.String() }, "-0.0"},
		{"time_stamp", nines + nines, func(b Block) any { return b.TimeStamp.String() }, nines + nines},
		{"transactions", "[]", func(b Block) any { return len(b.Transactions) }, 0},
		{"transactions[0].amount", "Infinity", func(b Block) any { return b.Transactions[0].Amount.String() }, "inf"},
		{"transactions[0].amount", "-1.0", func(b Block) any { return b.Transactions[0].Amount }, Float(-1)},
	}
	for _, test := range tests {
		b, err := DecodeBlock(blockJSON(map[string]string{test.field: test.literal}))
		if err != nil || test.got(b) != test.want {
			t.Errorf("%s %s is %v, error %v, want %v", test.field, test.literal, test.got(b), err, test.want)
		}
	}
}

// TestFieldCase renames each field to what encoding/json would take for it, in
// capitals or with the long s and the Kelvin sign that fold to letters.
func TestFieldCase(t *testing.T) {
	foreign := strings.NewReplacer("s", "\u017f", "k", "\u212a")
	whole := string(blockJSON(nil))
	for field, path := range map[string]string{
		"index": "index", "previous_hash": "previous_hash", "proof": "proof", "time_stamp": "time_stamp", "transactions": "transactions",
		"sender": "transactions[0].sender", "recipient": "transactions[0].recipient",
		"signature": "transactions[0].signature", "amount": "transactions[0].amount",
	} {
		quoted := func(key string) string { return `"` + key + `": ` }
		for _, other := range []string{strings.ToUpper(field), strings.ToUpper(field[:1]) + field[1:], foreign.Replace(field), field + " "} {
			if other == field {
				continue
			}
			_, err := DecodeBlock([]byte(strings.ReplaceAll(whole, quoted(field), quoted(other))))
			assertFieldError(t, err, path, "missing")
			// Beside the right key, before or after it, the other one is ignored.
			for _, both := range []string{quoted(other) + "null, " + quoted(field), quoted(field) + "0, " + quoted(other) + "null, " + quoted(field)} {
				b, err := DecodeBlock([]byte(strings.ReplaceAll(whole, quoted(field), both)))
				if err != nil || string(b.AppendCompact(nil)) != string(compactForm(t, whole)) {
					t.Errorf("with %s: %#v, error %v", both, b, err)
				}
			}
		}
	}
}

func compactForm(t *testing.T, text string) []byte {
	t.Helper()
	v, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return AppendCompact(nil, v)
}

// TestRepeatedField has a right value first and a wrong one last, which wins.
func TestRepeatedField(t *testing.T) {
	whole := string(blockJSON(nil))
	_, err := DecodeBlock([]byte(whole[:len(whole)-1] + `, "proof": null}`))
	assertFieldError(t, err, "proof", "must be a number, is null")
	b, err := DecodeBlock([]byte(whole[:len(whole)-1] + `, "proof": 8, "transactions": [], "proof": 9}`))
	if err != nil || b.Proof != Int(9) || b.Transactions != nil {
		t.Errorf("%#v, error %v, want proof 9 and no transactions", b, err)
	}
}

// TestHasProof compares with the hex text of crypto/sha256.
func TestHasProof(t *testing.T) {
	prefix := []byte("[]" + GenesisHash)
	for proof := range int64(3000) {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s%d", prefix, proof))
		text := hex.EncodeToString(sum[:])
		zeros := len(text) - len(strings.TrimLeft(text, "0"))
		for _, difficulty := range []int{0, 1, 2, 3, 4, 64, 65, 1000} {
			if got := HasProof(prefix, Int(proof), difficulty); got != (zeros >= difficulty) {
				t.Errorf("proof %d of hash %s at difficulty %d: %v", proof, text, difficulty, got)
			}
		}
	}
	if !HasProof(prefix, Int(13424), 5) || HasProof(prefix, Int(13424), 6) {
		t.Error("13424 is not the proof of block 1 at exactly 5 zeros")
	}
}

// TestBlockHasProof changes one field of a block that has its proof. The proof
// covers the payments and the link, nothing else.
func TestBlockHasProof(t *testing.T) {
	base := Block{Index: 1, PreviousHash: GenesisHash, Proof: Int(13424), Transactions: []Transaction{{Sender: RewardSender, Amount: Int(10)}}}
	for name, test := range map[string]struct {
		change func(*Block)
		want   bool
	}{
		"nothing":        {func(*Block) {}, true},
		"index":          {func(b *Block) { b.Index = 2 }, true},
		"time stamp":     {func(b *Block) { b.TimeStamp = Float(1.5) }, true},
		"reward":         {func(b *Block) { b.Transactions = []Transaction{{Sender: "x"}} }, true},
		"no transaction": {func(b *Block) { b.Transactions = nil }, true},
		"payment":        {func(b *Block) { b.Transactions = []Transaction{{}, {}} }, false},
		"link":           {func(b *Block) { b.PreviousHash = GenesisHash + "0" }, false},
		"proof":          {func(b *Block) { b.Proof = Int(13425) }, false},
	} {
		b := base
		test.change(&b)
		if b.HasProof(5) != test.want {
			t.Errorf("%s changed: HasProof is %v, want %v", name, !test.want, test.want)
		}
	}
}

// readAll reads all blocks of a text that are allowed to have maxBytes, up to an
// error. ReadBlocks must yield the same.
func readAll(in io.Reader, maxBytes int) ([]Block, error) {
	var text bytes.Buffer
	blocks, err := readOneByOne(io.TeeReader(in, &text), maxBytes)
	if err != nil && !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrBlockSize) && !errors.As(err, new(*FieldError)) {
		return blocks, err // the input may have failed, which text doesn't
	}
	var same []Block
	var sameErr error
	for b, err := range ReadBlocks(&text, maxBytes) {
		if sameErr = err; err == nil {
			same = append(same, b)
		}
	}
	if fmt.Sprint(sameErr) != fmt.Sprint(err) || !reflect.DeepEqual(same, blocks) {
		panic(fmt.Sprintf("ReadBlocks: %d blocks, error %v, want %d, %v", len(same), sameErr, len(blocks), err))
	}
	return blocks, err
}

func readOneByOne(in io.Reader, maxBytes int) ([]Block, error) {
	var blocks []Block
	for reader := NewBlockReader(in, maxBytes); ; {
		b, err := reader.Next()
		if err == io.EOF {
			return blocks, nil
		}
		if err != nil {
			return blocks, err
		}
		blocks = append(blocks, b)
	}
}

func TestBlockReader(t *testing.T) {
	one := string(blockJSON(map[string]string{"previous_hash": `"}]{\"[\\"`}))
	two := string(blockJSON(map[string]string{"index": "6", "transactions": `[]`}))
	for text, want := range map[string][]int64{
		"[]": nil, " [ \n] \r\t": nil, "[" + two + "]": {6}, "[" + one + "," + two + "]": {5, 6},
		" [ " + one + " , \n" + two + " ,\t" + one + "\r] \n": {5, 6, 5},
	} {
		for name, in := range map[string]io.Reader{
			"whole": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)),
			"end with the data": iotest.DataErrReader(strings.NewReader(text)),
		} {
			blocks, err := readAll(in, 10_000)
			var indexes []int64
			for _, b := range blocks {
				indexes = append(indexes, b.Index)
			}
			if err != nil || !slices.Equal(indexes, want) {
				t.Errorf("%s: blocks %v, error %v, want %v of\n%s", name, indexes, err, want, text)
			}
		}
	}
}

// TestBlockReaderEnd asks again after the end.
func TestBlockReaderEnd(t *testing.T) {
	reader := NewBlockReader(strings.NewReader("[] "), 10)
	for range 3 {
		if b, err := reader.Next(); err != io.EOF || !reflect.DeepEqual(b, Block{}) {
			t.Errorf("%#v, error %v, want io.EOF", b, err)
		}
	}
}

func TestBlockReaderRefuses(t *testing.T) {
	one := string(blockJSON(nil))
	tests := []struct {
		name, text string
		position   int // of the block that the error names
		kind       error
	}{
		{"nothing", "", 0, io.ErrUnexpectedEOF},
		{"blanks", " \n", 0, io.ErrUnexpectedEOF},
		{"no array", one, 0, ErrSyntax},
		{"no array but null", "null", 0, ErrSyntax},
		{"a byte order mark", "\ufeff[]", 0, ErrSyntax},
		{"no object", "[5]", 0, ErrSyntax},
		{"array in array", "[[" + one + "]]", 0, ErrSyntax},
		{"comma only", "[,]", 0, ErrSyntax},
		{"trailing comma", "[" + one + ",]", 1, ErrSyntax},
		{"two commas", "[" + one + ",," + one + "]", 1, ErrSyntax},
		{"no comma", "[" + one + one + "]", 0, ErrSyntax},
		{"backslash outside a string", `[{\}]`, 0, ErrSyntax},
		{"wrong bracket", "[" + one + "}", 0, ErrSyntax},
		{"text after an empty array", "[] x", 0, ErrSyntax},
		{"text after the array", "[" + one + "," + one + "]]", 2, ErrSyntax},
		{"bad escape", "[" + one + `, {"\x": 1}]`, 1, ErrSyntax},
		{"bad number", "[" + one + `, {"a": 01}]`, 1, ErrNumber},
		{"too deep", "[" + one + "," + strings.Repeat(`{"a":`, 901) + "1" + strings.Repeat("}", 901) + "]", 1, ErrDepth},
		{"no end", "[" + one, 0, io.ErrUnexpectedEOF},
		{"no end after a comma", "[" + one + ", ", 1, io.ErrUnexpectedEOF},
		{"second block without an end", "[" + one + "," + one[:len(one)-1], 1, io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		blocks, err := readAll(strings.NewReader(test.text), 10_000)
		position := fmt.Sprintf("block %d of the array: ", test.position)
		if !errors.Is(err, test.kind) || !strings.HasPrefix(err.Error(), position) {
			t.Errorf("%s: error %v, want %q and %v", test.name, err, position, test.kind)
		}
		if len(blocks) != test.position {
			t.Errorf("%s: %d blocks before the error, want %d", test.name, len(blocks), test.position)
		}
	}
	_, err := readAll(strings.NewReader("["+one+","+string(blockJSON(map[string]string{"transactions[2].amount": "-"}))+"]"), 10_000)
	assertFieldError(t, err, "transactions[2].amount", "missing")
	if !strings.HasPrefix(err.Error(), "block 1 of the array: ") {
		t.Errorf("error %v doesn't name block 1", err)
	}
}

// TestBlockReaderPrefixes cuts an array short at every byte.
func TestBlockReaderPrefixes(t *testing.T) {
	one := blockJSON(map[string]string{"previous_hash": `"\\\"}é"`})
	whole := slices.Concat([]byte(" ["), one, []byte(", "), one, []byte("]"))
	for n := range len(whole) {
		blocks, err := readAll(bytes.NewReader(whole[:n]), 10_000)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the first %d bytes: error %v, want io.ErrUnexpectedEOF", n, err)
		}
		if want := n > 2+len(one); (len(blocks) == 1) != want {
			t.Errorf("the first %d bytes: %d blocks", n, len(blocks))
		}
	}
}

func TestBlockReaderSize(t *testing.T) {
	one := blockJSON(nil)
	array := fmt.Sprintf("[%s,%s]", one, one)
	if blocks, err := readAll(strings.NewReader(array), len(one)); err != nil || len(blocks) != 2 {
		t.Errorf("at the limit: %d blocks, error %v", len(blocks), err)
	}
	for _, limit := range []int{len(one) - 1, 1, 0} {
		if blocks, err := readAll(strings.NewReader(array), limit); !errors.Is(err, ErrBlockSize) || len(blocks) != 0 {
			t.Errorf("limit %d: %d blocks, error %v, want ErrBlockSize", limit, len(blocks), err)
		}
	}
	// An object without an end is refused when the limit is reached, not at the end of the input.
	endless := io.MultiReader(strings.NewReader(`[{"a":"`), iotest.TimeoutReader(strings.NewReader(strings.Repeat("x", 1<<20))))
	if _, err := readAll(endless, 100); !errors.Is(err, ErrBlockSize) {
		t.Errorf("endless block: error %v, want ErrBlockSize", err)
	}
}

// TestBlockReaderFailure has an input that fails at each place where one is read.
func TestBlockReaderFailure(t *testing.T) {
	failure := errors.New("connection lost")
	one := string(blockJSON(nil))
	for _, before := range []string{"", "[", "[{", "[" + one, "[" + one + ",", "[" + one + "]"} {
		in := io.MultiReader(strings.NewReader(before), iotest.ErrReader(failure))
		if _, err := readAll(in, 10_000); !errors.Is(err, failure) {
			t.Errorf("after %.20s...: error %v, want that of the input", before, err)
		}
	}
}
