package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"os"
	"path/filepath"

	"lode/chain"
	"lode/chain/atomicfile"
	"lode/chain/store"
	"lode/chain/wire"
)

// ledger is a chain of one length: a copy of the cached database in a folder of its
// own, named as the program names it, and while it is open a node on it.
type ledger struct {
	chain    ChainPlan
	payments int64 // in all blocks
	folder   string
	port     int
	owner    signer // the richest wallet
	text     string // the original's text file, once it was needed
	*openNode
}

// newLedger copies the cached chain of a plan, which it makes if it is missing.
func newLedger(ctx context.Context, plan LedgerPlan, work string, p ChainPlan) (*ledger, error) {
	cached, err := cachedChain(ctx, plan, p)
	if err != nil {
		return nil, err
	}
	l := &ledger{chain: p, folder: filepath.Join(work, fmt.Sprint(p.Blocks))}
	if err := os.Mkdir(l.folder, 0o700); err != nil {
		return nil, err
	}
	if l.port, err = freePort(ctx); err != nil {
		return nil, err
	}
	books := newBooks(p)
	for range p.Blocks {
		l.payments += int64(len(books.next().orders))
	}
	richest := 0
	for i, balance := range books.balances {
		if balance > books.balances[richest] {
			richest = i
		}
	}
	if l.owner, err = newSigner(p.Seed, richest, p.KeyBits); err != nil {
		return nil, err
	}
	return l, copyFile(cached, l.database())
}

// database is where the program looks for it.
func (l *ledger) database() string {
	return filepath.Join(l.folder, fmt.Sprintf("chain-%d.db", l.port))
}

// freePort is a TCP port that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// cacheName names a chain's database by what it was made of.
func (p ChainPlan) cacheName() string {
	return fmt.Sprintf("blocks=%d-payments=%d-wallets=%d-bits=%d-seed=%d-difficulty=%d.db",
		p.Blocks, p.Payments, p.Wallets, p.KeyBits, p.Seed, p.Difficulty)
}

// cachedChain is the path of a chain's database.
func cachedChain(ctx context.Context, plan LedgerPlan, p ChainPlan) (path string, err error) {
	path = filepath.Join(plan.Folder, p.cacheName())
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	part := path + ".part" // only a whole one gets its name
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := makeChain(ctx, part, p, plan.progress); err != nil {
		return "", err
	}
	return path, atomicfile.Rename(part, path)
}

// makeChain generates a chain into a new database.
func makeChain(ctx context.Context, path string, p ChainPlan, progress func(string, int64, int64)) (err error) {
	generator, err := NewGenerator(ctx, p)
	if err != nil {
		return err
	}
	db, err := store.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := chain.Open(chain.Config{Store: db, Difficulty: p.Difficulty})
	if err != nil {
		return err
	}
	task := fmt.Sprintf("making %d blocks", p.Blocks)
	_, err = c.Adopt(ctx, watched(generator.Blocks(ctx), func(height int64) { progress(task, height, p.Blocks) }))
	return err
}

// watched yields the same blocks and reports how far they go.
func watched(blocks iter.Seq2[wire.Block, error], report func(height int64)) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		for b, err := range blocks {
			if !yield(b, err) {
				return
			}
			report(b.Index)
		}
	}
}

// copyFile copies a file, without its content where the file system can share it. It
// is on disk afterwards, so that writing it out disturbs nothing that is measured.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close() // opened for reading only
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if _, err := io.Copy(target, source); err != nil {
		return err
	}
	return target.Sync()
}
