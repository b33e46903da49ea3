package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lode/api"
	"lode/api/events"
	"lode/api/peer"
	"lode/chain"
	"lode/chain/atomicfile"
	"lode/chain/index"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
	"lode/metrics"
	"lode/miner"
)

// waitingMines is how many calls may wait for their turn to mine: all of POST
// /mine, when mining without end has it.
const waitingMines = api.DefaultMaxMining

// node is the running program: the parts, wired.
type node struct {
	options     options
	log         *slog.Logger
	level       *slog.LevelVar // of log
	console     *console
	keyboard    *keyboard // nil where there are no keys to read
	door        door
	metricsDoor door
	certificate *certificate // nil without TLS
	hangups     <-chan os.Signal
	terminals   terminals
	stop        context.CancelFunc // of the whole node
	access      api.Access

	chain   *chain.Chain
	index   *index.Index // nil: none is kept
	keys    *wallet.Keystore
	network *peer.Network
	engine  *miner.Engine
	miner   *miner.Miner
	control *miner.Control
	mines   atomic.Bool // --mine, as the settings have it now
	events  *events.Hub
	tipAt   atomic.Pointer[time.Time] // when the tip became it; nil: before the start
	metrics *metrics.Metrics
}

// runNode runs a node until ctx ends and writes the text file after a clean
// stop.
func runNode(ctx context.Context, o options, out io.Writer) error {
	n, err := newNode(ctx, o, out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dataDir, 0o700); err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	servers, err := n.listen()
	if err != nil {
		return err
	}
	defer n.keyboard.end() // if this goroutine panics
	ctx, stop := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	var ignore func()
	n.stop = stop
	n.hangups, ignore = listenForHangup()
	n.terminals = terminalsOf(os.Stdin, os.Stdout, os.Stderr)
	defer ignore()
	// Before the ledger is read, which may take long: whoever asks is told so.
	n.door.lead(api.Starting())
	n.metricsDoor.lead(api.Starting())
	for _, server := range servers {
		n.run(group, func() error { return api.Serve(ctx, server) })
	}
	n.supervised("STATUS=opening the ledger")
	err = unlessStopped(ctx, withStore(ctx, o, n.reporter(), func(db *store.DB, c *chain.Chain) error {
		db.OnCommit(n.metrics.ObserveCommit)
		n.run(group, func() error { return db.Run(ctx) })
		return n.runOn(ctx, group, c)
	}))
	stop()
	if failed := group.Wait(); err == nil {
		err = failed
	}
	return err
}

// run starts a part of the node. If it panics the terminal is given back before the
// program dies. A panic in a goroutine that the part has started isn't seen here.
func (n *node) run(group *errgroup.Group, part func() error) {
	group.Go(func() error {
		returned := false
		defer func() {
			if !returned {
				n.keyboard.end()
			}
		}()
		err := part()
		returned = true
		return err
	})
}

// runOn runs the node on a ledger and returns when all of the group has ended.
func (n *node) runOn(ctx context.Context, group *errgroup.Group, c *chain.Chain) error {
	if err := n.open(ctx, c); err != nil {
		return err
	}
	if err := n.start(ctx, group); err != nil {
		return err
	}
	if err := group.Wait(); err != nil {
		return err
	}
	n.log.Info("stopped", "height", c.Tip().Height)
	return n.writeBack()
}

// unlessStopped is nil for the error of a start that a signal ended.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// newNode makes the parts that need no files.
func newNode(ctx context.Context, o options, out io.Writer) (*node, error) {
	n := &node{options: o, console: newConsole(out), level: new(slog.LevelVar)}
	if n.console.terminal {
		n.keyboard = newKeyboard(os.Stdin)
	}
	level, err := parseLevel(o.logLevel)
	if err != nil {
		return nil, err
	}
	n.level.Set(level)
	if n.log, err = newLoggerAt(n.console, o.logFormat, n.level); err != nil {
		return nil, err
	}
	// The HTTP client's own lines quote what peers send.
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(n.log.Handler(), slog.LevelDebug).Writer())
	if n.metrics, err = n.newMetrics(); err != nil {
		return nil, err
	}
	cfg, err := o.engine()
	if err != nil {
		return nil, err
	}
	if o.access.tlsCert != "" {
		if n.certificate, err = loadCertificate(o.access.tlsCert, o.access.tlsKey, n.log); err != nil {
			return nil, err
		}
	}
	cfg.Logger, cfg.Cancelled = n.log, n.metrics.ObserveCancel
	if cfg.Devices, err = o.gpu.devices(ctx, n.log); err != nil {
		return nil, err
	}
	if n.engine, err = miner.NewEngine(cfg); err != nil {
		return nil, err
	}
	n.log.Info("miner "+version, "mining_with", n.engine.Describe())
	return n, nil
}

