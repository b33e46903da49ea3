// Package index finds the transactions of a chain by their IDs and by the
// addresses that take part in them. What it keeps in its file follows from the
// ledger: the file may be deleted whenever the node doesn't run, and is made again.
package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

var (
	// ErrReorganised is a read during which the chain has changed too often.
	ErrReorganised = errors.New("the chain was reorganised meanwhile; try again")
	// ErrDamaged is a read that has found the index damaged. It is being made again.
	ErrDamaged = errors.New("the index is damaged and is being made again; try again later")
)

// Ledger is the chain that is followed.
type Ledger interface {
	Tip() chain.Tip
	Difficulty() int
	HashAt(height int64) (string, error)
	Block(height int64) (wire.Block, error)
	Subscribe() (tips <-chan chain.Arrival, cancel func())
}

// Config is what an index needs.
type Config struct {
	Path   string // of its file
	Ledger Ledger
	Logger *slog.Logger
	// Committed is told how long each commit took to the disk, once what it changes was
	// made up; nil is fine. It must return soon.
	Committed func(time.Duration)
}

// Waits of Run.
const (
	// coalescing is how long new blocks gather before they are committed together,
	// so that blocks that come fast don't wait for the disk twice. Nobody misses
	// them: reads look at the ledger for what isn't indexed yet.
	coalescing = 200 * time.Millisecond
	// retryWait is how long it leaves alone a disk that has failed, and remakeWait a
	// file that it has thrown away.
	retryWait  = 30 * time.Second
	remakeWait = time.Second
)

// Index is safe for concurrent use. It answers from the start on, at first
// that nothing is indexed.
type Index struct {
	path      string
	ledger    Ledger
	log       *slog.Logger
	committed func(time.Duration)
	limits    limits
	damaged   chan error // has a slot: how a read has found the file damaged

	mu   sync.RWMutex // guards file: held for reading while it is read, for writing while it is opened or closed
	file *file        // nil while there is none
}

// New makes an index, which Run fills.
func New(cfg Config) *Index {
	if cfg.Committed == nil {
		cfg.Committed = func(time.Duration) {}
	}
	return &Index{path: cfg.Path, ledger: asked{cfg.Ledger}, log: cfg.Logger, committed: cfg.Committed, limits: defaultLimits(), damaged: make(chan error, 1)}
}

// Run keeps the index up to date until ctx ends, and returns nil then. It begins
// where it stopped the last time. A file that is damaged, another program's or
// of another network is thrown away and made again. What fails otherwise is
// logged and tried again: the node is of use without an index.
func (x *Index) Run(ctx context.Context) error {
	tips, cancel := x.ledger.Subscribe()
	defer cancel()
	for ctx.Err() == nil {
		err := x.serve(ctx, tips)
		switch {
		case err == nil || ctx.Err() != nil: // it has paused, or is to end
		case isUseless(err):
			x.discard(ctx, err)
		default:
			x.pause(ctx, err)
		}
	}
	return nil
}

// discard throws a useless file away.
func (x *Index) discard(ctx context.Context, reason error) {
	x.log.Warn("the index is of no use and is made again", "file", x.path, "reason", reason)
	if err := os.Remove(x.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		x.pause(ctx, err)
		return
	}
	sleep(ctx, remakeWait)
}

// pause says that something has failed and waits.
func (x *Index) pause(ctx context.Context, err error) {
	x.log.Error("the index does not go on for now", "file", x.path, "error", err, "retry_in", retryWait.String())
	sleep(ctx, retryWait)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// isUseless tells a file that has to be made again from one that can't be used now.
func isUseless(err error) bool {
	if _, isLedgers := errors.AsType[ledgerError](err); isLedgers {
		return false
	}
	return errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrForeign)
}

// serve opens the file and follows the chain until ctx ends, the file is of no use,
// or what else has failed may be tried again.
func (x *Index) serve(ctx context.Context, tips <-chan chain.Arrival) (err error) {
	file, err := openFile(ctx, x.path, x.ledger.Difficulty())
	if err != nil {
		return err
	}
	file.committed = x.committed
	x.use(file)
	defer func() {
		x.use(nil)
		if closeErr := file.close(); err == nil && closeErr != nil {
			err = fmt.Errorf("closing: %w", closeErr)
		}
	}()
	select {
	case <-x.damaged: // that was the file before
	default:
	}
	for isFirst := true; ; isFirst = false {
		if err := x.catchUp(ctx, file, isFirst); err != nil {
			if ctx.Err() == nil && !isUseless(err) {
				x.pause(ctx, err) // the file can be read meanwhile
				return nil
			}
			return err
		}
		if err := x.wait(ctx, tips); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

func (x *Index) use(f *file) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.file = f
}

// longWay is how many missing blocks are worth a line in the log.
const longWay = 10_000

// catchUp indexes all blocks that there are. It says so the first time, and whenever
// it took long.
func (x *Index) catchUp(ctx context.Context, f *file, isFirst bool) error {
	begun, from, to := time.Now(), x.Height(), x.ledger.Tip().Height
	isLong := to-from >= longWay
	if isLong {
		x.log.Info("indexing the chain", "from_height", from+1, "to_height", to)
	}
	for more := true; more; {
		var err error
		if more, err = x.step(ctx, f); err != nil {
			return err
		}
	}
	if isFirst || isLong {
		x.log.Info("the chain is indexed", "height", x.Height(), "took", time.Since(begun).Round(time.Millisecond).String())
	}
	return nil
}

// wait returns a moment after the next tip, or when ctx ends.
func (x *Index) wait(ctx context.Context, tips <-chan chain.Arrival) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-x.damaged:
		return err
	case <-tips:
	}
	sleep(ctx, coalescing)
	return nil
}

// reportDamage lets Run make the file again.
func (x *Index) reportDamage(err error) {
	select {
	case x.damaged <- err:
	default: // it knows
	}
}

// Height is that of the last indexed block, -1 if there is none.
func (x *Index) Height() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.file == nil {
		return -1
	}
	height, err := x.file.height()
	if err != nil {
		return -1
	}
	return height
}

// Items are how many there are of a kind in an index: one for each block, and one for each
// block and transaction, or address, that stands in it.
type Items struct{ Blocks, Transactions, Addresses int64 }

// Items counts what is indexed.
func (x *Index) Items() Items {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.file == nil {
		return Items{}
	}
	t := x.file.items
	return Items{t.heights.Load(), t.transactions.Load(), t.addresses.Load()}
}
