package store

import (
	"bytes"
	"encoding/binary"
	"slices"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// paymentIDSize is how many bytes of its ID stand for a payment in the index.
// Nobody finds two payments with the same ones.
const paymentIDSize = 16

// paymentKeySize is the length of a paymentKey.
const paymentKeySize = 4 + paymentIDSize + 8 + 4

// paymentKey is the span, the ID, the height and the position in the block, all
// numbers big-endian; the value is empty. A payment may stand in the chain several
// times.
func paymentKey(height int64, position int, id []byte) []byte {
	key := binary.BigEndian.AppendUint64(spanKey(height, id), uint64(height))
	return binary.BigEndian.AppendUint32(key, uint32(position))
}

// paymentHeight is the height in a payment's key; a key that is no payment's has
// none of the chain.
func paymentHeight(key []byte) int64 {
	if len(key) != paymentKeySize {
		return -1
	}
	return int64(binary.BigEndian.Uint64(key[4+paymentIDSize:]))
}

// paymentID is the beginning of a payment's ID.
func paymentID(t wire.Transaction) []byte {
	id := t.ID()
	return id[:paymentIDSize]
}

// appendPaymentKeys appends the keys of a block's payments.
func appendPaymentKeys(keys [][]byte, height int64, ids [][32]byte) [][]byte {
	for i, id := range ids {
		keys = append(keys, paymentKey(height, i, id[:paymentIDSize]))
	}
	return keys
}

// indexPayments adds payments to the index, in the order of their keys as
// indexHashes does.
func (w *writer) indexPayments(in series, keys [][]byte) error {
	slices.SortFunc(keys, bytes.Compare)
	bucket := w.tx.Bucket(in.payments)
	for _, key := range keys {
		if err := w.put(bucket, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// forgetPayments takes payments out of the trunk's index.
func (w *writer) forgetPayments(keys [][]byte) error {
	bucket := w.tx.Bucket(paymentsBucket)
	for _, key := range keys {
		if err := w.delete(bucket, key); err != nil {
			return err
		}
	}
	return nil
}

// HasPayment reports whether a block of the chain holds the payment.
func (db *DB) HasPayment(t wire.Transaction) (found bool, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		found, err = hasPayment(tx, paymentID(t))
		return err
	})
	return found, err
}
