package chain

import (
	"testing"

	"lode/chain/wire"
)

// TestPayments: the set has what was added, and nothing that differs from that in
// one field. What it keeps of a payment nobody can tell who doesn't know the secret.
func TestPayments(t *testing.T) {
	payment := wire.Transaction{Sender: "s", Recipient: "r", Signature: "ff", Amount: wire.Int(1)}
	one, two := newPayments(), newPayments()
	if one.has(payment) {
		t.Error("an empty set has a payment")
	}
	one.add(payment)
	two.add(payment)
	if !one.has(payment) {
		t.Error("the set hasn't what was added")
	}
	for name, other := range map[string]wire.Transaction{
		"sender":    {Sender: "x", Recipient: "r", Signature: "ff", Amount: wire.Int(1)},
		"recipient": {Sender: "s", Recipient: "x", Signature: "ff", Amount: wire.Int(1)},
		"signature": {Sender: "s", Recipient: "r", Signature: "fe", Amount: wire.Int(1)},
		"amount":    {Sender: "s", Recipient: "r", Signature: "ff", Amount: wire.Float(1)},
	} {
		if one.has(other) {
			t.Errorf("the set has a payment with another %s", name)
		}
	}
	for mark := range one.marks {
		if _, same := two.marks[mark]; same {
			t.Error("two sets keep the same of a payment")
		}
	}
}
