package store

import (
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The keys and values of the formats that this program reads; upgrade brings
// them to the last one.
const (
	format       = "2"
	formerFormat = "1" // had no index of payments, and one of hashes without spans
)

// isFormer reports whether a database has the format before this one.
func isFormer(tx *bolt.Tx) (bool, error) {
	got, err := get(tx.Bucket(metaBucket), []byte(formatKey))
	return string(got) == formerFormat, err
}

// upgrade makes a database of the former format one of this format.
func upgrade(db *bolt.DB) error {
	former := false
	err := db.View(func(tx *bolt.Tx) (err error) {
		former, err = isFormer(tx)
		return err
	})
	if err != nil || !former {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		total, err := readTotal(tx)
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucket(paymentsBucket); err != nil {
			return fmt.Errorf("making bucket %s: %w", paymentsBucket, err)
		}
		if err := tx.DeleteBucket(hashesBucket); err != nil {
			return fmt.Errorf("emptying bucket %s: %w", hashesBucket, err)
		}
		if _, err := tx.CreateBucket(hashesBucket); err != nil {
			return fmt.Errorf("making bucket %s: %w", hashesBucket, err)
		}
		w := &writer{tx, total}
		if err := w.indexBlocks(); err != nil {
			return err
		}
		if err := w.put(tx.Bucket(metaBucket), []byte(formatKey), []byte(format)); err != nil {
			return err
		}
		return w.finish()
	})
	if err != nil {
		return fmt.Errorf("bringing the database to format %s: %w", format, err)
	}
	return nil
}

// indexBlocks makes both indexes of all blocks.
func (w *writer) indexBlocks() error {
	var payments [][]byte
	var hashes []hashEntry
	err := w.tx.Bucket(blocksBucket).ForEach(func(key, value []byte) error {
		height, err := numberOf(key)
		if err != nil {
			return err
		}
		b, err := decodeBlock(height, value)
		if err != nil {
			return err
		}
		hashes = append(hashes, newHashEntry(height, sha256.Sum256(value)))
		payments = appendPaymentKeys(payments, b)
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.indexHashes(hashes); err != nil {
		return err
	}
	return w.indexPayments(payments)
}
