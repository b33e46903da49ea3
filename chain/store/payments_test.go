package store

import (
	"strings"
	"testing"

	"lode/chain/wire"
)

// TestPaymentID: payments that differ in a field, or only in where one field
// ends, have different IDs, short or long.
func TestPaymentID(t *testing.T) {
	long := strings.Repeat("f", 3000)
	payments := []wire.Transaction{
		{},
		{Amount: wire.Int(1)},
		{Amount: wire.Float(1)},
		{Sender: "1"},
		{Recipient: "1"},
		{Signature: "1"},
		{Sender: "ab", Recipient: "c", Signature: "d"},
		{Sender: "a", Recipient: "bc", Signature: "d"},
		{Sender: "a", Recipient: "b", Signature: "cd"},
		{Sender: "a", Recipient: "c", Signature: "d"},
		{Sender: "a", Recipient: "b", Signature: "c", Amount: wire.Int(12)},
		{Sender: "a", Recipient: "b", Signature: "c1", Amount: wire.Int(2)},
		{Sender: "a", Recipient: "b", Signature: "C", Amount: wire.Int(12)},
		{Sender: "a\x00\x00\x00\x00\x00\x00\x00\x01b", Signature: "c"},
		{Sender: long},
		{Sender: long, Recipient: long, Signature: long},
		{Sender: long, Recipient: long, Signature: long + "f"},
		{Sender: long, Recipient: long, Signature: long, Amount: wire.Int(1)},
	}
	ids := map[string]wire.Transaction{}
	for _, p := range payments {
		id := paymentID(p)
		if len(id) != paymentIDSize || string(paymentID(p)) != string(id) {
			t.Errorf("an ID of %d bytes, want always the same %d", len(id), paymentIDSize)
		}
		if same, found := ids[string(id)]; found {
			t.Errorf("%.60v and %.60v have the same ID", p, same)
		}
		ids[string(id)] = p
	}
}
