package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestUpgrade opens a database as the former format had it: everything is
// there, and so is the index that it lacked.
func TestUpgrade(t *testing.T) {
	text := sample(t)
	path := filepath.Join(t.TempDir(), "chain.db")
	must(t, os.WriteFile(path, text, 0o600))
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(downgrade))
	must(t, db.Close())
	whole := wholeDump(t, text)
	for range 2 { // the second time there is nothing to do
		db, err := Open(path)
		must(t, err)
		got, err := dump(db)
		must(t, db.Close())
		if err != nil || got != whole {
			t.Errorf("the database holds %s, error %v, want %s", got, err, whole)
		}
	}
	checkConsistency(t, path)
}

func downgrade(tx *bolt.Tx) error {
	total, err := readTotal(tx)
	if err != nil {
		return err
	}
	w := &writer{tx, total}
	payments := tx.Bucket(paymentsBucket)
	for key, _ := payments.Cursor().First(); key != nil; key, _ = payments.Cursor().First() {
		if err := w.delete(payments, key); err != nil {
			return err
		}
	}
	if err := tx.DeleteBucket(paymentsBucket); err != nil {
		return err
	}
	hashes := map[string][]byte{}
	byHash := tx.Bucket(hashesBucket)
	for key, height := byHash.Cursor().First(); key != nil; key, height = byHash.Cursor().First() {
		hashes[string(key[4:])] = bytes.Clone(height)
		if err := byHash.Delete(key); err != nil {
			return err
		}
	}
	for hash, height := range hashes {
		if err := byHash.Put([]byte(hash), height); err != nil {
			return err
		}
	}
	if err := w.put(tx.Bucket(metaBucket), []byte(formatKey), []byte(formerFormat)); err != nil {
		return err
	}
	return w.finish()
}
