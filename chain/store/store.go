// Package store keeps the ledger in one bbolt database file, and reads and
// writes the original node's text file. It is the only code that knows either, but it
// checks and opens other bbolt files too.
package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"lode/chain/wire"
)

var (
	// ErrForeign is a file that is no database of this program.
	ErrForeign = errors.New("not a database of this program")
	// ErrCorrupt is a database that was cut, edited or damaged.
	ErrCorrupt = errors.New("the database is damaged")
	// ErrLocked is a database that another process has open.
	ErrLocked = errors.New("another process has the database open; stop it first")
	// ErrLink is a block that doesn't stand where its index and previous_hash say.
	ErrLink = errors.New("it doesn't follow the block before")
)

// digest is a block's hash: the SHA-256 of its canonical JSON.
type digest [sha256.Size]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// longestLink is more than any beginning of a block that checkLink looks at.
const longestLink = 160

// checkLink checks, without parsing it, that a block's canonical JSON says that
// the block is at that height and follows the one with the hash previous.
func checkLink(canonical []byte, height int64, previous digest) error {
	start := make([]byte, 0, longestLink) // so that it stays on the stack
	start = append(start, `{"index": `...)
	start = strconv.AppendInt(start, height, 10)
	start = append(start, `, "previous_hash": "`...)
	if height > 0 {
		start = hex.AppendEncode(start, previous[:])
	}
	if start = append(start, `", `...); !bytes.HasPrefix(canonical, start) {
		return fmt.Errorf("block %d: %w", height, ErrLink)
	}
	return nil
}

// checkBase checks that Commit has a block to put others on.
func checkBase(base, head int64) error {
	if base < -1 || base > head {
		return fmt.Errorf("blocks after block %d, the last being %d: %w", base, head, ErrLink)
	}
	return nil
}

// follow checks that blocks follow a parent, and calls store for each.
func follow(base int64, parent digest, blocks iter.Seq2[wire.Sealed, error], store func(height int64, b wire.Sealed) error) error {
	height := base
	for b, err := range blocks {
		if err != nil {
			return err
		}
		height++
		if err := checkLink(b.Canonical, height, parent); err != nil {
			return err
		}
		parent = b.Sum
		if err := store(height, b); err != nil {
			return fmt.Errorf("block %d: %w", height, err)
		}
	}
	return nil
}

// sealAll yields blocks that are in memory.
func sealAll(blocks []wire.Block) iter.Seq2[wire.Sealed, error] {
	return func(yield func(wire.Sealed, error) bool) {
		for _, b := range blocks {
			if !yield(wire.Seal(b), nil) {
				return
			}
		}
	}
}
