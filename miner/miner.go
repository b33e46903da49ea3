package miner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

var (
	// ErrNoWallet is mining without an address for the reward.
	ErrNoWallet = errors.New("there is no wallet to pay the reward to")
	// ErrBusy is a request to mine while too many wait already.
	ErrBusy = errors.New("too many requests to mine are waiting")
)

// errNewTemplate and staleError are why a search was cancelled, as the cause of
// its context.
var errNewTemplate = errors.New("there are new transactions")

type staleError struct {
	accepted time.Time // when the new tip was
}

func (staleError) Error() string { return "there is a new tip" }

// refreshInterval is how long a search goes on, at least, before transactions
// that arrived meanwhile make a new template.
const refreshInterval = time.Second

// Ledger is what a Miner needs of the chain.
type Ledger interface {
	Subscribe() (tips <-chan chain.Arrival, cancel func())
	Tip() chain.Tip
	Template(miner string) (chain.Template, error)
	Add(ctx context.Context, b wire.Block) error
}

// Searcher finds the proof of a job; an Engine does.
type Searcher interface {
	Search(ctx context.Context, job Job) (wire.Number, error)
}

// MinerConfig is what a Miner needs.
type MinerConfig struct {
	Searcher Searcher
	Ledger   Ledger
	Mode     Mode
	Address  func() (address string, ok bool) // where rewards go; false without a wallet
	// RewardMessage stands in the signature of rewards, which nobody has to sign;
	// wire.CheckRewardMessage says what may.
	RewardMessage string
	Queue         int // how many calls of Mine may wait, beside the one under way
	Logger        *slog.Logger

	// Solved is told how long it took from the start on a tip to the block that was
	// added to it, once it was, without pauses; nil is fine.
	Solved func(time.Duration)
	// PausedFor is how long searching has been paused in all; nil: never.
	PausedFor func() time.Duration

	// What the ledger's errors wrap when the disk is full, and when it takes no
	// change any more. MineForever waits for room after the one, and ends after
	// the other, which the ledger's owner knows too. Nil is no such error.
	DiskFull, Final error
}

// Miner makes blocks of templates and proofs.
type Miner struct {
	cfg   MinerConfig
	turns chan struct{} // a token for each call of Mine
	turn  chan struct{} // a token for the one that mines
	found atomic.Uint64
	stale atomic.Uint64
	ours  ownHashes
}

// ownHashes are the hashes of the last blocks that were mined here, found or not
// yet in the chain.
type ownHashes struct {
	mu     sync.Mutex // guards the fields below
	hashes [256]string
	count  int // of all; the latest is at (count-1) mod len
}

func (o *ownHashes) add(hash string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hashes[o.count%len(o.hashes)] = hash
	o.count++
}

// Mined tells whether the block with a hash is one of the last 256 that were mined
// here. It says so before the ledger tells of the block.
func (m *Miner) Mined(hash string) bool {
	m.ours.mu.Lock()
	defer m.ours.mu.Unlock()
	return hash != "" && slices.Contains(m.ours.hashes[:], hash)
}

// New makes a Miner.
func New(cfg MinerConfig) *Miner {
	if cfg.Solved == nil {
		cfg.Solved = func(time.Duration) {}
	}
	if cfg.PausedFor == nil {
		cfg.PausedFor = func() time.Duration { return 0 }
	}
	return &Miner{cfg: cfg, turns: make(chan struct{}, cfg.Queue+1), turn: make(chan struct{}, 1)}
}

// Found counts the blocks that were mined and added to the chain.
func (m *Miner) Found() uint64 { return m.found.Load() }

// Stale counts searches that a new tip made useless.
func (m *Miner) Stale() uint64 { return m.stale.Load() }

// Mine mines one block on whatever tip there is and adds it to the chain; when
// it returns without an error, the block is durable. A peer's block that comes
// first doesn't end it: it goes on with the new tip. Calls take turns. Errors
// are ErrNoWallet, ErrBusy, ErrExhausted, ctx's or the ledger's.
func (m *Miner) Mine(ctx context.Context) (wire.Block, error) {
	b, err := m.mine(ctx)
	if err != nil {
		return wire.Block{}, err
	}
	return b, nil
}

// mine is Mine. When the ledger refuses the block that was found, it returns
// that with the error.
func (m *Miner) mine(ctx context.Context) (wire.Block, error) {
	select {
	case m.turns <- struct{}{}:
		defer func() { <-m.turns }()
	default:
		return wire.Block{}, ErrBusy
	}
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return wire.Block{}, ctx.Err()
	}
	// Subscribed before the first template, so that no tip slips in between.
	tips, cancel := m.cfg.Ledger.Subscribe()
	defer cancel()
	began := m.begin()
	for {
		b, err := m.attempt(ctx, tips)
		switch {
		case err == nil:
			m.found.Add(1)
			m.solved(began)
			return b, nil
		case errors.Is(err, errNewTemplate):
		case isStale(err):
			m.stale.Add(1)
			began = m.begin()
		default:
			return b, err
		}
	}
}

// beginning is when the search on a tip began, and how much had been paused before.
type beginning struct {
	at     time.Time
	paused time.Duration
}

