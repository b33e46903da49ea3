package wire

import (
	"strings"
	"testing"
)

// TestTransactionID: payments that differ in a field, or only in where one field
// ends, have different IDs, short or long.
func TestTransactionID(t *testing.T) {
	long := strings.Repeat("f", 3000)
	payments := []Transaction{
		{},
		{Amount: Int(1)},
		{Amount: Float(1)},
		{Sender: "1"},
		{Recipient: "1"},
		{Signature: "1"},
		{Sender: "ab", Recipient: "c", Signature: "d"},
		{Sender: "a", Recipient: "bc", Signature: "d"},
		{Sender: "a", Recipient: "b", Signature: "cd"},
		{Sender: "a", Recipient: "c", Signature: "d"},
		{Sender: "a", Recipient: "b", Signature: "c", Amount: Int(12)},
		{Sender: "a", Recipient: "b", Signature: "c1", Amount: Int(2)},
		{Sender: "a", Recipient: "b", Signature: "C", Amount: Int(12)},
		{Sender: "a\x00\x00\x00\x00\x00\x00\x00\x01b", Signature: "c"},
		{Sender: long},
		{Sender: long, Recipient: long, Signature: long},
		{Sender: long, Recipient: long, Signature: long + "f"},
		{Sender: long, Recipient: long, Signature: long, Amount: Int(1)},
	}
	ids := map[[32]byte]Transaction{}
	for _, p := range payments {
		id := p.ID()
		if same, found := ids[id]; found {
			t.Errorf("%.60v and %.60v have the same ID", p, same)
		}
		ids[id] = p
	}
}
