package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestUpgrade opens a database as the former format had it: everything is
// there, and so is the index that it lacked.
func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chain.db")
	must(t, os.WriteFile(path, formerText(t), 0o600))
	whole := wholeDump(t, sample(t))
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

// formerText is the bytes of a database of the former format.
func formerText(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(memoryDir(t), "former.db")
	must(t, os.WriteFile(path, sample(t), 0o600))
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(downgrade))
	must(t, db.Close())
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}

// TestUpgradeInPieces crashes after each piece of an upgrade; the next start does
// the rest.
func TestUpgradeInPieces(t *testing.T) {
	whole := wholeDump(t, sample(t))
	folder := memoryDir(t)
	path, copied := filepath.Join(folder, "chain.db"), filepath.Join(folder, "copy.db")
	must(t, os.WriteFile(path, formerText(t), 0o600))
	raw, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	pieces := 0
	for done := false; !done; pieces++ {
		must(t, raw.Update(func(tx *bolt.Tx) (err error) {
			w := &writer{tx: tx}
			if w.total, err = readTotal(tx); err == nil {
				done, err = w.upgrade(limit{7, 1 << 20})
			}
			return errors.Join(err, w.finish())
		}))
		text, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(copied, text, 0o600))
		db, err := Open(copied)
		must(t, err)
		if got, err := dump(db); err != nil || got != whole {
			t.Errorf("after piece %d: the database holds %s, error %v, want %s", pieces, got, err, whole)
		}
		must(t, db.Close())
		checkConsistency(t, copied)
	}
	must(t, raw.View(func(tx *bolt.Tx) error {
		if left, err := get(tx.Bucket(metaBucket), []byte(upgradedKey)); left != nil || err != nil {
			t.Errorf("the upgrade has left %x, error %v", left, err)
		}
		return nil
	}))
	must(t, raw.Close())
	if pieces != 6 { // five of 31 blocks, and the last one
		t.Errorf("%d pieces, want 6", pieces)
	}
	if got, err := dump(mustOpen(t, path)); err != nil || got != whole {
		t.Errorf("the database holds %s, error %v, want %s", got, err, whole)
	}
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
