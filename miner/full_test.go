package miner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

var errFull, errFinal = errors.New("the disk is full"), errors.New("no more changes")

// refusingLedger answers Add with these errors first.
type refusingLedger struct {
	*chain.Chain
	errors []error
	asked  []string // the hashes of the blocks
}

func (l *refusingLedger) Add(ctx context.Context, b wire.Block) error {
	l.asked = append(l.asked, b.Hash())
	if len(l.errors) > 0 {
		err := l.errors[0]
		l.errors = l.errors[1:]
		return fmt.Errorf("storing block %d: %w", b.Index, err)
	}
	return l.Chain.Add(ctx, b)
}

// mineOn mines on a ledger and returns the miner, what it logs, and how often it
// has searched.
func mineOn(t *testing.T, l *refusingLedger) (m *Miner, lines *strings.Builder, searches *int) {
	searches, lines = new(int), new(strings.Builder)
	m = newMiner(l, searcherFunc(func(context.Context, Job) (wire.Number, error) {
		*searches++
		return minedFor(t, l.Chain, "us").Proof, nil
	}))
	m.cfg.DiskFull, m.cfg.Final = errFull, errFinal
	m.cfg.Logger = slog.New(slog.NewTextHandler(lines, nil))
	return m, lines, searches
}

// TestMiningWaitsForRoom fills the disk for three tries: the block that was
// found is kept, nothing is searched meanwhile, and two lines say so.
func TestMiningWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &refusingLedger{Chain: newChain(t), errors: []error{errFull, errFull, errFull}}
		m, lines, searches := mineOn(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		err := m.MineForever(ctx, func(context.Context, wire.Block) { cancel() })
		if waited := time.Since(begun); err != nil || *searches != 1 || waited != 3*roomInterval || m.Found() != 1 {
			t.Errorf("%d searches, %v, %d found, error %v, want 1 in %v", *searches, waited, m.Found(), err, 3*roomInterval)
		}
		if len(l.asked) != 4 || l.asked[0] != l.asked[3] {
			t.Errorf("the ledger was asked to add %v, want one block four times", l.asked)
		}
		text := lines.String()
		if strings.Count(text, "\n") != 2 || strings.Count(text, "mining goes on when there is room") != 1 || strings.Count(text, "there is room on the disk again") != 1 {
			t.Errorf("log:\n%s", text)
		}
		assertWhole(t, l.Chain, 1)
	})
}

// TestABlockMayBecomeStaleWhileTheDiskIsFull: a peer's block gets the room that
// was made.
func TestABlockMayBecomeStaleWhileTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &refusingLedger{Chain: newChain(t), errors: []error{errFull}}
		m, lines, searches := mineOn(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		peers := minedFor(t, l.Chain, "peer")
		time.AfterFunc(roomInterval/2, func() { must(t, l.Chain.Add(t.Context(), peers)) })
		err := m.MineForever(ctx, func(context.Context, wire.Block) { cancel() })
		if err != nil || *searches != 2 || !strings.Contains(lines.String(), "there is room on the disk again") || strings.Contains(lines.String(), "mining failed") {
			t.Errorf("%d searches, error %v, log:\n%s", *searches, err, lines)
		}
		assertWhole(t, l.Chain, 2)
	})
}

// TestMiningEndsWhileTheDiskIsFull: ctx and the final error end the waiting.
func TestMiningEndsWhileTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &refusingLedger{Chain: newChain(t), errors: []error{errFull, errFinal}}
		m, lines, searches := mineOn(t, l)
		if err := m.MineForever(t.Context(), nil); err != nil || *searches != 1 || strings.Count(lines.String(), "\n") != 1 {
			t.Errorf("%d searches, error %v after the final one, log:\n%s", *searches, err, lines)
		}
		l.errors = []error{errFull, errFull, errFull}
		ctx, cancel := context.WithTimeout(t.Context(), roomInterval*3/2)
		defer cancel()
		if err := m.MineForever(ctx, nil); err != nil || len(l.errors) != 1 {
			t.Errorf("error %v, %d answers left, want nil and 1", err, len(l.errors))
		}
	})
}

// TestMineDoesNotWaitForRoom: who asks for one block is told at once.
func TestMineDoesNotWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &refusingLedger{Chain: newChain(t), errors: []error{errFull}}
		m, _, _ := mineOn(t, l)
		begun := time.Now()
		if b, err := m.Mine(t.Context()); !errors.Is(err, errFull) || b.Index != 0 || time.Since(begun) != 0 {
			t.Errorf("block %d, error %v after %v, want no block and errFull at once", b.Index, err, time.Since(begun))
		}
	})
}
