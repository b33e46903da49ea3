package miner

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain/wire"
)

// controlled is a Control whose miner finds a block each second, in a bubble.
func controlled(t *testing.T, address func() (string, bool)) (c *Control, found *int, changes *[]bool) {
	t.Helper()
	ledger := newChain(t)
	m := newMiner(ledger, searcherFunc(func(ctx context.Context, job Job) (wire.Number, error) {
		if pause(ctx, time.Second); ctx.Err() != nil {
			return wire.Number{}, context.Cause(ctx)
		}
		for proof := int64(0); ; proof++ {
			if wire.HasProof(job.Prefix, wire.Int(proof), job.Difficulty) {
				return wire.Int(proof), nil
			}
		}
	}))
	if address != nil {
		m.cfg.Address = address
	}
	found, changes = new(int), new([]bool)
	return NewControl(ControlConfig{Miner: m, Engine: bubbleEngine(t, Config{Workers: 1}),
		Found:   func(context.Context, wire.Block) { *found++ },
		Changed: func(continuous bool) { *changes = append(*changes, continuous) }}), found, changes
}

func TestControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, found, changes := controlled(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		check := func(step string, blocks int, continuous bool, since time.Duration) {
			t.Helper()
			synctest.Wait()
			want := ControlState{Continuous: continuous, Since: began.Add(since)}
			if got := c.State(); *found != blocks || got != want {
				t.Errorf("%s: %d blocks, %+v; want %d, %+v", step, *found, got, blocks, want)
			}
		}
		time.Sleep(10500 * time.Millisecond)
		check("before the start", 0, false, 0)
		must(t, c.Start())
		must(t, c.Start())
		time.Sleep(3100 * time.Millisecond)
		check("started", 3, true, 10500*time.Millisecond)
		c.Stop()
		c.Stop()
		time.Sleep(time.Minute)
		check("stopped", 3, false, 13600*time.Millisecond)
		must(t, c.Start())
		c.Stop()
		must(t, c.Start())
		time.Sleep(2100 * time.Millisecond)
		check("started again", 5, true, 73600*time.Millisecond)
		cancel()
		must(t, <-ended)
		if want := []bool{true, false, true, false, true}; !slices.Equal(*changes, want) {
			t.Errorf("changes %v, want %v", *changes, want)
		}
	})
}

// TestControlStartsBeforeRun, as with --mine.
func TestControlStartsBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, found, _ := controlled(t, nil)
		must(t, c.Start())
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		must(t, c.Run(ctx))
		if *found != 1 {
			t.Errorf("%d blocks, want 1", *found)
		}
	})
}

func TestControlPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, _, changes := controlled(t, nil)
		time.Sleep(time.Second)
		c.Pause()
		c.Pause()
		if got, want := c.State(), (ControlState{Paused: true, Since: began.Add(time.Second)}); got != want || !c.cfg.Engine.Paused() {
			t.Errorf("%+v, want %+v", got, want)
		}
		time.Sleep(time.Second)
		c.Resume()
		c.Resume()
		if got, want := c.State(), (ControlState{Since: began.Add(2 * time.Second)}); got != want || c.cfg.Engine.Paused() {
			t.Errorf("%+v, want %+v", got, want)
		}
		if len(*changes) > 0 {
			t.Errorf("changes %v", *changes)
		}
	})
}

func TestControlNeedsAWallet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := controlled(t, func() (string, bool) { return "", false })
		if err := c.Start(); !errors.Is(err, ErrNoWallet) || c.State().Continuous {
			t.Errorf("%v, %+v", err, c.State())
		}
	})
}

// TestControlNotesTheEnd: mining ends by itself when the ledger takes no change.
func TestControlNotesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, found, _ := controlled(t, nil)
		c.cfg.Miner.cfg.Final = errFinal
		c.cfg.Miner.cfg.Ledger = &refusingLedger{Chain: newChain(t), errors: []error{errFinal}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		must(t, c.Start())
		time.Sleep(time.Minute)
		if c.State().Continuous || *found != 0 {
			t.Errorf("%+v, %d blocks", c.State(), *found)
		}
		cancel()
		must(t, <-ended)
	})
}