func (m *Miner) begin() beginning { return beginning{time.Now(), m.cfg.PausedFor()} }

func (m *Miner) solved(began beginning) {
	m.cfg.Solved(time.Since(began.at) - (m.cfg.PausedFor() - began.paused))
}

// isStale tells that a new tip came first, during the search or after it.
func isStale(err error) bool {
	_, cancelled := errors.AsType[staleError](err)
	return cancelled || errors.Is(err, chain.ErrStale) || errors.Is(err, chain.ErrPreviousHash)
}

// attempt searches a proof for one template. A staleError and errNewTemplate say
// that another attempt is due. A block comes with the ledger's error, too.
func (m *Miner) attempt(ctx context.Context, tips <-chan chain.Arrival) (wire.Block, error) {
	address, ok := m.cfg.Address()
	if !ok {
		return wire.Block{}, ErrNoWallet
	}
	template, err := m.cfg.Ledger.Template(address)
	if err != nil {
		return wire.Block{}, fmt.Errorf("making a template: %w", err)
	}
	template.Transactions[len(template.Transactions)-1].Signature = m.cfg.RewardMessage
	job := Job{Prefix: template.Prefix(), Difficulty: template.Difficulty, Mode: m.cfg.Mode}
	proof, err := m.search(ctx, job, func(searching context.Context) error {
		return m.outdated(searching, template, job.Prefix, address, tips)
	})
	if err != nil {
		return wire.Block{}, err
	}
	b := template.Block(proof, timeStamp(time.Now()))
	m.ours.add(b.Hash())
	return b, m.cfg.Ledger.Add(ctx, b)
}

// search runs the searcher and a watcher side by side and returns when both
// have. What the watcher returns before the search ends cancels it.
func (m *Miner) search(ctx context.Context, job Job, watch func(context.Context) error) (wire.Number, error) {
	searching, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() { // ends when searching does, or before
		defer close(watched)
		if cause := watch(searching); cause != nil {
			cancel(cause)
		}
	}()
	proof, err := m.cfg.Searcher.Search(searching, job)
	cancel(nil)
	<-watched
	return proof, err
}

// outdated waits until the template is no longer the one to mine and says why;
// nil when the search has ended.
func (m *Miner) outdated(searching context.Context, template chain.Template, prefix []byte, address string, tips <-chan chain.Arrival) error {
	ticker := time.NewTicker(refreshInterval)
	defer ticker.Stop()
	for {
		select {
		case <-searching.Done():
			return nil
		case arrived := <-tips:
			// The slot may hold an older tip than that of the template.
			if m.cfg.Ledger.Tip() != template.Parent {
				return staleError{arrived.At}
			}
		case <-ticker.C:
			next, err := m.cfg.Ledger.Template(address)
			if err != nil {
				m.cfg.Logger.Warn("the template could not be renewed; the search goes on with the old one", "error", err)
				continue
			}
			if !bytes.Equal(next.Prefix(), prefix) {
				return errNewTemplate
			}
		}
	}
}

// timeStamp is seconds since 1970 with microseconds, as Python's time() is.
func timeStamp(now time.Time) wire.Number {
	return wire.Float(float64(now.UnixMicro()) / 1e6)
}

// How long MineForever waits after an error, and until it tries again to store a
// block for which there was no room.
const (
	retryInterval = time.Second
	roomInterval  = 5 * time.Second
)

// MineForever mines block after block until ctx ends, and hands each one to
// found. After an error, which it logs, it tries again a little later. While the
// disk is full it keeps the block that it has, and doesn't mine. It returns nil
// when ctx ends, and after the ledger's final error.
func (m *Miner) MineForever(ctx context.Context, found func(context.Context, wire.Block)) error {
	for ctx.Err() == nil {
		b, err := m.mine(ctx)
		if m.is(err, m.cfg.DiskFull) {
			err = m.waitForRoom(ctx, b, err)
		}
		switch {
		case err == nil:
			found(ctx, b)
		case ctx.Err() != nil || isStale(err):
		case m.is(err, m.cfg.Final):
			return nil
		default:
			m.cfg.Logger.Error("mining failed; it is tried again", "error", err)
			pause(ctx, retryInterval)
		}
	}
	return nil
}

// is tells whether an error is one of the configured kinds, which may be nil.
func (m *Miner) is(err, kind error) bool { return err != nil && kind != nil && errors.Is(err, kind) }

// waitForRoom tries to add a block until the disk isn't full any more. Nobody
// else may have stored a block meanwhile; if somebody has, ours is stale.
func (m *Miner) waitForRoom(ctx context.Context, b wire.Block, err error) error {
	m.cfg.Logger.Error("the disk is full; mining goes on when there is room", "error", err)
	for m.is(err, m.cfg.DiskFull) {
		if pause(ctx, roomInterval); ctx.Err() != nil {
			return ctx.Err()
		}
		err = m.cfg.Ledger.Add(ctx, b)
	}
	if err == nil {
		m.found.Add(1)
	}
	if err == nil || isStale(err) {
		m.cfg.Logger.Info("there is room on the disk again; mining goes on")
	}
	return err
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
