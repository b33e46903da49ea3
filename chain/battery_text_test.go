package chain_test

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"lode/chain"
	"lode/chain/wire"
)

// nested is a member that makes a block's text so many levels deep.
func nested(depth int) string {
	return `{"x": ` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + ", "
}

// asUTF16 is a text in UTF-16LE without a mark.
func asUTF16(s string) string {
	var data []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return string(data)
}

// TestBatteryText writes the same valid block in ways that Python's json takes or
// refuses. The value is what counts, not its spelling:
//
//	g - b1 - b2 - b3 - b4 - b5 (A pays r 3)
func TestBatteryText(t *testing.T) {
	w := newWorld(t)
	b5 := w.block(w.pays(w.a, "r", "3"))
	whole := text(b5)
	proof := `"proof": ` + b5.Proof.String()
	edit := func(old, replacement string) string { return w.edited(whole, old, replacement) }
	w.run(t, []trial{
		{name: "as written", text: whole},
		{name: "keys sorted, no blanks", text: string(b5.AppendCompact(nil))},
		{name: "blanks around", text: " \t\r\n" + whole + "\n\n"},
		{name: "blanks between", text: strings.ReplaceAll(whole, `": `, "\"\r\n:\t")},
		{name: "unknown keys", text: edit(`{"previous_hash"`, `{"hash": null, "Proof": [], "previous_hash"`)},
		{name: "wrong key first, last one wins", text: edit(`"index": 5`, `"index": "x", "index": 5`)},
		{name: "wrong list first, last one wins", text: edit(`{"previous_hash"`, `{"transactions": 7, "previous_hash"`)},
		{name: "right key first, last one wins", text: edit(`"index": 5`, `"index": 5, "index": 6`), want: chain.ErrAhead},
		{name: "right amount first, last one wins", text: edit(`"amount": 3`, `"amount": 3, "amount": null`), want: field("transactions[0].amount")},
		{name: "key in capitals", text: edit(`"proof"`, `"PROOF"`), want: field("proof")},
		{name: "key with one capital", text: edit(`"amount": 3`, `"Amount": 3`), want: field("transactions[0].amount")},
		{name: "key with a long s", text: edit(`"transactions"`, `"tran`+"\u017f"+`actions"`), want: field("transactions")},
		{name: "key with a blank", text: edit(`"index"`, `"index "`), want: field("index")},
		{name: "key in escapes", text: edit(`"index"`, `"\u0069nde\u0078"`)},
		{name: "value in escapes", text: edit(`"recipient": "r"`, `"recipient": "\u0072"`)},
		{name: "time stamp with another spelling", text: edit("1.5", "15e-1")},
		{name: "proof with a leading zero", text: edit(proof, `"proof": 0`+b5.Proof.String()), want: wire.ErrSyntax},
		{name: "proof with a plus sign", text: edit(proof, `"proof": +`+b5.Proof.String()), want: wire.ErrSyntax},
		{name: "depth 900", text: edit("{\"previous_hash\"", nested(deepestJSON)+`"previous_hash"`)},
		{name: "depth 901", text: edit("{\"previous_hash\"", nested(deepestJSON+1)+`"previous_hash"`), want: wire.ErrDepth},
		{name: "depth 1000", text: edit("{\"previous_hash\"", nested(1000)+`"previous_hash"`), want: wire.ErrDepth},
		{name: "depth 100000", text: edit("{\"previous_hash\"", nested(100_000)+`"previous_hash"`), want: wire.ErrDepth},
		{name: "a byte order mark", text: "\ufeff" + whole, inChain: wire.ErrSyntax},
		{name: "UTF-16", text: asUTF16(whole), inChain: wire.ErrSyntax},
		{name: "a raw surrogate", text: edit(`"recipient": "m"`, "\"recipient\": \"\xed\xa0\x80\""), want: chain.ErrText},
		{name: "two surrogates apart", text: edit(`"recipient": "m"`, "\"recipient\": \"\xed\xa0\xbd\\ude00\""), want: chain.ErrText},
		{name: "invalid UTF-8", text: edit(`"recipient": "r"`, "\"recipient\": \"\xff\""), want: wire.ErrSyntax},
		{name: "overlong UTF-8", text: edit(`"recipient": "r"`, "\"recipient\": \"\xc1\xb2\""), want: wire.ErrSyntax},
		{name: "a control character", text: edit(`"recipient": "r"`, "\"recipient\": \"r\n\""), want: wire.ErrSyntax},
		{name: "single quotes", text: strings.ReplaceAll(whole, `"`, "'"), want: wire.ErrSyntax},
		{name: "a comma too many", text: edit(`"time_stamp": 1.5`, `"time_stamp": 1.5,`), want: wire.ErrSyntax},
		{name: "a comma too few", text: edit(`, "time_stamp"`, ` "time_stamp"`), want: wire.ErrSyntax},
		{name: "a comment", text: edit(`"index"`, `/* 5 */ "index"`), want: wire.ErrSyntax},
		{name: "a constant of JavaScript", text: edit(`"time_stamp": 1.5`, `"time_stamp": undefined`), want: wire.ErrSyntax},
		{name: "garbage at the end", text: whole + "x", want: wire.ErrSyntax},
		{name: "a zero byte at the end", text: whole + "\x00", want: wire.ErrSyntax},
		{name: "two blocks without a comma", text: whole + whole, want: wire.ErrSyntax},
		{name: "cut", text: whole[:len(whole)/2], want: wire.ErrSyntax, inChain: io.ErrUnexpectedEOF},
		{name: "without the last brace", text: whole[:len(whole)-1], want: wire.ErrSyntax, inChain: io.ErrUnexpectedEOF},
		{name: "nothing", text: "", want: wire.ErrSyntax},
	})
}

// TestBatteryUnicode has texts that Python could not encode, or could. What can't
// be encoded can't be signed either.
func TestBatteryUnicode(t *testing.T) {
	w := newWorld(t)
	reward := func(recipient string) string {
		return text(w.changed(func(b *wire.Block) { b.Transactions[0].Recipient = recipient }))
	}
	payment := func(field func(*wire.Transaction) *string, value string) string {
		return text(w.changed(func(b *wire.Block) { *field(&b.Transactions[0]) = value }, w.pays(w.a, "r", "0")))
	}
	recipient := func(t *wire.Transaction) *string { return &t.Recipient }
	signature := func(t *wire.Transaction) *string { return &t.Signature }
	w.run(t, []trial{
		{name: "reward to a lone surrogate", text: reward("\xed\xa0\x80"), want: chain.ErrText},
		{name: "reward to two surrogates apart", text: reward("\xed\xa0\xbdx\xed\xb8\x80"), want: chain.ErrText},
		{name: "reward to an astral character", text: reward("😀")},
		{name: "reward to nobody", text: reward("")},
		{name: "reward to control characters", text: reward("\x00\x7f\u2028\"'\\")},
		{name: "reward to a newer character", text: reward("\U0001FAE8")},
		{name: "payment to a lone surrogate", text: payment(recipient, "\xed\xbf\xbf"), want: chain.ErrText},
		{name: "signature is a lone surrogate", text: payment(signature, "\xed\xa0\x80"), want: chain.ErrText},
		{name: "payment to an astral character", text: text(w.block(w.pays(w.a, "😀é\u00a0'\"", "3")))},
		{name: "payment to nobody", text: text(w.block(w.pays(w.a, "", "3")))},
		{name: "payment to MINING", text: text(w.block(w.pays(w.a, "MINING", "3")))},
	})
}
