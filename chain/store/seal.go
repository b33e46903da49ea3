package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	sha256 "github.com/minio/sha256-simd"
	bolt "go.etcd.io/bbolt"
)

// A sealed value begins with the CRC-32C of key and content, so that an edited
// balance does not go unnoticed. Blocks need none: their hashes are linked.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const sealSize = 4

func putSealed(b *bolt.Bucket, key, content []byte) error {
	value := binary.BigEndian.AppendUint32(make([]byte, 0, sealSize+len(content)), checksum(key, content))
	return b.Put(key, append(value, content...))
}

// getSealed is a copy of the content under a key, nil if there is none.
func getSealed(b *bolt.Bucket, key []byte) ([]byte, error) {
	value := b.Get(key)
	if value == nil {
		return nil, nil
	}
	content, err := unseal(key, value)
	return bytes.Clone(content), err
}

func unseal(key, value []byte) ([]byte, error) {
	if len(value) < sealSize || binary.BigEndian.Uint32(value) != checksum(key, value[sealSize:]) {
		return nil, fmt.Errorf("%w: the record %.40q has a wrong checksum", ErrCorrupt, key)
	}
	return value[sealSize:], nil
}

func checksum(key, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, content)
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

// scan checks a whole database as it is read at the start. It reads blocks at
// the speed of SHA-256, without parsing their JSON.
func scan(tx *bolt.Tx) error {
	if err := scanMeta(tx); err != nil {
		return err
	}
	for _, name := range [][]byte{accountBucket, poolBucket, peersBucket} {
		err := tx.Bucket(name).ForEach(func(key, value []byte) error {
			_, err := unseal(key, value)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return scanBlocks(tx)
}

func scanMeta(tx *bolt.Tx) error {
	for _, name := range [][]byte{metaBucket, blocksBucket, hashesBucket, accountBucket, poolBucket, peersBucket} {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: it has no bucket %q", ErrForeign, name)
		}
	}
	for name, want := range map[string]string{"application": application, "format": format} {
		got, err := getSealed(tx.Bucket(metaBucket), []byte(name))
		if err != nil {
			return err
		}
		if string(got) != want {
			return fmt.Errorf("%w: its %s is %.40q, not %q", ErrForeign, name, got, want)
		}
	}
	return nil
}

var errLink = errors.New("it doesn't follow the block before")

// scanBlocks checks that heights have no gap, that each block names its height
// and the hash of the one before, and that the last one's hash is indexed.
func scanBlocks(tx *bolt.Tx) error {
	next := int64(0)
	var hash [sha256.Size]byte
	var start []byte
	err := tx.Bucket(blocksBucket).ForEach(func(key, value []byte) error {
		height, err := heightOf(key)
		if err != nil {
			return err
		}
		if height != next {
			return fmt.Errorf("%w: block %d is missing", ErrCorrupt, next)
		}
		if start = blockStart(start[:0], height, hash); !bytes.HasPrefix(value, start) {
			return fmt.Errorf("%w: block %d: %w", ErrCorrupt, height, errLink)
		}
		hash = sha256.Sum256(value)
		next++
		return nil
	})
	if err != nil || next == 0 {
		return err
	}
	if key := tx.Bucket(hashesBucket).Get(hash[:]); !bytes.Equal(key, heightKey(next-1)) {
		return fmt.Errorf("%w: block %d: its hash is not in the index, so it was changed", ErrCorrupt, next-1)
	}
	return nil
}

// blockStart is how the canonical JSON of the block at a height begins.
func blockStart(dst []byte, height int64, previous [sha256.Size]byte) []byte {
	dst = append(dst, `{"index": `...)
	dst = strconv.AppendInt(dst, height, 10)
	dst = append(dst, `, "previous_hash": "`...)
	if height > 0 {
		dst = hex.AppendEncode(dst, previous[:])
	}
	return append(dst, `", `...)
}
