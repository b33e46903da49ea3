// Package chain is the ledger: blocks, open transactions, balances, and the
// rules by which they change. All blocks, our own and the peers', go through
// Add or Adopt; what they return without an error is durable.
package chain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"lode/chain/wallet"
	"lode/chain/wire"
)

// Store keeps the ledger durably. A height of -1 means that there is no block;
// what isn't there is fs.ErrNotExist. A method that changes something returns
// nil only when the change is on disk.
type Store interface {
	Head() (height int64, hash string, err error)
	Block(height int64) (wire.Block, error)
	HashAt(height int64) (string, error)
	HeightOf(hash string) (int64, error)
	// HasPayment reports whether a block holds the payment, all four fields equal.
	HasPayment(t wire.Transaction) (bool, error)
	Account(address string) ([]byte, error) // nil if there is none
	Accounts() (count int, err error)
	Pool() ([]wire.Transaction, error)
	AppendPool(t wire.Transaction) error
	Peers() ([]string, error)
	SetPeers(peers []string) error
	Meta(name string) (string, error) // empty if there is none
	SetMeta(name, value string) error
	// Commit replaces every block above height base by blocks, sets accounts (an
	// empty record deletes) and replaces the whole pool, all or nothing.
	Commit(base int64, blocks []wire.Block, accounts map[string][]byte, pool []wire.Transaction) error
	// Replace is Commit of blocks that needn't be in memory and don't come from this
	// store; an error among them undoes it. It calls publish, once at most, with the
	// call that makes the change; what takes long of many blocks is done before and
	// after that, and changes nothing of what the store shows. Once the change is made
	// the error is nil.
	Replace(base int64, blocks iter.Seq2[wire.Sealed, error], accounts map[string][]byte, pool []wire.Transaction,
		publish func(change func() error) error) error
	Close() error
}

// Config is what a ledger needs.
type Config struct {
	Store      Store
	Difficulty int // leading hex zeros of a proof's hash
	// RefuseReplays makes ReceiveTransaction refuse what equals an open or
	// confirmed payment, an honest second one too.
	RefuseReplays bool
}

// Chain is the ledger. It is safe for concurrent use.
type Chain struct {
	store      Store
	difficulty int
	refuses    bool // repeated payments of peers
	tip        atomic.Pointer[Tip]
	tips       tips
	counters   *counters
	verifier   *wallet.Verifier

	writer chan struct{} // holds a token while a change is checked and committed

	mu    sync.RWMutex // guards the fields below, and the store while it commits
	pool  *pool
	peers []string // sorted
}

// difficultyMeta is the name under which the store keeps the difficulty.
const difficultyMeta = "difficulty"

// Open reads the ledger of a store and puts the genesis block into an empty
// one. Errors are ErrDifficulty, ErrGenesis, ErrCorrupt or the store's.
func Open(cfg Config) (*Chain, error) {
	c := &Chain{
		store: cfg.Store, difficulty: cfg.Difficulty, refuses: cfg.RefuseReplays,
		counters: newCounters(), verifier: wallet.NewVerifier(), writer: make(chan struct{}, 1),
	}
	if err := c.openDifficulty(); err != nil {
		return nil, err
	}
	if err := c.openBlocks(); err != nil {
		return nil, err
	}
	return c, c.openPool()
}

func (c *Chain) openDifficulty() error {
	want := strconv.Itoa(c.difficulty)
	got, err := c.store.Meta(difficultyMeta)
	switch {
	case err != nil:
		return err
	case got == "":
		return c.store.SetMeta(difficultyMeta, want)
	case got != want:
		return fmt.Errorf("%w: %s, not %s", ErrDifficulty, got, want)
	}
	return nil
}

func (c *Chain) openBlocks() error {
	height, hash, err := c.store.Head()
	if err != nil {
		return err
	}
	if height < 0 {
		height, hash = 0, wire.GenesisHash
		if err := c.store.Commit(-1, []wire.Block{wire.Genesis()}, nil, nil); err != nil {
			return fmt.Errorf("storing the genesis block: %w", err)
		}
	}
	c.tip.Store(&Tip{height, hash})
	first, err := c.HashAt(0)
	if err != nil {
		return err
	}
	if first != wire.GenesisHash {
		return fmt.Errorf("%w: block 0 has hash %s", ErrGenesis, first)
	}
	return nil
}

