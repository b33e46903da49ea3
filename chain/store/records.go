package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	bolt "go.etcd.io/bbolt"
)

// Everything but the blocks, which their hashes protect, is kept as records: a
// value that begins with the CRC-32C of key and content, so that a changed one
// is found. So that a missing one is found too, the sum of all records'
// checksums is kept as well.
const checksumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, content)
}

func sealed(key, content []byte) []byte {
	value := make([]byte, checksumSize, checksumSize+len(content))
	binary.BigEndian.PutUint32(value, checksum(key, content))
	return append(value, content...)
}

// unseal is the content of a record; it is valid as long as the transaction.
func unseal(key, value []byte) ([]byte, error) {
	if len(value) < checksumSize || binary.BigEndian.Uint32(value) != checksum(key, value[checksumSize:]) {
		return nil, fmt.Errorf("%w: the record %.40q has a wrong checksum", ErrCorrupt, key)
	}
	return value[checksumSize:], nil
}

// get is a copy of the content under a key, nil if there is none.
func get(b *bolt.Bucket, key []byte) ([]byte, error) {
	value := b.Get(key)
	if value == nil {
		return nil, nil
	}
	content, err := unseal(key, value)
	return bytes.Clone(content), err
}

// forEach calls f with the records of a bucket in the order of their keys.
func forEach(b *bolt.Bucket, f func(key, content []byte) error) error {
	return b.ForEach(func(key, value []byte) error {
		content, err := unseal(key, value)
		if err != nil {
			return err
		}
		return f(key, content)
	})
}

// writer changes records and keeps the sum of their checksums.
type writer struct {
	tx     *bolt.Tx
	total  uint64
	chunks []*[]byte // see takeMemory
}

func (w *writer) put(b *bolt.Bucket, key, content []byte) error {
	if err := w.forget(b, key); err != nil {
		return err
	}
	w.total += uint64(checksum(key, content))
	return b.Put(key, sealed(key, content))
}

func (w *writer) delete(b *bolt.Bucket, key []byte) error {
	if err := w.forget(b, key); err != nil {
		return err
	}
	return b.Delete(key)
}

// set puts a record, or deletes it if the content is empty.
func (w *writer) set(b *bolt.Bucket, key, content []byte) error {
	if len(content) == 0 {
		return w.delete(b, key)
	}
	return w.put(b, key, content)
}

// readTotal is the sum that a writer keeps.
func readTotal(tx *bolt.Tx) (uint64, error) {
	content, err := get(tx.Bucket(metaBucket), []byte(totalKey))
	if err != nil {
		return 0, err
	}
	if len(content) != 8 {
		return 0, fmt.Errorf("%w: the sum of the checksums is missing", ErrCorrupt)
	}
	return binary.BigEndian.Uint64(content), nil
}

// forget takes a record's checksum out of the sum.
func (w *writer) forget(b *bolt.Bucket, key []byte) error {
	value := b.Get(key)
	if value == nil {
		return nil
	}
	if _, err := unseal(key, value); err != nil {
		return err
	}
	w.total -= uint64(binary.BigEndian.Uint32(value))
	return nil
}

// replaceList makes contents the list that a bucket holds under the numbers 1,
// 2, ... with gaps. What stays in its order is not written again, since most
// changes to a long pool take a few items out.
func (w *writer) replaceList(b *bolt.Bucket, contents [][]byte) error {
	kept := 0
	var gone [][]byte
	err := forEach(b, func(key, content []byte) error {
		if kept < len(contents) && bytes.Equal(content, contents[kept]) {
			kept++
		} else {
			gone = append(gone, bytes.Clone(key))
		}
		return nil
	})
	if err != nil {
		return err
	}
	last := lastNumber(b) // before the deletions: cursors dislike emptied pages
	for _, key := range gone {
		if err := w.delete(b, key); err != nil {
			return err
		}
	}
	for i, content := range contents[kept:] {
		if err := w.put(b, numberKey(last+1+int64(i)), content); err != nil {
			return err
		}
	}
	return nil
}

// appendToList adds one item to the end of a list.
func (w *writer) appendToList(b *bolt.Bucket, content []byte) error {
	return w.put(b, numberKey(lastNumber(b)+1), content)
}

// lastNumber is the highest key of a list, 0 if it is empty.
func lastNumber(b *bolt.Bucket) int64 {
	key, _ := b.Cursor().Last()
	number, err := numberOf(key)
	if err != nil {
		return 0
	}
	return number
}

// numberKey is a key, or a value, whose bytes sort as the number does.
func numberKey(number int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(number)) }

func numberOf(key []byte) (int64, error) {
	if len(key) != 8 || binary.BigEndian.Uint64(key) > math.MaxInt64 {
		return 0, fmt.Errorf("%w: %.40q stands where a number must", ErrCorrupt, key)
	}
	return int64(binary.BigEndian.Uint64(key)), nil
}

// longestAddress stands in an account's key as it is; a longer one, which only
// an attacker would make, stands there as its hash, since bbolt bounds keys.
const longestAddress = 1024

// accountKey begins with a byte that says which form follows, so that no two
// addresses share a key and none is empty.
func accountKey(address string) []byte {
	if len(address) <= longestAddress {
		return append([]byte{'a'}, address...)
	}
	sum := sha256.Sum256([]byte(address))
	return append([]byte{'h'}, sum[:]...)
}
