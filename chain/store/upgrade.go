package store

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The keys and values of the formats that this program reads; upgrade brings
// them to the last one.
const (
	format       = "2"
	formerFormat = "1" // had no index of payments
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
		w := &writer{tx, total}
		if err := w.indexAllPayments(); err != nil {
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

func (w *writer) indexAllPayments() error {
	var keys [][]byte
	err := w.tx.Bucket(blocksBucket).ForEach(func(key, value []byte) error {
		height, err := numberOf(key)
		if err != nil {
			return err
		}
		b, err := decodeBlock(height, value)
		if err != nil {
			return err
		}
		keys = appendPaymentKeys(keys, b)
		return nil
	})
	if err != nil {
		return err
	}
	return w.indexPayments(keys)
}