func (c *Chain) openPool() error {
	open, err := c.store.Pool()
	if err != nil {
		return err
	}
	nothing := func(wire.Transaction) bool { return false }
	if c.pool, err = poolAfter(inMemory(open), nothing, newAccounts(c.store.Account)); err != nil {
		return err
	}
	if c.pool.dropped > 0 {
		return fmt.Errorf("%w: %d of %d open transactions are not covered by their senders' balances",
			ErrCorrupt, c.pool.dropped, len(open))
	}
	c.peers, err = c.store.Peers()
	return err
}

// Close closes the store, after what is under way.
func (c *Chain) Close() error {
	c.writer <- struct{}{}
	defer c.unlock()
	return c.store.Close()
}

// lock makes the caller the writer, once the changes before are done. One of
// them may be a long chain, so a caller that has gone needn't wait.
func (c *Chain) lock(ctx context.Context) error {
	select {
	case c.writer <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Chain) unlock() { <-c.writer }

// Difficulty is how many hex zeros a proof's hash begins with.
func (c *Chain) Difficulty() int { return c.difficulty }

// Tip is the last block. It waits for nobody.
func (c *Chain) Tip() Tip { return *c.tip.Load() }

// Subscribe returns a channel on which every later tip arrives, the latest one
// replacing one that was not taken yet. cancel ends the subscription.
func (c *Chain) Subscribe() (tips <-chan Arrival, cancel func()) { return c.tips.subscribe() }

// Stats counts what the ledger did since Open.
func (c *Chain) Stats() Stats { return c.counters.snapshot() }

// Add appends a block to the tip, our own or a peer's. When it returns nil, the
// block is durable and subscribers know. Errors are those of the rules, ctx's
// or the store's; then nothing has changed.
func (c *Chain) Add(ctx context.Context, b wire.Block) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	err := c.addBlock(ctx, b)
	c.counters.rejected(err)
	return err
}

func (c *Chain) addBlock(ctx context.Context, b wire.Block) error {
	// Before anything is computed of the block, which may be long.
	if err := checkPlace(b, c.Tip()); err != nil {
		return err
	}
	return c.extension().check(ctx, &batch{blocks: []wire.Block{b}})
}

// extension checks blocks that follow the tip, and commits each batch. The
// caller is the writer.
func (c *Chain) extension() *pipeline {
	p := c.newPipeline(c.Tip(), newAccounts(c.store.Account))
	p.chunks = true
	p.finish = func(b *batch) error {
		next, err := poolAfter(c.pool.all(), c.pool.in(b.blocks), b.balances)
		if err != nil {
			return err
		}
		last := b.blocks[len(b.blocks)-1]
		arrival := Arrival{Tip: b.tip(), Transactions: len(last.Transactions)}
		if err := c.commit(b.blocks[0].Index-1, arrival, b.sealed(), b.balances, next); err != nil {
			return err
		}
		b.balances.forget()
		return nil
	}
	return p
}

// commit makes the new state durable, whose blocks are new above base, and lets
// everybody see it. It completes what subscribers are told.
func (c *Chain) commit(base int64, arrival Arrival, blocks iter.Seq2[wire.Sealed, error], balances *accounts, next *pool) error {
	tip := arrival.Tip
	records, err := balances.records()
	if err != nil {
		return err
	}
	publish := func(change func() error) error {
		arrival.Abandoned = c.Tip().Height - base
		c.mu.Lock()
		err := change()
		if err == nil {
			c.pool = next
			c.tip.Store(&tip)
		}
		c.mu.Unlock()
		if err != nil {
			return err
		}
		c.counters.update(func(s *Stats) {
			s.BlocksAccepted += uint64(tip.Height - base)
			s.TransactionsDropped += uint64(next.dropped)
		})
		if arrival.Abandoned > 0 {
			c.counters.reorganised(arrival.Abandoned)
		}
		c.tips.publish(arrival)
		return nil
	}
	if err := c.store.Replace(base, blocks, records, next.open, publish); err != nil {
		return fmt.Errorf("storing block %d: %w", tip.Height, err)
	}
	return nil
}

// AddTransaction adds a payment to the open ones. When it returns nil, the
// payment is durable. Errors are those of the rules, ctx's or the store's.
func (c *Chain) AddTransaction(ctx context.Context, t wire.Transaction) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	err := c.addOpen(t)
	c.counters.transaction(err)
	return err
}

