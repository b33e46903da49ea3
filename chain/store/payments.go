package store

import (
	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// appendPayments appends the index's entries of a block's payments. A payment may
// stand in the chain several times.
func appendPayments(entries []runEntry, height int64, ids [][32]byte) []runEntry {
	for _, id := range ids {
		entries = append(entries, newRunEntry(id[:], height))
	}
	return entries
}

// HasPayment reports whether a block of the chain holds the payment.
func (db *DB) HasPayment(t wire.Transaction) (found bool, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		id := t.ID()
		found, err = hasPayment(tx, id[:])
		return err
	})
	return found, err
}
