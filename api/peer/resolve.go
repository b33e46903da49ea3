package peer

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// rounds is how often a peer is asked when our own chain changes below its
// branch meanwhile.
const rounds = 3

// errMoved means that the block a branch begins at is no longer ours.
var errMoved = errors.New("our chain changed during the download")

// resolution is one run of resolving, shared by all who ask for one meanwhile.
type resolution struct {
	cancel  context.CancelFunc
	waiting int // callers; guarded by Network.mu

	done     chan struct{} // closed when the two below are set
	replaced bool
	err      error
}

// Resolve asks all peers for their chains, side by side, and takes the longest
// valid one if it is longer than ours. Peers that fail are logged and left
// out. Whatever comes of it, the conflicts known at its start are settled. A
// call during another one shares its outcome, and asks once more if a conflict
// came up in between. The error is ctx's.
func (n *Network) Resolve(ctx context.Context) (replaced bool, err error) {
	raised := n.raised.Load()
	for {
		run := n.join(ctx)
		select {
		case <-run.done:
		case <-ctx.Done():
			n.leave(run)
			return replaced, ctx.Err()
		}
		replaced = replaced || run.replaced
		// A run that began before the last conflict can't have seen it.
		if run.err != nil || n.settled.Load() >= raised {
			return replaced, run.err
		}
	}
}

// join enters the current resolution or starts one. Its goroutine ends by
// itself, or when the last caller leaves.
func (n *Network) join(ctx context.Context) *resolution {
	n.mu.Lock()
	defer n.mu.Unlock()
	run := n.current
	if run == nil {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		run = &resolution{cancel: cancel, done: make(chan struct{})}
		n.current = run
		go n.runResolution(ctx, run)
	}
	run.waiting++
	return run
}

// leave is for a caller that won't wait any longer. The last one stops the
// run and sees to it that it has ended.
func (n *Network) leave(run *resolution) {
	n.mu.Lock()
	run.waiting--
	last := run.waiting == 0
	if last {
		n.forget(run)
	}
	n.mu.Unlock()
	if last {
		run.cancel()
		<-run.done
	}
}

// forget makes the next call start anew. Call it with mu held.
func (n *Network) forget(run *resolution) {
	if n.current == run {
		n.current = nil
	}
}

func (n *Network) runResolution(ctx context.Context, run *resolution) {
	defer close(run.done)
	defer run.cancel()
	run.replaced, run.err = n.resolve(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forget(run)
}

func (n *Network) resolve(ctx context.Context) (bool, error) {
	raised := n.raised.Load()
	defer n.client.closeIdle()
	limited, cancel := context.WithTimeout(ctx, n.cfg.ResolveTimeout)
	defer cancel()
	var replaced atomic.Bool
	var asking sync.WaitGroup
	for _, r := range n.all() {
		asking.Go(func() {
			if n.ask(ctx, limited, r) {
				replaced.Store(true)
			}
		})
	}
	asking.Wait()
	if err := ctx.Err(); err != nil {
		return replaced.Load(), err
	}
	n.settle(raised)
	return replaced.Load(), nil
}

// ask takes over one peer's chain if it is longer; limited is ctx with the
// time limit of downloads.
func (n *Network) ask(ctx, limited context.Context, r *remote) (replaced bool) {
	err := errMoved
	for round := 0; round < rounds && errors.Is(err, errMoved); round++ {
		replaced, err = n.take(ctx, limited, r.address)
	}
	if ctx.Err() != nil {
		return replaced
	}
	r.note(err == nil, err, countNothing)
	if err != nil {
		n.log.Warn("peer's chain not usable", "peer", r.address, "error", err)
	}
	if replaced {
		tip := n.cfg.Ledger.Tip()
		n.log.Info("chain replaced by a peer's", "peer", r.address, "height", tip.Height, "tip", tip.Hash)
	}
	return replaced
}

// take downloads and adopts. Of a download that was cut off by a limit, what
// came is used, so that the next one has less to do.
func (n *Network) take(ctx, limited context.Context, address string) (bool, error) {
	d := &download{cfg: n.cfg, client: n.client, address: address}
	b, err := d.fetch(limited)
	if b == nil {
		return false, err
	}
	adopted := false
	if err == nil || wasCut(err) {
		var refused error
		if adopted, refused = n.adopt(ctx, b); refused != nil {
			err = refused
		}
	}
	return adopted, errors.Join(err, b.close())
}

// wasCut tells a download that broke off from one that was wrong.
func wasCut(err error) bool {
	return errors.Is(err, errStalled) || errors.Is(err, errTooLong) || errors.Is(err, errCrowded) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF)
}

// adopt hands a branch to the ledger if it is longer than our chain.
func (n *Network) adopt(ctx context.Context, b *branch) (bool, error) {
	n.adopting.Lock()
	defer n.adopting.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if b.tip.Height <= n.cfg.Ledger.Tip().Height {
		return false, nil
	}
	ours, err := n.cfg.Ledger.HashAt(b.base.Height)
	if err != nil {
		return false, err
	}
	if ours != b.base.Hash {
		return false, errMoved
	}
	return n.cfg.Ledger.Adopt(ctx, b.blocks(n.cfg.MaxBlockBytes))
}

// keepUp is AutoResolve's loop. After a Resolve that changed nothing it rests
// for as long as that took: a peer that never agrees with us must not keep us
// reading its chain.
func (n *Network) keepUp(ctx context.Context) {
	ticker := time.NewTicker(n.cfg.ResolveEvery)
	defer ticker.Stop()
	for {
		start := time.Now()
		replaced, err := n.Resolve(ctx)
		if err != nil && ctx.Err() == nil {
			n.log.Error("resolving conflicts failed", "error", err)
		}
		rest := min(max(time.Since(start), n.cfg.ResolvePause), n.cfg.ResolveEvery)
		if !replaced && !wait(ctx, rest) {
			return
		}
		select {
		case <-n.wake:
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
