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
	path    string
	ledger  Ledger
	log     *slog.Logger
	limits  limits
	damaged chan error // has a slot: how a read has found the file damaged

	mu   sync.RWMutex // guards file: held for reading while it is read, for writing while it is opened or closed
	file *file        // nil while there is none
}

// New makes an index, which Run fills.
func New(cfg Config) *Index {
	return &Index{path: cfg.Path, ledger: cfg.Ledger, log: cfg.Logger, limits: defaultLimits(), damaged: make(chan error, 1)}
}

// Run keeps the index up to date until ctx ends, and returns nil then. It begins
// where it stopped the last time. A file that is damaged, another program's or
// of another network is thrown away and made again. What fails otherwise is
// logged and tried again: the node is of use without an index.
func (x *Index) Run(ctx context.Context) error {
	tips, cancel := x.ledger.Subscribe()
	defer cancel()
	for {
		err := x.serve(ctx, tips)
		if ctx.Err() != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(x.afterFailure(err)):
		}
	}
}

// afterFailure throws a useless file away, and returns how long to wait.
func (x *Index) afterFailure(err error) time.Duration {
	if isUseless(err) {
		x.log.Warn("the index is of no use and is made again", "file", x.path, "reason", err)
		if err = os.Remove(x.path); err == nil || errors.Is(err, fs.ErrNotExist) {
			return remakeWait
		}
	}
	x.log.Error("the index does not go on for now", "file", x.path, "error", err, "retry_in", retryWait.String())
	return retryWait
}

// isUseless tells a file that has to be made again from one that can't be used now.
func isUseless(err error) bool {
	return errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrForeign)
}

// serve opens the file and follows the chain until ctx ends or something fails.
func (x *Index) serve(ctx context.Context, tips <-chan chain.Arrival) (err error) {
	file, err := openFile(ctx, x.path, x.ledger.Difficulty())
	if err != nil {
		return err
	}
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
	for {
		if err := x.catchUp(ctx, file); err != nil {
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

// catchUp indexes all blocks that there are.
func (x *Index) catchUp(ctx context.Context, f *file) error {
	begun, from := time.Now(), x.Height()
	isLong := x.ledger.Tip().Height-from >= longWay
	if isLong {
		x.log.Info("indexing the chain", "from_height", from+1, "to_height", x.ledger.Tip().Height)
	}
	for {
		more, err := x.step(ctx, f)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if isLong {
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
	select {
	case <-ctx.Done():
	case <-time.After(coalescing):
	}
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
