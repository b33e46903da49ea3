package peer

import (
	"context"
	"testing"
	"time"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// openChain is a real ledger in memory, with a peer.
func openChain(t *testing.T, difficulty int, blocks []wire.Block, peer string) *chain.Chain {
	t.Helper()
	c, err := chain.Open(chain.Config{Store: store.NewMemory(), Difficulty: difficulty})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Verify(context.Background(), func(int64, int64) {}); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, b := range blocks {
		if err := c.Add(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.AddPeer(peer); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChainFromTheOriginal(t *testing.T) {
	body, hashes := originalChain(t)
	s := newScript(t, original(reply(200, body)))
	c := openChain(t, 5, nil, s.address)
	n := newNetwork(t, Config{Ledger: c})
	replaced, err := n.Resolve(t.Context())
	last := len(hashes) - 1
	if want := (chain.Tip{Height: int64(last), Hash: hashes[last]}); !replaced || err != nil || c.Tip() != want {
		t.Errorf("Resolve = %v, %v; tip %+v, want %+v; stats %+v", replaced, err, c.Tip(), want, n.Stats())
	}
}

// With AutoResolve a node follows a peer of its kind: over a fork at the
// start, then when told of a block too far ahead.
//
//	0 - 1 - 2 - 3 - 4 - 5
//	          \ - 3 - ... - 8 - ... - 12
func TestChainFollows(t *testing.T) {
	trunk := newChain(2, 1)
	theirs := newLedger(extend(trunk, 6, 2))
	s := newScript(t, lode(theirs))
	c := openChain(t, zeros, extend(trunk, 3, 3)[1:], s.address)
	tips, cancel := c.Subscribe()
	defer cancel()
	n := newNetwork(t, Config{Ledger: c, AutoResolve: true, ResolvePause: time.Nanosecond})
	run(t, n)
	for tip := range tips {
		if tip.Tip == theirs.Tip() {
			break
		}
	}
	theirs.set(extend(theirs.chain(), 4, 4))
	n.Ahead(theirs.chain()[12])
	for tip := range tips {
		if tip.Tip == theirs.Tip() {
			break
		}
	}
	if n.Conflict() {
		t.Error("the flag is up")
	}
}
