package chain_test

import (
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// forged is a payment of A of 3 to r, with one field changed after it was signed.
func (w *world) forged(change func(*wire.Transaction)) string {
	t := w.pays(w.a, "r", "3")
	change(&t)
	return text(w.block(t))
}

// TestBatterySignatures has payments that their sender didn't sign like this:
//
//	g - b1 - b2 - b3 - b4 - b5 (A pays r 3)
func TestBatterySignatures(t *testing.T) {
	w := newWorld(t)
	good := w.pays(w.a, "r", "3")
	signature := func(s string) string { return w.forged(func(t *wire.Transaction) { t.Signature = s }) }
	free := func(sender string) string { // nobody's balance is too small for nothing
		free := w.pays(w.a, "r", "0")
		free.Sender = sender
		return text(w.block(free))
	}
	byB := w.pays(w.b, "r", "3").Signature
	pkcs1 := w.a.Address()[strings.Index(w.a.Address(), "30818902"):]
	w.run(t, []trial{
		{name: "as signed", text: text(w.block(good))},
		{name: "signature in capitals", text: signature(strings.ToUpper(good.Signature))},
		{name: "signature missing", text: signature(""), want: chain.ErrSignature},
		{name: "signature 00", text: signature("00"), want: chain.ErrSignature},
		{name: "signature of zeros", text: signature(strings.Repeat("0", len(good.Signature))), want: chain.ErrSignature},
		{name: "signature of ones", text: signature(strings.Repeat("f", len(good.Signature))), want: chain.ErrSignature},
		{name: "signature with an odd digit", text: signature(good.Signature + "0"), want: chain.ErrSignature},
		{name: "signature cut", text: signature(good.Signature[2:]), want: chain.ErrSignature},
		{name: "signature with zeros before", text: signature("00" + good.Signature), want: chain.ErrSignature},
		{name: "signature twice", text: signature(good.Signature + good.Signature), want: chain.ErrSignature},
		{name: "signature not hex", text: signature(strings.Replace(good.Signature, good.Signature[:1], "g", 1)), want: chain.ErrSignature},
		{name: "signature with a blank", text: signature(" " + good.Signature), want: chain.ErrSignature},
		{name: "signature by B", text: signature(byB), want: chain.ErrSignature},
		{name: "signature of another amount", text: signature(w.pays(w.a, "r", "4").Signature), want: chain.ErrSignature},
		{name: "signature of the same as a float", text: signature(w.pays(w.a, "r", "3.0").Signature), want: chain.ErrSignature},
		{name: "signature of another recipient", text: signature(w.pays(w.a, "R", "3").Signature), want: chain.ErrSignature},
		{name: "amount raised", text: w.forged(func(t *wire.Transaction) { t.Amount = wire.Int(30) }), want: chain.ErrSignature},
		{name: "amount lowered", text: w.forged(func(t *wire.Transaction) { t.Amount = wire.Int(2) }), want: chain.ErrSignature},
		{name: "amount as a float", text: w.forged(func(t *wire.Transaction) { t.Amount = wire.Float(3) }), want: chain.ErrSignature},
		{name: "recipient changed", text: w.forged(func(t *wire.Transaction) { t.Recipient = "thief" }), want: chain.ErrSignature},
		{name: "sender changed to B", text: w.forged(func(t *wire.Transaction) { t.Sender = w.b.Address() }), want: chain.ErrSignature},
		{name: "second of three forged", text: text(w.block(good, wire.Transaction{Sender: good.Sender, Recipient: "r", Signature: byB, Amount: wire.Int(1)}, good)), want: chain.ErrSignature},
		{name: "sender in capitals", text: free(strings.ToUpper(w.a.Address())), want: chain.ErrSignature},
		{name: "sender in PKCS#1", text: free(pkcs1), want: chain.ErrSignature},
		{name: "sender is a private key", text: free(w.a.PrivateHex()), want: wallet.ErrKey},
		{name: "sender is no key", text: free(strings.Repeat("ab", 162)), want: wallet.ErrKey},
		{name: "sender is a word", text: free("alice"), want: wallet.ErrKey},
		{name: "sender is nobody", text: free(""), want: wallet.ErrKey},
		{name: "sender with bytes behind", text: free(w.a.Address() + "00"), want: wallet.ErrKey},
		{name: "sender is D, who owns nothing", text: w.forged(func(t *wire.Transaction) { t.Sender = w.d.Address() }), want: chain.ErrOverspend},
	})
}

// TestBatteryMovedSignatures pins what this protocol allows: a signature covers
// sender, recipient and amount one after the other, so it holds for every split of
// the two latter. The original takes these blocks, and so must we.
func TestBatteryMovedSignatures(t *testing.T) {
	w := newWorld(t)
	moved := func(recipient, literal, otherRecipient, otherLiteral string) string {
		payment, other := w.pays(w.a, recipient, literal), w.pays(w.a, otherRecipient, otherLiteral)
		payment.Recipient, payment.Amount = otherRecipient, other.Amount
		return text(w.block(payment))
	}
	w.run(t, []trial{
		{name: "r and 12 as r1 and 2", text: moved("r", "12", "r1", "2")},
		{name: "r1 and 2 as r and 12", text: moved("r1", "2", "r", "12")},
		{name: "r and 1.5 as r1 and 0.5", text: moved("r", "1.5", "r1", "0.5"), want: chain.ErrSignature},
		{name: "r1 and 0.5 as r and 10.5", text: moved("r1", "0.5", "r", "10.5")},
		{name: "r and 30 as r3 and 0", text: moved("r", "30", "r3", "0")},
		{name: "r9 and 9 as r and 99", text: moved("r9", "9", "r", "99"), want: chain.ErrOverspend},
		{name: "r- and 5 as r and -5", text: moved("r-", "5", "r", "-5"), want: chain.ErrAmount},
		{name: "r and 1e-05 as r1e-0 and 5", text: moved("r", "1e-5", "r1e-0", "5")},
	})
}

// TestBatteryAmounts pays r every kind of amount. A owns 30 on b4.
func TestBatteryAmounts(t *testing.T) {
	w := newWorld(t)
	var trials []trial
	add := func(want error, literals ...string) {
		for _, literal := range literals {
			name := literal
			if len(name) > 40 {
				name = literal[:4] + "..."
			}
			trials = append(trials, trial{name: name, text: text(w.block(w.pays(w.a, "r", literal))), want: want})
		}
	}
	add(nil, "0", "-0", "0.0", "-0.0", "0e5", "1e-400", "5e-324", "1e-7", "0.1", "1.0", "1", "1e1", "29.999999999999996", "30", "30.0", "3e1")
	add(chain.ErrOverspend, "31", "30.000000000000004", "31.0", "1e16", "1e22", "9007199254740993", "1e308", "1.7976931348623157e308", "1e300",
		strings.Repeat("9", longestInt))
	add(chain.ErrAmount, "-1", "-0.5", "-5e-324", "-1e308", "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "-"+strings.Repeat("9", longestInt-1))
	whole := text(w.block(w.pays(w.a, "r", "3")))
	for name, literal := range map[string]string{"4301 digits": strings.Repeat("1", longestInt+1), "03": "03", "3.": "3.", "+3": "+3", "0x3": "0x3", "3f": "3f", "inf": "inf"} {
		trials = append(trials, trial{name: "spelled " + name, text: w.edited(whole, `"amount": 3`, `"amount": `+literal), want: wire.ErrSyntax})
	}
	trials = append(trials, trial{name: "spelled 3e0, signed as 3.0", text: w.edited(text(w.block(w.pays(w.a, "r", "3.0"))), `"amount": 3.0`, `"amount": 3e0`)})
	w.run(t, trials)
}

// TestBatteryBalances spends what A owns (30 on b4) and what B owns (10), in one block:
//
//	g - b1(A) - b2(A) - b3(B) - b4(A) - b5
func TestBatteryBalances(t *testing.T) {
	w := newWorld(t)
	a, b := w.a.Address(), w.b.Address()
	pays := w.pays
	block := func(payments ...wire.Transaction) string { return text(w.block(payments...)) }
	toA := func(b wire.Block) string {
		b.Transactions[len(b.Transactions)-1].Recipient = a
		return text(b)
	}
	tens := repeated(pays(w.a, "r", "10"), 4)
	w.run(t, []trial{
		{name: "exactly all", text: block(pays(w.a, "r", "30"))},
		{name: "one more than all", text: block(pays(w.a, "r", "31")), want: chain.ErrOverspend},
		{name: "all in two", text: block(pays(w.a, "r", "29"), pays(w.a, "s", "1"))},
		{name: "one more than all in two", text: block(pays(w.a, "r", "29"), pays(w.a, "s", "2")), want: chain.ErrOverspend},
		{name: "one more than all, the last being nothing", text: block(pays(w.a, "r", "31"), pays(w.a, "s", "0")), want: chain.ErrOverspend},
		{name: "all, then nothing", text: block(pays(w.a, "r", "30"), pays(w.a, "s", "0"))},
		{name: "the same payment thrice", text: block(tens[:3]...)},
		{name: "the same payment four times", text: block(tens...), want: chain.ErrOverspend},
		{name: "all to oneself", text: block(pays(w.a, a, "30"))},
		{name: "all to oneself twice", text: block(pays(w.a, a, "30"), pays(w.a, a, "30")), want: chain.ErrOverspend},
		{name: "more than all to oneself", text: block(pays(w.a, a, "31")), want: chain.ErrOverspend},
		{name: "the reward of the same block", text: toA(w.block(pays(w.a, "r", "31"))), want: chain.ErrOverspend},
		{name: "all, and the reward of the same block", text: toA(w.block(pays(w.a, "r", "30"), pays(w.a, "s", "10"))), want: chain.ErrOverspend},
		{name: "what comes in the same block before", text: block(pays(w.a, b, "5"), pays(w.b, "r", "15")), want: chain.ErrOverspend},
		{name: "what comes in the same block after", text: block(pays(w.b, "r", "15"), pays(w.a, b, "5")), want: chain.ErrOverspend},
		{name: "in a circle", text: block(pays(w.a, b, "30"), pays(w.b, a, "10"))},
		{name: "both all", text: block(pays(w.b, "r", "10"), pays(w.a, "r", "30"))},
		{name: "A right, B one more", text: block(pays(w.a, "r", "30"), pays(w.b, "r", "11")), want: chain.ErrOverspend},
		{name: "D, who owns nothing", text: block(pays(w.d, "r", "1")), want: chain.ErrOverspend},
		{name: "D, nothing", text: block(pays(w.d, "r", "0"))},
		{name: "what is open already", text: block(w.trunk.open...)},
		{name: "what is open, in another order", text: block(w.trunk.open[2], w.trunk.open[1], w.trunk.open[0])},
		{name: "what is open, and then too much", text: block(append(w.trunk.open[:3:3], pays(w.a, "s", "28"))...), want: chain.ErrOverspend},
		{name: "so much that what is open no longer fits", text: block(pays(w.a, "s", "29"))},
		{name: "floats that add up to all", text: block(pays(w.a, "r", "10.1"), pays(w.a, "r", "19.9"))},
		{name: "floats that add up to more", text: block(pays(w.a, "r", "10.1"), pays(w.a, "r", "19.9000001")), want: chain.ErrOverspend},
		{name: "two huge ones that cancel out", text: block(pays(w.a, "r", "1e308"), pays(w.a, a, "1e308")), want: chain.ErrOverspend},
	})
}
