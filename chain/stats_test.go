package chain_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// TestStatsCountRules counts what rules refused, and not what came of a caller
// that gave up or of a download that broke off.
func TestStatsCountRules(t *testing.T) {
	c := newChain(t, 0)
	good := next(c.Tip(), 0, "a")
	must(t, c.Add(t.Context(), good))
	for range 2 {
		if err := c.Add(t.Context(), good); !errors.Is(err, chain.ErrStale) {
			t.Errorf("error %v, want ErrStale", err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	branch := branchFrom(c.Tip(), 2, "b")
	if _, err := c.Adopt(cancelled, sequence(branch...)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	brokenOff := errors.New("the connection broke off")
	var failing iter.Seq2[wire.Block, error] = func(yield func(wire.Block, error) bool) { yield(wire.Block{}, brokenOff) }
	if _, err := c.Adopt(t.Context(), failing); !errors.Is(err, brokenOff) {
		t.Errorf("error %v, want the sequence's", err)
	}
	branch[1].PreviousHash = "?"
	if _, err := c.Adopt(t.Context(), sequence(branch...)); !errors.Is(err, chain.ErrPreviousHash) {
		t.Errorf("error %v, want ErrPreviousHash", err)
	}
	stats := c.Stats()
	if want := map[string]uint64{"stale": 2, "previous_hash": 1}; !maps.Equal(stats.BlocksRejected, want) || stats.BlocksAccepted != 1 {
		t.Errorf("accepted %d, rejected %v, want 1 and %v", stats.BlocksAccepted, stats.BlocksRejected, want)
	}
}
