package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The formats of keys and values that this program reads. A database at rest has
// the format 2.
const (
	format       = "2"
	branchFormat = "3" // has a branch beside the chain, see branch.go; earlier programs must not take it
	formerFormat = "1" // had no index of payments, and one of hashes without spans
)

// isFormer reports whether a database has the format before this one.
func (db *DB) isFormer() (former bool, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		got, err := get(tx.Bucket(metaBucket), []byte(formatKey))
		former = string(got) == formerFormat
		return err
	})
	return former, err
}

// upgrade makes a database of the former format one of this format. It goes in
// pieces; after each of them the record upgraded says which height is next.
func (db *DB) upgrade(ctx context.Context) error {
	former, err := db.isFormer()
	for done := !former; err == nil && !done; {
		if err = ctx.Err(); err != nil {
			break
		}
		err = db.update(func(w *writer) (err error) {
			done, err = w.upgrade(db.limits.piece)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("bringing the database to format %s: %w", format, err)
	}
	return nil
}

// upgrade indexes the next blocks and reports whether these were the last ones.
func (w *writer) upgrade(piece limit) (done bool, err error) {
	if _, err := w.tx.CreateBucketIfNotExists(paymentsBucket); err != nil {
		return false, fmt.Errorf("making bucket %s: %w", paymentsBucket, err)
	}
	meta := w.tx.Bucket(metaBucket)
	next := int64(0)
	if content, err := get(meta, []byte(upgradedKey)); err != nil {
		return false, err
	} else if content != nil {
		if next, err = numberOf(content); err != nil {
			return false, err
		}
	}
	count, err := w.indexBlocks(next, piece)
	if err != nil {
		return false, err
	}
	if count > 0 {
		return false, w.put(meta, []byte(upgradedKey), numberKey(next+count))
	}
	if err := w.delete(meta, []byte(upgradedKey)); err != nil {
		return false, err
	}
	return true, w.putFormat(format)
}

// indexBlocks makes both indexes of blocks from a height on, and returns of how
// many.
func (w *writer) indexBlocks(next int64, piece limit) (count int64, err error) {
	var payments [][]byte
	var hashes []hashEntry
	size := 0
	cursor := w.tx.Bucket(blocksBucket).Cursor()
	for key, value := cursor.Seek(numberKey(next)); key != nil && !piece.isFull(len(hashes), size); key, value = cursor.Next() {
		height := next + int64(len(hashes))
		if !bytes.Equal(key, numberKey(height)) {
			return 0, absent(height)
		}
		b, err := decodeBlock(height, value)
		if err != nil {
			return 0, err
		}
		hash := sha256.Sum256(value)
		if err := w.tx.Bucket(hashesBucket).Delete(hash[:]); err != nil {
			return 0, err
		}
		hashes = append(hashes, newHashEntry(height, hash))
		payments = appendPaymentKeys(payments, height, b.PaymentIDs())
		size += len(value)
	}
	count = int64(len(hashes))
	if err := w.indexHashes(trunk(), hashes); err != nil {
		return 0, err
	}
	return count, w.indexPayments(trunk(), payments)
}
