package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"lode/chain/wire"
)

var (
	// ErrTooManyPeers means that Config.MaxPeers are known already.
	ErrTooManyPeers = errors.New("too many peers")
	// ErrStarted means that Run was called a second time.
	ErrStarted = errors.New("the peer network runs already, or has ended")
)

// Network is the set of peers and what is under way to them. Its methods are
// safe for concurrent use.
type Network struct {
	cfg    Config
	log    *slog.Logger
	client *client
	spool  *spool
	self   map[string]bool

	changed chan struct{} // one slot: peers were added
	wake    chan struct{} // one slot: AutoResolve has something to do
	hurry   chan struct{} // one slot: and at once

	auto atomic.Bool // AutoResolve is on

	announced announced

	// The conflict flag is up while more conflicts were raised than settled.
	raised, settled atomic.Uint64

	editing  sync.Mutex // serialises Add and Remove: ledger and remotes change together
	adopting sync.Mutex // serialises looking at the tip and adopting a branch

	mu      sync.Mutex // guards all below and remote.stop
	remotes map[string]*remote
	started bool
	ended   bool
	current *resolution

	transfers map[*transfer]bool // under way
}

// New makes a network of the peers that the ledger knows. Nothing is sent
// before Run.
func New(cfg Config) *Network {
	cfg = cfg.withDefaults()
	n := &Network{
		cfg:     cfg,
		log:     cfg.Logger,
		client:  newClient(cfg),
		spool:   newSpool(cfg.MaxSpoolBytes),
		self:    make(map[string]bool),
		changed: make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		hurry:   make(chan struct{}, 1),
		remotes: make(map[string]*remote),

		transfers: make(map[*transfer]bool),
	}
	n.auto.Store(cfg.AutoResolve)
	for _, own := range cfg.Self {
		n.self[normal(own)] = true
	}
	for _, listed := range cfg.Ledger.Peers() {
		address, err := ParseAddress(listed)
		if err != nil {
			n.log.Warn("a listed peer is never used", "error", err)
			continue
		}
		n.connect(address)
	}
	return n
}

// normal is the normal spelling of an address, and of anything else itself.
func normal(s string) string {
	if address, err := ParseAddress(s); err == nil {
		return address
	}
	return s
}

// connect makes a queue for a peer, unless it has one or is this node.
func (n *Network) connect(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.self[address] || n.remotes[address] != nil {
		return
	}
	r := newRemote(address, n.cfg.QueueLength)
	if n.ended {
		r.queue.close()
	}
	n.remotes[address] = r
	notify(n.changed)
}

// Add makes a peer known for good; one that is known already is no error.
// Errors wrap ErrAddress or ErrTooManyPeers, or are the ledger's.
func (n *Network) Add(address string) error {
	address, err := ParseAddress(address)
	if err != nil {
		return err
	}
	n.editing.Lock()
	defer n.editing.Unlock()
	known := n.cfg.Ledger.Peers()
	if !slices.Contains(known, address) && len(known) >= n.cfg.MaxPeers {
		return fmt.Errorf("adding %s: %w (%d)", address, ErrTooManyPeers, len(known))
	}
	if err := n.cfg.Ledger.AddPeer(address); err != nil {
		return fmt.Errorf("adding the peer %s: %w", address, err)
	}
	n.connect(address)
	notify(n.hurry)
	return nil
}

// Remove forgets a peer; an unknown one is no error. What is on its way to
// the peer is given up.
func (n *Network) Remove(address string) error {
	n.editing.Lock()
	defer n.editing.Unlock()
	// A peer that an older version listed may have a spelling of its own.
	for _, listed := range n.cfg.Ledger.Peers() {
		if listed != address && normal(listed) != normal(address) {
			continue
		}
		if err := n.cfg.Ledger.RemovePeer(listed); err != nil {
			return fmt.Errorf("removing the peer %s: %w", listed, err)
		}
	}
	n.disconnect(normal(address))
	return nil
}

func (n *Network) disconnect(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.remotes[address]
	if r == nil {
		return
	}
	delete(n.remotes, address)
	r.queue.close()
	if r.stop != nil {
		r.stop()
	}
}

// List returns the known peers, as the ledger has them.
func (n *Network) List() []string { return n.cfg.Ledger.Peers() }

// Stats describes the peers that messages are sent to, sorted by address.
func (n *Network) Stats() []PeerStats {
	remotes := n.all()
	stats := make([]PeerStats, 0, len(remotes))
	for _, r := range remotes {
		stats = append(stats, r.snapshot())
	}
	slices.SortFunc(stats, func(a, b PeerStats) int { return strings.Compare(a.Address, b.Address) })
	return stats
}

// Received is how many bytes of answers this node has read that it asked its peers for:
// their chains, and what leads to them.
func (n *Network) Received() uint64 { return n.client.received.Load() }

func (n *Network) all() []*remote {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Values(n.remotes))
}

// Run sends what is queued and, with AutoResolve, resolves conflicts: at once,
// when there is a sign that a peer is ahead, and now and then. It returns nil
// after ctx is done and its goroutines have ended; what waits then is dropped.
// A Network runs once.
func (n *Network) Run(ctx context.Context) error {
	if err := n.start(); err != nil {
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { n.keepUp(ctx) })
	for ctx.Err() == nil {
		n.startSenders(ctx, &running)
		select {
		case <-n.changed:
		case <-ctx.Done():
		}
	}
	n.end()
	running.Wait()
	return nil
}

func (n *Network) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.started {
		return ErrStarted
	}
	n.started = true
	return nil
}

// startSenders starts a goroutine for each peer that has none. It ends with
// ctx or when the peer is removed.
func (n *Network) startSenders(ctx context.Context, running *sync.WaitGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.remotes {
		if r.stop != nil {
			continue
		}
		ctx, stop := context.WithCancel(ctx)
		r.stop = stop
		running.Go(func() {
			defer stop()
			n.send(ctx, r)
		})
	}
}

func (n *Network) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	for _, r := range n.remotes {
		r.queue.close()
	}
}

// BroadcastBlock queues b for all peers at once and returns when each has
// answered or failed for the first time, or ctx is done; the queues go on
// alone. Behind a message that is tried again nobody waits.
func (n *Network) BroadcastBlock(ctx context.Context, b wire.Block) {
	n.broadcast(ctx, "/broadcast_block", b.AppendBroadcast(nil), b.Hash(), nil)
}

// BroadcastTransaction does for a payment what BroadcastBlock does for a block. A
// payment that is no longer open when its turn comes is not sent: the peer has it
// in a block, or will, and would take the message for a second payment.
func (n *Network) BroadcastTransaction(ctx context.Context, t wire.Transaction) {
	n.broadcast(ctx, "/broadcast_transaction", t.AppendBroadcast(nil), "", &t)
}

func (n *Network) broadcast(ctx context.Context, path string, body []byte, hash string, payment *wire.Transaction) {
	for _, m := range n.queueForAll(path, body, hash, payment) {
		select {
		case <-m.answered:
		case <-ctx.Done():
			return
		}
	}
}

// queueForAll holds mu, so that all peers get messages in the same order.
func (n *Network) queueForAll(path string, body []byte, hash string, payment *wire.Transaction) []*message {
	n.mu.Lock()
	defer n.mu.Unlock()
	messages := make([]*message, 0, len(n.remotes))
	for _, r := range n.remotes {
		m := newMessage(path, body, hash)
		m.payment = payment
		r.queue.push(m)
		messages = append(messages, m)
	}
	return messages
}
