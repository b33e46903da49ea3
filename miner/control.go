package miner

import (
	"context"
	"sync"
	"time"

	"lode/chain/wire"
)

// ControlConfig is what a Control needs.
type ControlConfig struct {
	Miner  *Miner
	Engine *Engine
	Found  func(context.Context, wire.Block) // is handed each block of mining without end
	// Changed is told whenever mining without end is turned on or off, in the
	// order in which that happens; nil is fine.
	Changed func(continuous bool)
}

// ControlState is what a Control was told.
type ControlState struct {
	Continuous bool      // the node mines without being asked
	Paused     bool      // nothing is searched, whoever asks
	Since      time.Time // of the last change, or of the start
}

// Control turns mining on and off while the node runs. Run does the mining; the
// other methods are safe for concurrent use and may be called before.
type Control struct {
	cfg     ControlConfig
	changed chan struct{} // holds a token if Run shall look again

	mu    sync.Mutex // guards the fields below, and the engine's pausing with them
	state ControlState
	stop  context.CancelFunc // of the mining under way; nil if there is none
}

// NewControl mines nothing before Start.
func NewControl(cfg ControlConfig) *Control {
	if cfg.Changed == nil {
		cfg.Changed = func(bool) {}
	}
	return &Control{cfg: cfg, changed: make(chan struct{}, 1), state: ControlState{Since: time.Now()}}
}

// Run mines while it shall, until ctx ends.
func (c *Control) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		mining, cancel := context.WithCancel(ctx)
		if c.begin(cancel) {
			_ = c.cfg.Miner.MineForever(mining, c.cfg.Found) // it is always nil
			c.finish(mining.Err() == nil)
		} else {
			select {
			case <-c.changed:
			case <-ctx.Done():
			}
		}
		cancel()
	}
	return nil
}

// begin is true if there is to be mined, which cancel stops.
func (c *Control) begin(cancel context.CancelFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Continuous {
		c.stop = cancel
	}
	return c.state.Continuous
}

// finish notes that mining has ended, by itself if the ledger takes no change any
// more.
func (c *Control) finish(byItself bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = nil
	if byItself {
		c.turn(false)
	}
}

// Start turns mining without end on. Nothing happens if it is. The error is
// ErrNoWallet.
func (c *Control) Start() error {
	if _, ok := c.cfg.Miner.cfg.Address(); !ok {
		return ErrNoWallet
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(true)
	select {
	case c.changed <- struct{}{}:
	default: // Run looks again in any case
	}
	return nil
}

// Stop turns mining without end off; its search ends at once. Blocks that somebody
// asks for are still mined.
func (c *Control) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(false)
	if c.stop != nil {
		c.stop()
	}
}

// turn is called with mu held.
func (c *Control) turn(continuous bool) {
	if c.state.Continuous != continuous {
		c.state.Continuous, c.state.Since = continuous, time.Now()
		c.cfg.Changed(continuous)
	}
}

// Pause stops all searching until Resume, for blocks that somebody asks for too.
func (c *Control) Pause() { c.hold(true) }

// Resume lets the search that was paused go on where it was.
func (c *Control) Resume() { c.hold(false) }

func (c *Control) hold(paused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Paused == paused {
		return
	}
	c.state.Paused, c.state.Since = paused, time.Now()
	if paused {
		c.cfg.Engine.Pause()
	} else {
		c.cfg.Engine.Resume()
	}
}

// State is what it was told last.
func (c *Control) State() ControlState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}