func (n *node) reporter() reporter { return reporter{n.console, n.log} }

// open makes the parts around a ledger and reads the text file and the wallet.
func (n *node) open(ctx context.Context, c *chain.Chain) error {
	n.removeLeftovers()
	n.chain = c
	if n.options.index {
		n.index = index.New(index.Config{
			Path: n.options.indexPath(), Ledger: c, Logger: n.log, Committed: n.metrics.ObserveIndexCommit,
		})
	}
	var err error
	if n.network, err = n.newNetwork(); err != nil {
		return err
	}
	if n.options.classicFile != classicNever {
		if err := takeOverClassic(ctx, c, n.network, n.options.classicPath(), n.reporter()); err != nil {
			return fmt.Errorf("%w; mend it or move it away, or start with --classic-file never", err)
		}
	}
	if n.keys, err = n.openWallet(); err != nil {
		return err
	}
	mode, err := miner.ParseMode(n.options.search)
	if err != nil {
		return fmt.Errorf("--search: %w", err)
	}
	n.miner = miner.New(miner.MinerConfig{
		Searcher: n.engine, Ledger: c, Mode: mode, Address: n.address, Queue: waitingMines, Logger: n.log,
		RewardMessage: n.options.rewardMessage,
		Solved:        n.metrics.ObserveSolve, PausedFor: n.engine.PausedFor,
		DiskFull: store.ErrDiskFull, Final: store.ErrUncertain,
	})
	n.control = miner.NewControl(miner.ControlConfig{Miner: n.miner, Engine: n.engine, Found: n.tellPeers, Changed: n.continuous})
	return nil
}

// removeLeftovers deletes the temporary files of a node that was killed, one of
// which may hold a private key. Who has the ledger open is the only one that
// uses these names.
func (n *node) removeLeftovers() {
	for _, path := range []string{n.options.database(), n.options.classicPath(), n.options.wallet(), n.options.spool()} {
		removed, err := atomicfile.RemoveLeftovers(path)
		if len(removed) > 0 {
			n.log.Info("removed what a killed node left behind", "files", removed)
		}
		if err != nil {
			n.log.Warn("temporary files of a killed node could not be removed", "error", err)
		}
	}
}

func (n *node) newNetwork() (*peer.Network, error) {
	network := peer.New(peer.Config{
		Ledger:      n.chain,
		AutoResolve: n.options.resolve || n.options.mine,
		Downloaded:  n.observeDownload,
		Logger:      n.log,
		Self:        n.options.self(),
		SpoolDir:    n.options.dataDir, SpoolPattern: atomicfile.Pattern(filepath.Base(n.options.spool())),
	})
	for _, address := range n.options.peers {
		if err := network.Add(address); err != nil {
			return nil, fmt.Errorf("--peer: %w", err)
		}
	}
	return network, nil
}

// address is where mined rewards go.
func (n *node) address() (string, bool) {
	keys, ok := n.keys.Current()
	if !ok {
		return "", false
	}
	return keys.Address(), true
}

