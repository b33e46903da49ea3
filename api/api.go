// Package api serves the node's REST interface: the routes of the original
// node with their exact answers, everything newer under /v1, and health,
// metrics and the OpenAPI document.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"lode/chain"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// Limits that hold where Config leaves the field 0.
const (
	DefaultMaxRequests   = 256
	DefaultMaxMining     = 16
	DefaultBroadcastWait = time.Second
)

// Ledger is the chain and the pool of open transactions.
type Ledger interface {
	Tip() chain.Tip
	Difficulty() int
	Block(height int64) (wire.Block, error)
	BlockByHash(hash string) (wire.Block, error)
	Balance(address string) (chain.Balance, error)
	Pool() []wire.Transaction
	PoolSize() (transactions, bytes int)
	OpenTransaction(id [32]byte) (t wire.Transaction, ok bool)
	OpenOf(address string) []wire.Transaction // that it sends or receives
	Add(ctx context.Context, b wire.Block) error
	AddTransaction(ctx context.Context, t wire.Transaction) error
	// ReceiveTransaction takes a payment of a peer, which may be a replay.
	ReceiveTransaction(ctx context.Context, t wire.Transaction) error
}

// Miner finds one block and adds it to the ledger.
type Miner interface {
	Mine(ctx context.Context) (wire.Block, error)
}

// Peers are the other nodes. The broadcasts return when every peer has answered
// or the context is done; deliveries go on without it.
type Peers interface {
	Add(address string) error
	Remove(address string) error // nil for what isn't known, whether an address or not
	List() []string
	BroadcastBlock(ctx context.Context, b wire.Block)
	BroadcastTransaction(ctx context.Context, t wire.Transaction)
	Resolve(ctx context.Context) (replaced bool, err error)
	Conflict() bool
	Ahead(b wire.Block)
}

// Keys hold the node's current wallet and its file.
type Keys interface {
	Create() (*wallet.Wallet, error)
	Load() (*wallet.Wallet, error)
	Current() (*wallet.Wallet, bool)
	IsEncrypted() bool // whether the file is, or would be
}

// Config is what a handler needs. Ledger, Miner, Control, Peers and Keys must be
// set.
type Config struct {
	Ledger  Ledger
	Miner   Miner
	Control MiningControl
	Peers   Peers
	Keys    Keys

	// Index answers /v1/transactions/{id} and /v1/addresses/{address}; nil: they
	// are answered 404.
	Index Index

	Version string
	// Errors adds rows to the table from error to HTTP status, for the errors of
	// packages that this one doesn't know: a full mining queue, a bad address.
	Errors []ErrorStatus
	// Status is the member "mining" of /v1/status and all of /v1/mining. Its
	// values are of the types that wire.AppendCompact takes.
	Status func() map[string]any
	// PeerStates says how the node has got on with its peers, for /v1/peers.
	PeerStates func() []PeerState
	// Incoming is a peer's chain on its way into ours, for /v1/peers; nil if there is
	// none.
	Incoming func() *Incoming
	// Ready answers /readyz: nil if the node can serve.
	Ready func() error
	// Events answers /v1/events; nil: there are none. An events.Hub does, with
	// EventStates.
	Events http.Handler
	// Metrics answers /metrics; nil: there are none, or NewMetrics serves them.
	Metrics http.Handler
	Access  Access
	// Observe is told of each request once it is answered. The route is a
	// template as in the OpenAPI document, or "unmatched"; the ID is the one that
	// the answer and the log have.
	Observe func(method, route string, code int, d time.Duration, requestID string)
	Logger  *slog.Logger

	MaxRequests   int           // requests in progress, but for POST /mine; those of peers count apart; more are answered 503
	MaxMining     int           // POST /mine in progress; more are answered 503
	BroadcastWait time.Duration // how long an answer waits for the peers at most
}

// withDefaults fills what may be left out.
func (c Config) withDefaults() Config {
	if c.Status == nil {
		c.Status = func() map[string]any { return map[string]any{} }
	}
	if c.PeerStates == nil {
		c.PeerStates = func() []PeerState { return nil }
	}
	if c.Incoming == nil {
		c.Incoming = func() *Incoming { return nil }
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Observe == nil {
		c.Observe = func(string, string, int, time.Duration, string) {}
	}
	if c.Events == nil {
		c.Events = http.HandlerFunc(noEvents)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxRequests == 0 {
		c.MaxRequests = DefaultMaxRequests
	}
	if c.MaxMining == 0 {
		c.MaxMining = DefaultMaxMining
	}
	if c.BroadcastWait == 0 {
		c.BroadcastWait = DefaultBroadcastWait
	}
	return c
}

// handler answers requests. Its fields don't change after New.
type handler struct {
	Config
	statuses   []ErrorStatus
	requests   gate // everything but what has a gate of its own, metrics and health
	broadcasts gate // of peers, whom no other client may keep out
	mining     gate
	large      gate                // bodies of more than maxBody
	medium     gate                // bodies of more than smallBody and up to maxBody
	scrapes    gate                // of the metrics
	chains     gate                // whole chains, which may take long to read
	lists      gate                // other answers that may be long
	resolving  gate                // which may take long
	streams    gate                // of events
	newKeys    gate                // whose making takes a second of a CPU
	decoding   *semaphore.Weighted // bytes of JSON
	making     sync.Mutex          // of a wallet, where there may be one
}

// New makes the handler of all routes. It keeps no goroutines. An error names
// what the config lacks, or is one of Access: ErrOrigin or ErrHost.
func New(cfg Config) (http.Handler, error) {
	if cfg.Ledger == nil || cfg.Miner == nil || cfg.Control == nil || cfg.Peers == nil || cfg.Keys == nil {
		return nil, errors.New("api: Config needs Ledger, Miner, Control, Peers and Keys")
	}
	h, err := newHandler(cfg)
	if err != nil {
		return nil, err
	}
	return h.layers(h.router(h.routes())), nil
}

// NewMetrics makes the handler of a listener for the metrics alone. It needs the
// config's Metrics and takes its Access, Observe and Logger.
func NewMetrics(cfg Config) (http.Handler, error) {
	if cfg.Metrics == nil {
		return nil, errors.New("api: NewMetrics needs Metrics")
	}
	h, err := newHandler(cfg)
	if err != nil {
		return nil, err
	}
	router := h.router(h.metricsRoutes())
	router.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, http.StatusNotFound, "There are only /metrics and /healthz here.")
	})
	return h.layers(router), nil
}

// layers are what every request passes.
func (h *handler) layers(router http.Handler) http.Handler {
	return identified(h.observe(h.crossOrigin(h.recoverPanics(router))))
}

func newHandler(cfg Config) (*handler, error) {
	if err := cfg.Access.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &handler{
		Config:     cfg,
		statuses:   append(ownStatuses(), cfg.Errors...),
		requests:   make(gate, cfg.MaxRequests),
		broadcasts: make(gate, cfg.MaxRequests),
		mining:     make(gate, cfg.MaxMining),
		large:      make(gate, maxLargeBodies),
		medium:     make(gate, maxMediumBodies),
		scrapes:    make(gate, maxScrapes),
		chains:     make(gate, maxChains),
		lists:      make(gate, maxLists),
		resolving:  make(gate, maxResolving),
		streams:    make(gate, maxStreams),
		newKeys:    make(gate, maxKeys),
		decoding:   semaphore.NewWeighted(maxDecoding),
	}, nil
}

// broadcastContext ends after BroadcastWait and not with the client: a client
// that hangs up must not keep a block from the peers.
func (h *handler) broadcastContext(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), h.BroadcastWait)
}
