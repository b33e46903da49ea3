package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"

	"lode/api/peer"
	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// takeOverClassic treats the original's text file like a peer that is asked at
// the start: its chain is verified, the longer valid one wins, and its open
// transactions and peers are taken over. An absent file is no error; a damaged
// one is, and no more is taken from it than whole valid parts of a chain that
// extends ours.
func takeOverClassic(ctx context.Context, c *chain.Chain, network *peer.Network, path string, r reporter) error {
	log := r.log
	file, err := store.ReadClassic(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err // names the file
	}
	log.Info("verifying the text file", "file", path, "bytes", file.Bytes)
	// Counting the blocks would take a tenth of the time.
	bar := r.progress("verifying "+path+", MB", file.Bytes/1e6)
	adopted, err := c.Import(ctx, file.Blocks, func(int64) { bar.set(file.Read.Load()/1e6, file.Bytes/1e6) })
	bar.end()
	if errors.Is(err, store.ErrClassic) {
		return err // names the file
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, reason := range file.Refused {
		log.Warn("an open transaction of the text file is left out", "error", reason)
	}
	open, err := stillOpen(c, file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	log.Info("read the text file", "file", path, "chain_taken", adopted,
		"transactions_taken", takeTransactions(ctx, c, open, log), "peers_taken", takePeers(network, file.Peers, log))
	return nil
}

// takeTransactions adds payments to the open ones and returns how many it took.
func takeTransactions(ctx context.Context, c *chain.Chain, open []wire.Transaction, log *slog.Logger) int {
	taken := 0
	for _, t := range open {
		if err := c.AddTransaction(ctx, t); err != nil {
			log.Warn("an open transaction of the text file is left out", "error", err)
			continue
		}
		taken++
	}
	return taken
}

// takePeers adds peers and returns how many it took. The original takes
// anything for a peer, and does nothing with what is none.
func takePeers(network *peer.Network, peers []string, log *slog.Logger) int {
	taken := 0
	for _, address := range peers {
		if err := network.Add(address); err != nil {
			log.Warn("a peer of the text file is left out", "error", err)
			continue
		}
		taken++
	}
	return taken
}

// stillOpen is what of the file's open transactions is missing here: not those
// that are open already, nor those that were mined since the file was written.
// Signatures carry no nonce, so a payment that is added twice is paid twice.
func stillOpen(c *chain.Chain, file store.Classic) ([]wire.Transaction, error) {
	if len(file.Pool) == 0 {
		return nil, nil
	}
	known := map[wire.Transaction]int{}
	for _, t := range c.Pool() {
		known[t]++
	}
	fork, err := commonHeight(c, file.Blocks)
	if err != nil {
		return nil, err
	}
	for height := fork + 1; height <= c.Tip().Height; height++ {
		b, err := c.Block(height)
		if err != nil {
			return nil, err
		}
		for _, t := range b.Payments() {
			known[t]++
		}
	}
	var open []wire.Transaction
	for _, t := range file.Pool {
		if known[t] > 0 {
			known[t]--
			continue
		}
		open = append(open, t)
	}
	return open, nil
}

// commonHeight is the height of the last block that the chain shares with one
// that begins with genesis; 0 if there is none.
func commonHeight(c *chain.Chain, blocks iter.Seq2[wire.Block, error]) (common int64, err error) {
	for b, err := range blocks {
		if err != nil {
			return 0, err
		}
		hash, err := c.HashAt(b.Index)
		if errors.Is(err, chain.ErrNotFound) || err == nil && hash != b.Hash() {
			break
		}
		if err != nil {
			return 0, err
		}
		common = b.Index
	}
	return common, nil
}

// errNotReplaced is a text file that holds more than would be written over it.
var errNotReplaced = errors.New("it is not replaced")

// writeClassic writes the text file as the original would. One that is there is
// only replaced if it holds no more: a Python node may have gone on with it.
func writeClassic(ctx context.Context, c *chain.Chain, path string, r reporter) error {
	blocks := c.Tip().Height + 1
	if err := mayReplace(ctx, path, blocks, r); err != nil {
		return err
	}
	bar := r.progress("writing "+path, blocks)
	defer bar.end()
	return store.WriteClassic(path, watched(ctx, allBlocks(c), bar.add), c.Pool(), c.Peers())
}

// mayReplace refuses to replace a file that is damaged or holds more blocks.
func mayReplace(ctx context.Context, path string, blocks int64, r reporter) error {
	file, err := store.ReadClassic(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var count int64
	if err == nil {
		count, err = file.Count()
	}
	if err == nil && count > blocks {
		return fmt.Errorf("%s: %w: it has %d blocks, and the database %d; `miner import` takes them over",
			path, errNotReplaced, count, blocks)
	}
	if err == nil {
		bar := r.progress("checking "+path, count)
		err = checkBlocks(watched(ctx, file.Blocks, bar.add))
		bar.end()
	}
	if err != nil {
		return fmt.Errorf("%w: %w; move it away or choose another name", errNotReplaced, err)
	}
	return nil
}

// checkBlocks finds out whether blocks can be read.
func checkBlocks(blocks iter.Seq2[wire.Block, error]) error {
	for _, err := range blocks {
		if err != nil {
			return err
		}
	}
	return nil
}

// allBlocks reads the chain from genesis to the tip that it had at the start.
func allBlocks(c *chain.Chain) iter.Seq2[wire.Block, error] {
	tip := c.Tip().Height
	return func(yield func(wire.Block, error) bool) {
		for height := int64(0); height <= tip; height++ {
			b, err := c.Block(height)
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// watched yields the same blocks, until ctx ends, and reports each one.
func watched(ctx context.Context, blocks iter.Seq2[wire.Block, error], report func(int64)) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		for b, err := range blocks {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(b, err) || err != nil {
				return
			}
			report(1)
		}
	}
}
