package chain_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"lode/chain/wire"
)

func isEnd(err error) bool { return err == io.EOF }

// literals are JSON values of types that a field may not have.
var literals = map[string]string{
	"a string": `"5"`, "true": "true", "null": "null", "an array": "[5]", "an object": `{"5": 5}`, "a number": "5", "a float": "5.0",
}

// wrongTypes replaces one member of a block's text by a value of each wrong type.
func wrongTypes(w *world, block, member, replacement, path string, types ...string) []trial {
	var trials []trial
	for _, name := range types {
		changed := w.edited(block, member, fmt.Sprintf(replacement, literals[name]))
		trials = append(trials, trial{name: path + " is " + name, text: changed, want: field(path)})
	}
	return trials
}

// TestBatteryTypes gives each field of a block every type that it may not have:
//
//	g - b1 - b2 - b3 - b4 - b5 (A pays r 3, with one field that is wrong)
func TestBatteryTypes(t *testing.T) {
	w := newWorld(t)
	b5 := w.block(w.pays(w.a, "r", "3"))
	whole := text(b5)
	proof := `"proof": ` + b5.Proof.String()
	var trials []trial
	add := func(member, replacement, path string, types ...string) {
		trials = append(trials, wrongTypes(w, whole, member, replacement, path, types...)...)
	}
	add(`"index": 5`, `"index": %s`, "index", "a string", "true", "null", "an array", "an object", "a float")
	add(`"previous_hash": "`+b5.PreviousHash+`"`, `"previous_hash": %s`, "previous_hash", "true", "null", "an array", "an object", "a number")
	add(proof, `"proof": %s`, "proof", "a string", "true", "null", "an array", "an object", "a float")
	add(`"time_stamp": 1.5`, `"time_stamp": %s`, "time_stamp", "a string", "true", "null", "an array", "an object")
	add(`"recipient": "r"`, `"recipient": %s`, "transactions[0].recipient", "true", "null", "an array", "an object", "a number")
	add(`"sender": "`+w.a.Address()+`"`, `"sender": %s`, "transactions[0].sender", "true", "null", "an array", "an object", "a number")
	add(`"signature": "`+b5.Transactions[0].Signature+`"`, `"signature": %s`, "transactions[0].signature", "true", "null", "an array", "an object", "a number")
	add(`"amount": 3`, `"amount": %s`, "transactions[0].amount", "a string", "true", "null", "an array", "an object")
	add(`"sender": "MINING"`, `"sender": %s`, "transactions[1].sender", "true", "null", "an array", "an object", "a number")
	add(`"recipient": "m"`, `"recipient": %s`, "transactions[1].recipient", "true", "null", "an array", "an object", "a number")
	add(`"signature": ""`, `"signature": %s`, "transactions[1].signature", "true", "null", "an array", "an object", "a number")
	add(`"amount": 10`, `"amount": %s`, "transactions[1].amount", "a string", "true", "null", "an array", "an object")
	list := whole[strings.Index(whole, `"transactions": `):strings.Index(whole, `, "proof"`)]
	add(list, `"transactions": %s`, "transactions", "a string", "true", "null", "an object", "a number")
	for name, item := range map[string]string{"null": "null", "a number": "5", "an array": "[]", "a string": `"x"`} {
		trials = append(trials, trial{name: "a transaction is " + name, want: field("transactions[0]"),
			text: w.edited(whole, `"transactions": [{`, `"transactions": [`+item+`, {`)})
	}
	w.run(t, trials)
}

// TestBatteryValues gives fields the right type and an impossible value.
func TestBatteryValues(t *testing.T) {
	w := newWorld(t)
	b5 := w.block()
	whole, proof := text(b5), `"proof": `+b5.Proof.String()
	var trials []trial
	for _, v := range [][4]string{
		{"index of 65 bits", `"index": 5`, `"index": 18446744073709551621`, "index"},
		{"index NaN", `"index": 5`, `"index": NaN`, "index"},
		{"index with an exponent", `"index": 5`, `"index": 5e0`, "index"},
		{"proof negative", proof, `"proof": -` + b5.Proof.String(), "proof"},
		{"proof float", proof, proof + ".0", "proof"},
		{"proof with an exponent", proof, proof + "e0", "proof"},
		{"proof NaN", proof, `"proof": NaN`, "proof"},
		{"proof Infinity", proof, `"proof": Infinity`, "proof"},
		{"proof of 129 digits", proof, `"proof": ` + strings.Repeat("7", longestProof+1), "proof"},
		{"proof of 4300 digits", proof, `"proof": ` + strings.Repeat("7", longestInt), "proof"},
		{"proof as a string", proof, `"proof": "` + b5.Proof.String() + `"`, "proof"},
		{"time stamp NaN", `1.5`, "NaN", "time_stamp"},
		{"time stamp Infinity", `1.5`, "Infinity", "time_stamp"},
		{"time stamp -Infinity", `1.5`, "-Infinity", "time_stamp"},
		{"time stamp 1e400", `1.5`, "1e400", "time_stamp"},
	} {
		trials = append(trials, trial{name: v[0], text: w.edited(whole, v[1], v[2]), want: field(v[3])})
	}
	w.run(t, trials)
}

// TestBatteryMissing leaves out one field after the other.
func TestBatteryMissing(t *testing.T) {
	w := newWorld(t)
	b5 := w.block(w.pays(w.a, "r", "3"))
	payment := b5.Transactions[0]
	whole := text(b5)
	list := whole[strings.Index(whole, `"transactions": `):strings.Index(whole, `"proof"`)]
	var trials []trial
	for path, member := range map[string]string{
		"index": `"index": 5, `, "previous_hash": `"previous_hash": "` + b5.PreviousHash + `", `, "transactions": list,
		"proof": `"proof": ` + b5.Proof.String() + ", ", "time_stamp": `, "time_stamp": 1.5`,
		"transactions[0].sender": `"sender": "` + payment.Sender + `", `, "transactions[0].recipient": `"recipient": "r", `,
		"transactions[0].signature": `"signature": "` + payment.Signature + `", `, "transactions[0].amount": `, "amount": 3`,
		"transactions[1].sender": `"sender": "MINING", `, "transactions[1].recipient": `"recipient": "m", `,
		"transactions[1].signature": `"signature": "", `, "transactions[1].amount": `, "amount": 10`,
	} {
		trials = append(trials, trial{name: "without " + path, text: w.edited(whole, member, ""), want: field(path)})
	}
	for name, block := range map[string]string{"null": "null", "an array": "[]", "a number": "5", "a string": `"block"`, "true": "true"} {
		trials = append(trials, trial{name: "the block is " + name, text: block, want: field("block"), inChain: wire.ErrSyntax})
	}
	trials = append(trials, trial{name: "the block is empty", text: "{}", want: field("index")})
	w.run(t, trials)
}
