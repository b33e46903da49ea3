package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
)

// golden is one section of the data that CPython made, read with the decoder
// under test: encoding/json would lose lone surrogates and int from float.
func golden(t *testing.T, section string) []map[string]any {
	t.Helper()
	entries, ok := goldenValue(t, section).([]any)
	if !ok || len(entries) == 0 {
		t.Fatalf("no entries in section %q", section)
	}
	var list []map[string]any
	for _, entry := range entries {
		list = append(list, entry.(map[string]any))
	}
	return list
}

func goldenValue(t *testing.T, section string) any {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return all.(map[string]any)[section]
}

func TestGoldenNumbers(t *testing.T) {
	for _, e := range golden(t, "numbers") {
		literal := e["literal"].(string)
		n, err := ParseNumber(literal)
		if e["type"] != "int" && e["type"] != "float" {
			if !errors.Is(err, ErrNumber) {
				t.Errorf("ParseNumber(%q) = %v, error %v, want ErrNumber", literal, n, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("ParseNumber(%q): %v", literal, err)
			continue
		}
		if n.String() != e["str"] || n.JSON() != e["json"] || n.IsInt() != (e["type"] == "int") {
			t.Errorf("ParseNumber(%q) = %q, JSON %q, int %v; want %q, %q, %q",
				literal, n, n.JSON(), n.IsInt(), e["str"], e["json"], e["type"])
		}
	}
}

func TestGoldenStrings(t *testing.T) {
	for _, e := range golden(t, "strings") {
		value := e["value"].(string)
		if got := string(AppendRepr(nil, value)); got != e["repr"] {
			t.Errorf("%s: repr %q, want %q", e["name"], got, e["repr"])
		}
		if got := string(AppendQuoted(nil, value)); got != e["json"] {
			t.Errorf("%s: JSON %q, want %q", e["name"], got, e["json"])
		}
		utf8Hex, encodable := e["utf8_hex"].(string)
		if ValidText(value) != encodable {
			t.Errorf("%s: ValidText is %v, want %v", e["name"], !encodable, encodable)
		}
		if encodable && hex.EncodeToString([]byte(value)) != utf8Hex {
			t.Errorf("%s: bytes %x, want %s", e["name"], value, utf8Hex)
		}
	}
}

// TestGoldenRepr compares every code point with the ranges that CPython escapes.
func TestGoldenRepr(t *testing.T) {
	escaped := map[rune]bool{}
	for _, pair := range goldenValue(t, "repr_escapes").([]any) {
		first, _ := pair.([]any)[0].(Number).Int64()
		last, _ := pair.([]any)[1].(Number).Int64()
		for r := first; r <= last; r++ {
			escaped[rune(r)] = true
		}
	}
	for r := rune(0); r <= 0x10FFFF; r++ {
		s := string(appendRune(nil, r))
		raw := string(AppendRepr(nil, s)) == "'"+s+"'"
		// Quotes and the backslash are printable but special.
		if want := !escaped[r] && r != '\\' && r != '\''; raw != want && r != '\'' {
			t.Errorf("U+%04X stands raw: %v, want %v", r, raw, want)
		}
	}
}

func TestGoldenBlockHashes(t *testing.T) {
	for _, e := range golden(t, "hash_block") {
		b, err := BlockOf(e["block"])
		var fieldError *FieldError
		if e["exotic"] == true && errors.As(err, &fieldError) {
			continue // a careful node may refuse it, but only like this
		}
		if err != nil {
			t.Errorf("%s: %v", e["name"], err)
			continue
		}
		if got := string(b.AppendCanonical(nil)); got != e["json"] {
			t.Errorf("%s: canonical form\n%s\nwant\n%s", e["name"], got, e["json"])
		}
		if b.Hash() != e["hash"] {
			t.Errorf("%s: hash %s, want %s", e["name"], b.Hash(), e["hash"])
		}
	}
}

func TestGoldenProofs(t *testing.T) {
	for _, e := range golden(t, "proof") {
		block := map[string]any{"index": Int(1), "previous_hash": e["last_hash"], "proof": e["proof"], "time_stamp": Int(0)}
		reward := Transaction{Sender: RewardSender, Amount: Int(10)}
		block["transactions"] = append(append([]any{}, e["transactions"].([]any)...), valueOf(t, reward))
		b, err := BlockOf(block)
		var fieldError *FieldError
		if e["exotic"] == true && errors.As(err, &fieldError) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", e["name"], err)
			continue
		}
		preimage := string(AppendPrefix(nil, b.Payments(), b.PreviousHash)) + b.Proof.String()
		if preimage != e["preimage"] {
			t.Errorf("%s: preimage\n%q\nwant\n%q", e["name"], preimage, e["preimage"])
		}
		if sum := sha256.Sum256([]byte(preimage)); hex.EncodeToString(sum[:]) != e["sha256"] {
			t.Errorf("%s: SHA-256 %x, want %s", e["name"], sum, e["sha256"])
		}
		if b.HasProof(5) != (e["valid"] == true) {
			t.Errorf("%s: HasProof is %v, want %v", e["name"], b.HasProof(5), e["valid"])
		}
	}
}

// valueOf is a transaction as Decode would return it.
func valueOf(t *testing.T, transaction Transaction) any {
	t.Helper()
	v, err := Decode(transaction.AppendCompact(nil))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGoldenChain(t *testing.T) {
	chain := goldenValue(t, "chain").(map[string]any)
	var file []byte
	for i, v := range chain["blocks"].([]any) {
		b, err := BlockOf(v)
		if err != nil {
			t.Fatalf("block %d: %v", i, err)
		}
		if want := chain["hashes"].([]any)[i]; b.Hash() != want {
			t.Errorf("block %d: hash %s, want %s", i, b.Hash(), want)
		}
		if i > 0 && !b.HasProof(5) {
			t.Errorf("block %d: no proof of work", i)
		}
		file = b.AppendClassic(append(file, ", "...))
	}
	firstLine, _, _ := strings.Cut(chain["save_file"].(string), "\n")
	if got := "[" + strings.TrimPrefix(string(file), ", ") + "]"; got != firstLine {
		t.Errorf("text file\n%s\nwant\n%s", got, firstLine)
	}
}

// TestGoldenBroadcasts reads what the original sent to a peer and writes the
// same bytes again.
func TestGoldenBroadcasts(t *testing.T) {
	quirks := goldenValue(t, "quirks").(map[string]any)
	for _, v := range quirks["sent_to_peers"].([]any) {
		request := v.(map[string]any)
		body := request["body"].(string)
		var got []byte
		switch request["path"] {
		case "/broadcast_transaction":
			transaction, err := DecodeTransaction([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			got = transaction.AppendBroadcast(nil)
		case "/broadcast_block":
			v, err := Decode([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			b, err := BlockOf(v.(map[string]any)["block"])
			if err != nil {
				t.Fatal(err)
			}
			got = b.AppendBroadcast(nil)
		}
		if string(got) != body {
			t.Errorf("%s:\n%s\nwant\n%s", request["path"], got, body)
		}
	}
}

func TestGenesis(t *testing.T) {
	if got := Genesis().Hash(); got != GenesisHash {
		t.Errorf("hash of genesis %s, want %s", got, GenesisHash)
	}
	const want = `{"index":0,"previous_hash":"","proof":100,"time_stamp":0,"transactions":[]}`
	if got := string(Genesis().AppendCompact(nil)); got != want {
		t.Errorf("genesis %s, want %s", got, want)
	}
}
