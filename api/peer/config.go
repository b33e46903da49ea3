package peer

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"net"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

// Ledger is what the network needs of the chain; *chain.Chain is one.
type Ledger interface {
	// Difficulty is the number of leading hex zeros a proof must have. Blocks
	// of peers are checked for it before they cost anything else.
	Difficulty() int
	Tip() chain.Tip
	HashAt(height int64) (string, error)
	// BlockByHash fails for a block that is not part of the chain.
	BlockByHash(hash string) (wire.Block, error)
	// Import takes consecutive blocks that begin at most one above the tip, if
	// they make a longer valid chain. It tells report how many more are checked.
	Import(ctx context.Context, blocks iter.Seq2[wire.Block, error], report func(blocks int64)) (adopted bool, err error)
	// IsOpen tells whether a payment waits to be mined.
	IsOpen(t wire.Transaction) bool
	Peers() []string
	AddPeer(address string) error
	RemovePeer(address string) error
}

// Config says how a Network behaves. Only Ledger is required; a zero value
// elsewhere means the default.
type Config struct {
	Ledger Ledger
	// AutoResolve makes the network resolve conflicts by itself in Run, rather
	// than raise the conflict flag. Network.AutoResolve changes it.
	AutoResolve bool
	Logger      *slog.Logger // default: none
	// Self are addresses of this node: they may be listed as peers, but
	// nothing is sent to them, nor to a name that leads to one of them. One with
	// an unspecified host, or with a name, stands for all of the machine's.
	Self     []string
	Resolver *net.Resolver // of peers' names; default: the system's
	// SpoolDir is where branches longer than ours wait for their check, in
	// files that never outlive a call; default: the system's folder for
	// temporary files.
	SpoolDir string
	// SpoolPattern is what os.CreateTemp makes their names of; default:
	// lode-branch-*.json. Where an open file keeps its name (Windows), a killed
	// process leaves one behind.
	SpoolPattern string

	// Downloaded is told of each chain that a peer was asked for; nil is fine. It
	// must return soon.
	Downloaded func(Download)

	DialTimeout    time.Duration // for a connection, default 3 s
	PostTimeout    time.Duration // for a block or payment until its answer, default 10 s
	RetryDelay     time.Duration // before the second try, quadrupled for each further one, default 250 ms
	StallTimeout   time.Duration // in which a download must bring 16 KiB or its end, default 10 s
	ResolveTimeout time.Duration // for all downloads of one Resolve, default 5 min
	ResolveEvery   time.Duration // between two unprompted Resolves of AutoResolve, default 1 min
	ResolvePause   time.Duration // at least, after a Resolve of AutoResolve that changed nothing, default 1 s

	SetAside    time.Duration // how long a peer is set aside for invalid data at first, default 1 min
	MaxSetAside time.Duration // and after many times, default 1 h

	QueueLength      int   // messages that may wait for one peer, default 256
	MaxPeers         int   // default 256
	MaxBlockBytes    int   // of one block's JSON, default 32 MiB
	MaxDownloadBytes int64 // from one peer in one Resolve, default 1 GiB
	MaxSpoolBytes    int64 // on disk from all peers at once, default 2 GiB
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.SpoolPattern = cmp.Or(c.SpoolPattern, "lode-branch-*.json")
	if c.Downloaded == nil {
		c.Downloaded = func(Download) {}
	}
	c.DialTimeout = cmp.Or(c.DialTimeout, 3*time.Second)
	c.PostTimeout = cmp.Or(c.PostTimeout, 10*time.Second)
	c.RetryDelay = cmp.Or(c.RetryDelay, 250*time.Millisecond)
	c.StallTimeout = cmp.Or(c.StallTimeout, 10*time.Second)
	c.ResolveTimeout = cmp.Or(c.ResolveTimeout, 5*time.Minute)
	c.ResolveEvery = cmp.Or(c.ResolveEvery, time.Minute)
	c.ResolvePause = cmp.Or(c.ResolvePause, time.Second)
	c.SetAside = cmp.Or(c.SetAside, time.Minute)
	c.MaxSetAside = cmp.Or(c.MaxSetAside, time.Hour)
	c.QueueLength = cmp.Or(c.QueueLength, 256)
	c.MaxPeers = cmp.Or(c.MaxPeers, 256)
	c.MaxBlockBytes = cmp.Or(c.MaxBlockBytes, 32<<20)
	c.MaxDownloadBytes = cmp.Or(c.MaxDownloadBytes, 1<<30)
	c.MaxSpoolBytes = cmp.Or(c.MaxSpoolBytes, 2<<30)
	return c
}
