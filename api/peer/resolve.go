package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"lode/chain"
)

// rounds is how often a peer is asked when our own chain changes below its
// branch meanwhile.
const rounds = 3

// errMoved means that the block a branch begins at is no longer ours, or a page
// no longer follows the one before.
var errMoved = errors.New("a chain changed during the download")

// resolution is one run of resolving, shared by all who ask for one meanwhile.
type resolution struct {
	cancel  context.CancelFunc
	byHand  bool
	waiting int // callers; guarded by Network.mu

	done     chan struct{} // closed when the two below are set
	replaced bool
	err      error
}

// Resolve asks the peers for their chains, side by side, and takes the longest
// valid one if it is longer than ours. Peers that fail are logged and left
// out, and so are those that are set aside for invalid data. Whatever comes of
// it, the conflicts known at its start are settled. A call during another one
// shares its outcome, and asks once more if a conflict came up in between. The
// error is ctx's.
func (n *Network) Resolve(ctx context.Context) (replaced bool, err error) {
	return n.resolveAs(ctx, true)
}

// resolveAs resolves by hand, or for AutoResolve, which also leaves out peers
// that kept it waiting a short time ago.
func (n *Network) resolveAs(ctx context.Context, byHand bool) (replaced bool, err error) {
	raised := n.raised.Load()
	for {
		run := n.join(ctx, byHand)
		select {
		case <-run.done:
		case <-ctx.Done():
			n.leave(run)
			return replaced, ctx.Err()
		}
		replaced = replaced || run.replaced
		// A run that began before the last conflict can't have seen it, and one
		// of AutoResolve may have left somebody out.
		complete := n.settled.Load() >= raised && (run.byHand || !byHand)
		if run.err != nil || complete {
			return replaced, run.err
		}
	}
}

// join enters the current resolution or starts one. Its goroutine ends by
// itself, or when the last caller leaves.
func (n *Network) join(ctx context.Context, byHand bool) *resolution {
	n.mu.Lock()
	defer n.mu.Unlock()
	run := n.current
	if run == nil {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		run = &resolution{cancel: cancel, byHand: byHand, done: make(chan struct{})}
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
	run.replaced, run.err = n.resolve(ctx, run.byHand)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forget(run)
}

func (n *Network) resolve(ctx context.Context, byHand bool) (bool, error) {
	raised := n.raised.Load()
	defer n.client.closeIdle()
	limited, cancel := context.WithTimeout(ctx, n.cfg.ResolveTimeout)
	defer cancel()
	var replaced atomic.Bool
	var asking sync.WaitGroup
	for _, r := range n.all() {
		if !r.mayAsk(byHand) {
			continue
		}
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
	start, err, blocks := time.Now(), errMoved, int64(0)
	for round := 0; round < rounds && errors.Is(err, errMoved); round++ {
		var came int64
		replaced, came, err = n.take(ctx, limited, r.address)
		blocks += came
	}
	if ctx.Err() != nil {
		return replaced
	}
	took := time.Since(start)
	n.cfg.Downloaded(Download{resultOf(replaced, err), blocks, took})
	n.conclude(r, replaced, err, took)
	if replaced {
		tip := n.cfg.Ledger.Tip()
		n.log.Info("chain replaced by a peer's", "peer", r.address, "height", tip.Height, "tip", tip.Hash)
	}
	return replaced
}

// take downloads and adopts, and says how many blocks came that we didn't have. Of
// a download that was cut off by a limit, what came is used, so that the next one
// has less to do.
func (n *Network) take(ctx, limited context.Context, address string) (adopted bool, blocks int64, err error) {
	t := n.register(address)
	defer n.forgetTransfer(t)
	d := &download{cfg: n.cfg, client: n.client, spool: n.spool, address: address, transfer: t}
	b, err := d.fetch(limited)
	if b == nil {
		return false, 0, err
	}
	if err == nil || wasCut(err) {
		var refused error
		if adopted, refused = n.adopt(ctx, b); refused != nil {
			err = refused
		}
	}
	return adopted, b.length(), errors.Join(err, b.close())
}

// wasCut tells a download that broke off from one that was wrong.
func wasCut(err error) bool {
	return errors.Is(err, errStalled) || errors.Is(err, errTooLong) || errors.Is(err, errCrowded) ||
		errors.Is(err, errSpoolFull) ||
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
		return false, fmt.Errorf("%w: looking for the common block: %w", errLocal, err)
	}
	if ours != b.base.Hash {
		return false, errMoved
	}
	b.transfer.check(b.length())
	adopted, err := n.cfg.Ledger.Import(ctx, b.blocks(n.cfg.MaxBlockBytes), b.transfer.checked)
	if err != nil && !isInvalid(err) {
		err = fmt.Errorf("%w: %w", errLocal, err)
	}
	return adopted, err
}

// keepUp is AutoResolve's loop, which does nothing while that is off.
func (n *Network) keepUp(ctx context.Context) {
	ticker := time.NewTicker(n.cfg.ResolveEvery)
	defer ticker.Stop()
	pace := pace{cfg: n.cfg}
	for {
		if n.auto.Load() && !n.resolveUnasked(ctx, &pace) {
			return
		}
		select {
		case <-n.wake:
			if !n.auto.Load() { // it was turned off since, and the conflict stands
				n.differ()
			}
		case <-n.hurry:
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// resolveUnasked resolves once and rests; false when ctx is done.
func (n *Network) resolveUnasked(ctx context.Context, pace *pace) bool {
	start := time.Now()
	replaced, err := n.resolveAs(ctx, false)
	if err != nil && ctx.Err() == nil {
		n.log.Error("resolving conflicts failed", "error", err)
	}
	return n.rest(ctx, pace.rest(replaced, n.cfg.Ledger.Tip(), time.Since(start)))
}

// rest sleeps for d, or until there is a new peer, which is asked at once;
// false when ctx was done before.
func (n *Network) rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-n.hurry:
		notify(n.hurry)
		return true
	case <-ctx.Done():
		return false
	}
}

// pace bounds how much of the time AutoResolve reads the peers' chains, whoever
// calls for it.
type pace struct {
	cfg   Config
	tip   chain.Tip // of our chain after the last run
	pause time.Duration
}

// rest is how long to wait after a run. After one that changed something that is
// nothing, for more may have come up meanwhile. Else it is as long as the run
// took: a peer that never agrees with us must not keep us reading its chain. And
// it is twice as long as the last time while nothing happens at all: who tells
// us of blocks that nobody has must not keep us asking for them.
func (p *pace) rest(replaced bool, tip chain.Tip, took time.Duration) time.Duration {
	if replaced || tip != p.tip {
		p.pause = p.cfg.ResolvePause
	} else {
		p.pause = min(2*p.pause, p.cfg.ResolveEvery)
	}
	p.tip = tip
	if replaced {
		return 0
	}
	return min(max(took, p.pause), p.cfg.ResolveEvery)
}
