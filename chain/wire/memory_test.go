package wire

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// TestDecodeBlockTakesLittleMemory decodes hostile texts of 1 MB: what takes many
// times its length as a tree is not built.
func TestDecodeBlockTakesLittleMemory(t *testing.T) {
	const size = 1 << 20
	list := func(item string) string { return "[" + strings.Repeat(item+",", size/(len(item)+1)) + item + "]" }
	for name, transactions := range map[string]string{
		"arrays instead of transactions":  list("[]"),
		"objects instead of transactions": list("{}"),
		"a field that a block lacks":      `[], "x": ` + list("[]"),
		"an object that a block lacks":    `[], "x": {` + strings.Repeat(`"a": {}, `, size/9) + `"b": 0}`,
		"short transactions":              list(`{"sender":"","recipient":"","signature":"","amount":0}`),
	} {
		text := []byte(`{"index": 1, "previous_hash": "", "proof": 1, "time_stamp": 1, "transactions": ` + transactions + `}`)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = DecodeBlock(text)
		runtime.ReadMemStats(&after)
		if taken, most := after.TotalAlloc-before.TotalAlloc, uint64(8*len(text)); taken > most {
			t.Errorf("%s: %d bytes for a text of %d, want at most %d", name, taken, len(text), most)
		}
	}
}

// TestDecodeBlockAllocatesLittle decodes blocks of payments: their texts and their list take
// an allocation each for a block of one payment, and of many hardly one for a payment.
func TestDecodeBlockAllocatesLittle(t *testing.T) {
	for payments, most := range map[int]float64{0: 2, 1: 2, 100: 40} {
		text := paymentBlock(payments).AppendCanonical(nil)
		if got := testing.AllocsPerRun(100, func() { _, _ = DecodeBlock(text) }); got > most {
			t.Errorf("%d payments: %v allocations, want at most %v", payments, got, most)
		}
	}
}

// TestSealsShareNoMemory makes seals with one Hasher: each has its own JSON, in no more memory
// than the allocator's next size.
func TestSealsShareNoMemory(t *testing.T) {
	var hasher Hasher
	blocks := []Block{paymentBlock(3), paymentBlock(1), Genesis()}
	var seals []Sealed
	for _, b := range blocks {
		seals = append(seals, hasher.Seal(b))
	}
	for i, b := range blocks {
		got, want := seals[i], Seal(b)
		if string(got.Canonical) != string(b.AppendCanonical(nil)) || got.Hash() != b.Hash() || !reflect.DeepEqual(got.IDs, b.PaymentIDs()) {
			t.Errorf("block %d: seal %+v, want %+v", i, got, want)
		}
		if unused := cap(got.Canonical) - len(got.Canonical); unused > len(got.Canonical)/4 {
			t.Errorf("block %d: %d of %d bytes are unused", i, unused, cap(got.Canonical))
		}
	}
}

// TestTextsKeepLittleAlive keeps one short text of each of many blocks: what stays is no
// more than maxShared for each, whatever else stood in the blocks, and however they were read.
func TestTextsKeepLittleAlive(t *testing.T) {
	const blocks = 30
	readers := map[string]func(string) (Block, error){
		"alone": func(text string) (Block, error) { return DecodeBlock([]byte(text)) },
		"of an array": func(text string) (first Block, err error) {
			array := strings.NewReader("[" + text + strings.Repeat(", "+text, 2*maxShared/len(text)) + "]")
			for first, err = range ReadBlocks(array, 1<<20) {
				break
			}
			return first, err
		},
	}
	for name, around := range map[string]string{
		"payments": `"transactions": [` + strings.Repeat(string(paymentBlock(1).Transactions[0].AppendClassic(nil))+", ", 100) + `{"sender": "", "recipient": "", "signature": "", "amount": 1}]`,
		"unknown":  `"transactions": [], "x": "` + strings.Repeat("f", 100_000) + `"`,
		"long":     `"transactions": [{"sender": "", "recipient": "` + strings.Repeat("f", 100_000) + `", "signature": "", "amount": 1}]`,
		"little":   `"transactions": []`,
	} {
		const short = `"previous_hash": "0123456789abcdef0123456789abcdef", "index": 1, "proof": 1, "time_stamp": 1`
		for reader, read := range readers {
			kept := make([]string, blocks)
			before := heapInUse()
			for i := range kept {
				text := `{` + short + `, ` + around + `}`
				if i%2 == 1 {
					text = `{` + around + `, ` + short + `}`
				}
				b, err := read(text)
				if err != nil {
					t.Fatal(err)
				}
				kept[i] = b.PreviousHash
			}
			if taken := heapInUse() - before; taken > blocks*(maxShared+maxShared/4) {
				t.Errorf("%s, %s: a text of 32 bytes keeps %d alive, want at most %d", name, reader, taken/blocks, maxShared)
			}
			runtime.KeepAlive(kept)
		}
	}
}

func heapInUse() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestTransactionsShareNothing looks where the texts of transactions lie that may stay open
// long: none is as far behind the one before it as in the JSON, as those of a block are. The
// allocator has no size for such distances.
func TestTransactionsShareNothing(t *testing.T) {
	field := func(name string) string { return strings.Repeat(name, 100) }
	want := Transaction{field("s"), field("r"), field("g"), Float(1.5)}
	text := want.AppendClassic(nil)
	decoded, err := DecodeTransaction(text)
	if err != nil || decoded != want {
		t.Fatalf("decoded %v, %v", decoded, err)
	}
	tree, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	fromTree, err := TransactionOf(tree)
	if err != nil || fromTree != want {
		t.Fatalf("of the tree %v, %v", fromTree, err)
	}
	behind := len(`", "recipient": "`) // or "signature"
	block, err := DecodeBlock(Block{Transactions: []Transaction{want}}.AppendClassic(nil))
	if err != nil || block.Transactions[0] != want {
		t.Fatalf("of the block %v, %v", block, err)
	}
	for name, test := range map[string]struct {
		transaction Transaction
		shares      bool
	}{"decoded": {decoded, false}, "of a tree": {fromTree, false}, "of a block": {block.Transactions[0], true}, "cloned": {block.Transactions[0].Clone(), false}} {
		got := test.transaction
		if got != want || follows(got.Sender, got.Recipient, behind) != test.shares || follows(got.Recipient, got.Signature, behind) != test.shares ||
			follows(got.Signature, got.Amount.text, len(`", "amount": `)) != test.shares {
			t.Errorf("%s: shares memory, want %v: %v", name, test.shares, got)
		}
	}
}

// follows reports whether text b lies in memory so many bytes behind a.
func follows(a, b string, bytes int) bool {
	return uintptr(unsafe.Pointer(unsafe.StringData(a)))+uintptr(len(a)+bytes) == uintptr(unsafe.Pointer(unsafe.StringData(b)))
}
