package peer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"lode/chain"
	"lode/chain/wire"
)

// errInvalid means that a peer's block can't belong to a valid chain.
var errInvalid = errors.New("not a valid chain")

// branch is a peer's chain above the last block that ours has too, kept in a
// file until it is complete: while the ledger checks it, nobody has to wait
// for the network, and what all peers send at the same time is on disk, not in
// memory.
type branch struct {
	base chain.Tip // the last common block
	tip  chain.Tip // the last block

	dir        string
	pattern    string // of the file's name, for os.CreateTemp
	difficulty int
	maxBytes   int64
	spool      *spool // has given size bytes
	transfer   *transfer

	size    int64
	file    *os.File // nil while there is no block
	unnamed bool     // the file has no name any more
	out     *bufio.Writer
	scratch []byte
}

func (d *download) newBranch(base chain.Tip) *branch {
	return &branch{
		base: base, tip: base,
		dir: d.cfg.SpoolDir, pattern: d.cfg.SpoolPattern, difficulty: d.cfg.Ledger.Difficulty(),
		maxBytes: d.cfg.MaxDownloadBytes, spool: d.spool, transfer: d.transfer,
	}
}

// append takes the next block. Index, link and proof are checked at once, so
// that nobody can fill the disk without work; the ledger checks everything.
func (b *branch) append(block wire.Block) error {
	if err := chain.CheckLink(block, b.tip, b.difficulty); err != nil {
		return fmt.Errorf("%w: %w", errInvalid, err)
	}
	if err := b.write(block); err != nil {
		return err
	}
	b.tip = chain.Tip{Height: block.Index, Hash: block.Hash()}
	b.transfer.came()
	return nil
}

// length is how many blocks it has.
func (b *branch) length() int64 { return b.tip.Height - b.base.Height }

func (b *branch) write(block wire.Block) error {
	if b.file == nil {
		file, err := os.CreateTemp(b.dir, b.pattern)
		if err != nil {
			return keepingFailed(err)
		}
		b.file, b.out = file, bufio.NewWriterSize(file, 64<<10)
		// Where the system allows it, the name goes at once, so that not even
		// a killed process leaves the file behind.
		b.unnamed = os.Remove(file.Name()) == nil
	}
	separator := byte(',')
	if b.size == 0 {
		separator = '['
	}
	b.scratch = block.AppendClassic(append(b.scratch[:0], separator))
	if b.size+int64(len(b.scratch)) > b.maxBytes {
		return fmt.Errorf("%w: more than %d bytes", errTooLong, b.maxBytes)
	}
	if err := b.spool.take(int64(len(b.scratch))); err != nil {
		return err
	}
	b.size += int64(len(b.scratch))
	if _, err := b.out.Write(b.scratch); err != nil {
		return keepingFailed(err)
	}
	return nil
}

// keepingFailed is the error of a file that can't be written. The branch is of
// no more use then.
func keepingFailed(err error) error {
	return fmt.Errorf("%w: keeping a peer's blocks: %w", errLocal, err)
}

// blocks reads the branch back. maxBlockBytes is the limit its blocks were
// read with; here they may be six times longer, since what needs no escape in
// JSON ("\x7f") may have got one ("\u007f"), and half as long again for blanks.
func (b *branch) blocks(maxBlockBytes int) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		if err := b.out.Flush(); err != nil {
			yield(wire.Block{}, keepingFailed(err))
			return
		}
		array := io.MultiReader(io.NewSectionReader(b.file, 0, b.size), strings.NewReader("]"))
		wire.ReadBlocks(array, 9*maxBlockBytes)(yield)
	}
}

// close deletes the file.
func (b *branch) close() error {
	if b == nil || b.file == nil {
		return nil
	}
	b.spool.give(b.size)
	err := b.file.Close()
	if !b.unnamed {
		err = errors.Join(err, os.Remove(b.file.Name()))
	}
	return err
}
