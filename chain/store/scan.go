package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// scan checks all that a database holds. It reads blocks at the speed of
// SHA-256, without parsing their JSON.
func scan(tx *bolt.Tx) error {
	if err := scanMeta(tx); err != nil {
		return err
	}
	if err := scanRecords(tx); err != nil {
		return err
	}
	hashes, err := scanBlocks(tx.Bucket(blocksBucket))
	if err != nil {
		return err
	}
	return scanHashes(tx.Bucket(hashesBucket), hashes)
}

// scanMeta checks that the database is ours, in a format that we know.
func scanMeta(tx *bolt.Tx) error {
	if tx.Bucket(metaBucket) == nil {
		return fmt.Errorf("%w: it has no bucket %q", ErrForeign, metaBucket)
	}
	former, err := isFormer(tx)
	if err != nil {
		return err
	}
	for _, name := range buckets() {
		if tx.Bucket(name) == nil && !(former && bytes.Equal(name, paymentsBucket)) {
			return fmt.Errorf("%w: it has no bucket %q", ErrForeign, name)
		}
	}
	for _, want := range [][2]string{{applicationKey, application}, {formatKey, format}} {
		got, err := get(tx.Bucket(metaBucket), []byte(want[0]))
		if err != nil {
			return err
		}
		if string(got) != want[1] && !(former && want[0] == formatKey) {
			return fmt.Errorf("%w: its %s is %.40q, not %q", ErrForeign, want[0], got, want[1])
		}
	}
	return nil
}

// scanRecords checks every record's checksum, and their sum.
func scanRecords(tx *bolt.Tx) error {
	want, err := readTotal(tx)
	if err != nil {
		return err
	}
	total := uint64(0)
	for _, name := range [][]byte{metaBucket, accountsBucket, paymentsBucket, poolBucket, peersBucket} {
		if tx.Bucket(name) == nil {
			continue // the former format has no index of payments
		}
		err := forEach(tx.Bucket(name), func(key, content []byte) error {
			if string(key) != totalKey {
				total += uint64(checksum(key, content))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if total != want {
		return fmt.Errorf("%w: records are missing, or are not of the last state", ErrCorrupt)
	}
	return nil
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

// scanBlocks checks that heights have no gap and that each block names its
// height and the hash of the one before. It returns the blocks' hashes.
func scanBlocks(blocks *bolt.Bucket) ([]digest, error) {
	var hashes []digest
	var previous digest
	err := blocks.ForEach(func(key, value []byte) error {
		height, err := numberOf(key)
		if err != nil {
			return err
		}
		if height != int64(len(hashes)) {
			return fmt.Errorf("%w: block %d is missing", ErrCorrupt, len(hashes))
		}
		if err := checkLink(value, height, previous); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		previous = sha256.Sum256(value)
		hashes = append(hashes, previous)
		return nil
	})
	return hashes, err
}

// scanHashes checks that the index holds exactly these hashes. It protects the
// last block, to which no other links.
func scanHashes(index *bolt.Bucket, hashes []digest) error {
	count := 0
	err := index.ForEach(func(key, value []byte) error {
		height, err := numberOf(value)
		if err != nil {
			return err
		}
		if height >= int64(len(hashes)) {
			return fmt.Errorf("%w: block %d is missing", ErrCorrupt, height)
		}
		if string(key) != string(hashes[height][:]) {
			return fmt.Errorf("%w: block %d: its hash is %s, but %x in the index", ErrCorrupt, height, hashes[height], key)
		}
		count++
		return nil
	})
	if err != nil {
		return err
	}
	if count != len(hashes) {
		return fmt.Errorf("%w: the index has %d hashes of %d blocks", ErrCorrupt, count, len(hashes))
	}
	return nil
}
