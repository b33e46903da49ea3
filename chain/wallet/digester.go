package wallet

import (
	"crypto/sha256"

	"lode/chain/sha256lanes"
)

// digester computes several payments' digests together, in memory that is used again.
type digester struct {
	text     []byte
	messages [][]byte // parts of text
	sums     [][sha256.Size]byte
}

// digests are each payment's digest, until the next call.
func (d *digester) digests(payments []Payment) [][sha256.Size]byte {
	d.text, d.messages, d.sums = d.text[:0], d.messages[:0], d.sums[:0]
	for _, p := range payments {
		start := len(d.text)
		d.text = appendSigned(d.text, p.Sender, p.Recipient, p.Amount)
		// If the text has moved, the parts before are where they were, and as they were.
		d.messages = append(d.messages, d.text[start:])
		d.sums = append(d.sums, [sha256.Size]byte{})
	}
	sha256lanes.SumAll(d.sums, d.messages)
	clear(d.messages) // for texts that have moved
	return d.sums
}