// start starts all parts. They run until ctx ends.
func (n *node) start(ctx context.Context, group *errgroup.Group) error {
	runtime.GOMAXPROCS(n.engine.GOMAXPROCS())
	n.run(group, func() error { return n.engine.Run(ctx) })
	n.run(group, func() error { return n.network.Run(ctx) })
	if n.index != nil {
		n.run(group, func() error { return n.index.Run(ctx) })
	}
	n.run(group, func() error { return n.console.Run(ctx, n.log, n.status) })
	n.run(group, func() error { return n.runKeys(ctx) })
	n.run(group, func() error { return n.logTips(ctx) })
	handlers := n.api()
	n.run(group, func() error { return n.events.Run(ctx) })
	tips, unsubscribe := n.chain.Subscribe() // before there are clients, who would miss one
	n.run(group, func() error {
		defer unsubscribe()
		return n.streamTips(ctx, tips)
	})
	if n.options.mine {
		if err := n.mineOrNot(true); err != nil {
			return fmt.Errorf("--mine: %w", err)
		}
	}
	n.run(group, func() error { return n.control.Run(ctx) })
	n.run(group, func() error { return newReloader(n).run(ctx, n.hangups, n.terminals.areGone, n.stop) })
	if err := n.openDoors(handlers); err != nil {
		return err
	}
	n.run(group, func() error { return n.tellSupervisor(ctx) })
	n.log.Info("serving", "url", n.url(), "height", n.chain.Tip().Height,
		"peers", len(n.network.List()), "difficulty", n.chain.Difficulty())
	return nil
}

// errorStatuses are the HTTP statuses of the errors that package api doesn't
// know.
func errorStatuses() []api.ErrorStatus {
	return []api.ErrorStatus{
		{Err: miner.ErrBusy, Status: http.StatusServiceUnavailable},
		{Err: miner.ErrStopped, Status: http.StatusServiceUnavailable},
		{Err: miner.ErrNoWallet, Status: http.StatusConflict},
		{Err: peer.ErrAddress, Status: http.StatusBadRequest},
		{Err: store.ErrDiskFull, Status: http.StatusInsufficientStorage},
		{Err: store.ErrUncertain, Status: http.StatusServiceUnavailable},
		{Err: peer.ErrTooManyPeers, Status: http.StatusConflict},
		{Err: index.ErrReorganised, Status: http.StatusServiceUnavailable},
		{Err: index.ErrDamaged, Status: http.StatusServiceUnavailable},
	}
}

// continuous is told when mining without end is turned on, which implies
// --auto-resolve, or off. As long as the settings have --mine, that stays.
func (n *node) continuous(on bool) { n.network.AutoResolve(on || n.options.resolve || n.mines.Load()) }

// tellPeers queues a block for the peers without waiting for any of them.
func (n *node) tellPeers(ctx context.Context, b wire.Block) {
	done, cancel := context.WithCancel(ctx)
	cancel()
	n.network.BroadcastBlock(done, b)
}

// logInterval is between two lines about new blocks. On many cores there are
// hundreds a second.
const logInterval = time.Second

// logTips logs new tips, the latest one only if they come too fast to read.
func (n *node) logTips(ctx context.Context) error {
	tips, cancel := n.chain.Subscribe()
	defer cancel()
	var found uint64
	for {
		select {
		case <-ctx.Done():
			return nil
		case tip := <-tips:
			n.tipAt.Store(&tip.At)
			now := n.miner.Found()
			n.log.Info("new tip", "height", tip.Height, "hash", tip.Hash, "mined_here", now-found)
			found = now
		}
		select {
		case <-ctx.Done():
		case <-time.After(logInterval):
		}
	}
}

// writeBack writes the text file, so that an original node can take the folder
// over.
func (n *node) writeBack() error {
	blocks := n.chain.Tip().Height + 1
	path := n.options.classicPath()
	switch {
	case n.options.classicFile == classicNever:
		return nil
	case n.options.classicFile == classicAuto && blocks > classicMaxBlocks:
		n.log.Info("the chain is too long for the text file, which stays as it is; `miner export` writes it",
			"file", path, "blocks", blocks, "limit", classicMaxBlocks)
		return nil
	}
	// What has begun to stop isn't stopped again: a second signal ends the program.
	if err := writeClassic(context.Background(), n.chain, path, n.reporter()); err != nil {
		return err
	}
	n.log.Info("wrote the text file", "file", path, "blocks", blocks)
	return nil
}
