package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// The payments of all blocks stand in an index, so that a repeated one is found.
// Its keys are random, and where they fall all over a large tree, every block
// costs a page of its own. So the index is cut into spans of heights: inserts
// stay within the last one, and a lookup asks each.
const (
	spanBits      = 14 // 16,384 blocks: a lookup among a million blocks asks 62 times
	paymentIDSize = 16 // bytes of a SHA-256: nobody finds two payments with one ID
)

// paymentKey is span, ID, height and position in the block, big-endian; the
// value is empty. A payment may stand in the chain several times.
func paymentKey(height int64, position int, id []byte) []byte {
	key := spanKey(height>>spanBits, id)
	key = binary.BigEndian.AppendUint64(key, uint64(height))
	return binary.BigEndian.AppendUint32(key, uint32(position))
}

// spanKey is how the keys of a payment's ID begin within a span.
func spanKey(span int64, id []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(span)), id...)
}

// paymentID tells payments apart by all of their four fields.
func paymentID(t wire.Transaction) []byte {
	sum := sha256.Sum256(t.AppendClassic(nil))
	return sum[:paymentIDSize]
}

// appendPaymentKeys appends the keys of a block's payments.
func appendPaymentKeys(keys [][]byte, b wire.Block) [][]byte {
	for i, t := range b.Payments() {
		keys = append(keys, paymentKey(b.Index, i, paymentID(t)))
	}
	return keys
}

// indexPayments adds payments to the index, in the order of their keys as
// indexHashes does.
func (w *writer) indexPayments(keys [][]byte) error {
	slices.SortFunc(keys, bytes.Compare)
	bucket := w.tx.Bucket(paymentsBucket)
	for _, key := range keys {
		if err := w.put(bucket, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// forgetPayments takes payments out of the index.
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
		height, _, err := head(tx)
		if err != nil {
			return err
		}
		id, cursor := paymentID(t), tx.Bucket(paymentsBucket).Cursor()
		for span := height >> spanBits; span >= 0 && !found; span-- {
			prefix := spanKey(span, id)
			key, _ := cursor.Seek(prefix)
			found = bytes.HasPrefix(key, prefix)
		}
		return nil
	})
	return found, err
}
