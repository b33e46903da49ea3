package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// formerFormats are those that earlier programs made.
func formerFormats() []string { return []string{firstFormat, secondFormat} }

// TestUpgrade opens databases as earlier programs made them: everything is there,
// and so are the indexes that they lacked.
func TestUpgrade(t *testing.T) {
	for _, former := range formerFormats() {
		path := filepath.Join(t.TempDir(), "chain.db")
		must(t, os.WriteFile(path, formerText(t, former), 0o600))
		whole := wholeDump(t, sample(t))
		for range 2 { // the second time there is nothing to do
			db, err := Open(path)
			must(t, err)
			got, err := dump(db)
			must(t, db.Close())
			if err != nil || got != whole {
				t.Errorf("format %s: the database holds %s, error %v, want %s", former, got, err, whole)
			}
		}
		checkConsistency(t, path)
		assertAtRest(t, path)
	}
}

// formerText is the bytes of a database of a former format.
func formerText(t testing.TB, format string) []byte {
	t.Helper()
	path := filepath.Join(memoryDir(t), "former.db")
	must(t, os.WriteFile(path, sample(t), 0o600))
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error { return downgrade(tx, format) }))
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
	must(t, os.WriteFile(path, formerText(t, secondFormat), 0o600))
	raw, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	pieces := 0
	for done := false; !done; pieces++ {
		must(t, raw.Update(func(tx *bolt.Tx) (err error) {
			w := &writer{tx: tx}
			if w.total, err = readTotal(tx); err == nil {
				err = w.upgrade(limit{7, 1 << 20})
			}
			done = !isFormer(tx)
			return errors.Join(err, w.finish())
		}))
		text, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(copied, text, 0o600))
		db, err := Open(copied)
		must(t, err)
		if got, err := dump(db); err != nil || got != whole {
			t.Errorf("after piece %d: the database holds %s, error %v, want %s", pieces+1, got, err, whole)
		}
		must(t, db.Close())
		checkConsistency(t, copied)
	}
	must(t, raw.Close())
	if pieces != 7 { // one without blocks, five of 31 blocks, and the last one
		t.Errorf("%d pieces, want 7", pieces)
	}
	if got, err := dump(mustOpen(t, path)); err != nil || got != whole {
		t.Errorf("the database holds %s, error %v, want %s", got, err, whole)
	}
}

// TestDamageOfAFormerDatabase: what protects one is looked at before it is upgraded.
func TestDamageOfAFormerDatabase(t *testing.T) {
	for _, c := range []struct {
		name, message string
		want          error
		edit          func(*bolt.Tx) error
	}{
		{"an edited last block", "block 30: its hash is", ErrCorrupt, func(tx *bolt.Tx) error {
			value := bytes.Replace(tx.Bucket(blocksBucket).Get(numberKey(30)), []byte(`"amount": 10`), []byte(`"amount": 99`), 1)
			return tx.Bucket(blocksBucket).Put(numberKey(30), value)
		}},
		{"a missing last block", "block 30", ErrCorrupt, func(tx *bolt.Tx) error { return tx.Bucket(blocksBucket).Delete(numberKey(30)) }},
		{"a missing hash", "the index has 30 hashes of 31 blocks", ErrCorrupt, func(tx *bolt.Tx) error {
			key, _ := tx.Bucket(formerHashesBucket).Cursor().First()
			return tx.Bucket(formerHashesBucket).Delete(key)
		}},
		{"a missing payment", "records are missing", ErrCorrupt, func(tx *bolt.Tx) error {
			key, _ := tx.Bucket(formerPaymentsBucket).Cursor().First()
			return tx.Bucket(formerPaymentsBucket).Delete(key)
		}},
		{"a branch", "start that version once more", ErrForeign, func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket(branchBlocksBucket)
			return err
		}},
		{"this format without its indexes", "its format", ErrForeign, func(tx *bolt.Tx) error {
			return tx.Bucket(metaBucket).Put([]byte(formatKey), sealed([]byte(formatKey), []byte(format)))
		}},
	} {
		path := filepath.Join(memoryDir(t), "chain.db")
		must(t, os.WriteFile(path, formerText(t, secondFormat), 0o600))
		raw, err := bolt.Open(path, 0o600, nil)
		must(t, err)
		must(t, raw.Update(c.edit))
		must(t, raw.Close())
		if _, err := Open(path); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: error %v, want %v and that it says %q", c.name, err, c.want, c.message)
		}
	}
}

// formerSpan is the beginning of a key of the second format's indexes.
func formerSpan(height int64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(height>>14)) }

// downgrade makes what an earlier program would have.
func downgrade(tx *bolt.Tx, format string) error {
	total, err := readTotal(tx)
	if err != nil {
		return err
	}
	w := &writer{tx: tx, total: total}
	for _, name := range [][]byte{hashesBucket, paymentsBucket} {
		if err := errors.Join(w.forgetAll(name), tx.DeleteBucket(name)); err != nil {
			return err
		}
	}
	last, err := lastIn(tx, trunk())
	if err != nil {
		return err
	}
	var texts [][]byte
	for height := range last + 1 {
		text, err := textAt(tx.Bucket(blocksBucket), height)
		if err != nil {
			return err
		}
		texts = append(texts, bytes.Clone(text))
	}
	if err := tx.DeleteBucket(blocksBucket); err != nil {
		return err
	}
	for _, name := range [][]byte{blocksBucket, formerHashesBucket, formerPaymentsBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	for height, text := range texts {
		if err := w.putFormer(format, int64(height), text); err != nil {
			return err
		}
	}
	if format == firstFormat {
		if err := tx.DeleteBucket(formerPaymentsBucket); err != nil {
			return err
		}
	}
	return errors.Join(w.putFormat(format), w.finish())
}

// putFormer stores a block as an earlier program did.
func (w *writer) putFormer(format string, height int64, text []byte) error {
	if err := w.tx.Bucket(blocksBucket).Put(numberKey(height), text); err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	if format == firstFormat {
		return w.tx.Bucket(formerHashesBucket).Put(sum[:], numberKey(height))
	}
	if err := w.tx.Bucket(formerHashesBucket).Put(append(formerSpan(height), sum[:]...), numberKey(height)); err != nil {
		return err
	}
	b, err := decodeBlock(height, text)
	if err != nil {
		return err
	}
	for i, id := range b.PaymentIDs() {
		key := binary.BigEndian.AppendUint64(append(formerSpan(height), id[:16]...), uint64(height))
		if err := w.put(w.tx.Bucket(formerPaymentsBucket), binary.BigEndian.AppendUint32(key, uint32(i)), nil); err != nil {
			return err
		}
	}
	return nil
}