func (c *Chain) addOpen(t wire.Transaction) error {
	if t.Sender == wire.RewardSender {
		return fmt.Errorf("%w: only a block pays one", ErrRewardMisplaced)
	}
	if c.pool.isFull(t) {
		return ErrPoolFull
	}
	if err := checkForm(t); err != nil {
		return err
	}
	left, err := c.pool.fit(t, newAccounts(c.store.Account))
	if err != nil {
		return err
	}
	if err := c.checkSignature(t); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.store.AppendPool(t); err != nil {
		return fmt.Errorf("storing an open transaction: %w", err)
	}
	c.pool.add(t, left)
	return nil
}

// Balance is what an address owns, as Python would show the numbers: ints until
// a float takes part.
type Balance struct {
	Confirmed wire.Number // by blocks
	Available wire.Number // less what it pays in open transactions
}

// Balance returns the balance of an address, which is zero for an unknown one.
func (c *Chain) Balance(address string) (Balance, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	balances := newAccounts(c.store.Account)
	confirmed, err := balances.get(address)
	if err != nil {
		return Balance{}, err
	}
	available, err := c.pool.available(address, balances)
	if err != nil {
		return Balance{}, err
	}
	return Balance{confirmed.number(), available.number()}, nil
}

// Pool is a copy of the open transactions, in the order in which they came.
func (c *Chain) Pool() []wire.Transaction {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.pool.snapshot()
}

// OpenTransaction finds an open payment by its ID.
func (c *Chain) OpenTransaction(id [32]byte) (t wire.Transaction, ok bool) {
	c.mu.RLock()
	p := c.pool
	open := p.open // of which what is there doesn't change
	c.mu.RUnlock()
	return p.ids.find(id, open)
}

// OpenOf are the open payments that an address sends or receives, in the order in
// which they came.
func (c *Chain) OpenOf(address string) (list []wire.Transaction) {
	c.mu.RLock()
	open := c.pool.open // of which what is there doesn't change
	c.mu.RUnlock()
	for _, t := range open {
		if t.Sender == address || t.Recipient == address {
			list = append(list, t)
		}
	}
	return list
}

// PoolSize is how many transactions are open, and how many bytes they have as they
// stand in a preimage.
func (c *Chain) PoolSize() (transactions, bytes int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.pool.open), c.pool.size
}

// IsOpen tells whether an equal payment is open.
func (c *Chain) IsOpen(t wire.Transaction) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.pool.has(t)
}

// Block is the block at a height, or ErrNotFound.
func (c *Chain) Block(height int64) (wire.Block, error) {
	b, err := c.store.Block(height)
	return b, notFound(err)
}

// BlockByHash is the block with a hash, or ErrNotFound.
func (c *Chain) BlockByHash(hash string) (wire.Block, error) {
	height, err := c.store.HeightOf(hash)
	if err != nil {
		return wire.Block{}, notFound(err)
	}
	return c.Block(height)
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

// Blocks are at most limit blocks from a height on; none above the tip. They
// come from one state of the chain.
func (c *Chain) Blocks(from int64, limit int) ([]wire.Block, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var blocks []wire.Block
	for height := from; height <= c.Tip().Height && len(blocks) < limit; height++ {
		b, err := c.Block(height)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// HashAt is the hash of the block at a height, or ErrNotFound.
func (c *Chain) HashAt(height int64) (string, error) {
	if tip := c.Tip(); tip.Height == height {
		return tip.Hash, nil
	}
	hash, err := c.store.HashAt(height)
	return hash, notFound(err)
}

// Peers are the peers' addresses, sorted.
func (c *Chain) Peers() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.peers)
}

// AddPeer remembers a peer durably. One that is known already is no error.
func (c *Chain) AddPeer(address string) error {
	return c.changePeers(func(peers []string) []string {
		return slices.Compact(slices.Sorted(slices.Values(append(peers, address))))
	})
}

// RemovePeer forgets a peer durably. One that is unknown is no error.
func (c *Chain) RemovePeer(address string) error {
	return c.changePeers(func(peers []string) []string {
		return slices.DeleteFunc(peers, func(peer string) bool { return peer == address })
	})
}

func (c *Chain) changePeers(change func([]string) []string) error {
	c.writer <- struct{}{}
	defer c.unlock()
	peers := change(c.Peers())
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.store.SetPeers(peers); err != nil {
		return fmt.Errorf("storing the peers: %w", err)
	}
	c.peers = peers
	return nil
}
