package bench

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"lode/chain"
	"lode/chain/index"
)

// indexedBlocks is how long the chain is that is indexed.
const indexedBlocks = 3000

// indexes measure how fast a chain is indexed, and how large the index is.
func indexes() []Case {
	var cases []Case
	for _, payments := range []int{1, 10} {
		cases = append(cases, Case{fmt.Sprintf("index/payments=%d", payments), func(b *testing.B) { indexChain(b, payments) }})
	}
	return cases
}

// indexChain measures from the start of an index without a file until the chain, on
// disk, is indexed, on disk.
func indexChain(b *testing.B, payments int) {
	plan := ChainPlan{Blocks: indexedBlocks, Payments: payments, Wallets: DefaultWallets, KeyBits: 1024, Seed: 1}
	g, err := NewGenerator(b.Context(), plan)
	must(b, err)
	c := openChain(b, openDatabase(b), 0)
	_, err = c.Adopt(b.Context(), g.Blocks(b.Context()))
	must(b, err)
	size, spent := int64(0), time.Duration(0)
	for b.Loop() {
		path := b.TempDir() + "/index.db"
		begun := time.Now()
		stop := follow(b, c, path)
		spent += time.Since(begun)
		stop()
		info, err := os.Stat(path)
		must(b, err)
		size = info.Size()
	}
	b.ReportMetric(float64(b.N*indexedBlocks)/spent.Seconds(), "blocks/s")
	b.ReportMetric(float64(size)/indexedBlocks, "B/block")
}

// follow runs an index of a chain and returns once it has all of that.
func follow(b *testing.B, c *chain.Chain, path string) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	x := index.New(index.Config{Path: path, Ledger: c, Logger: silent()})
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	for x.Height() < c.Tip().Height {
		time.Sleep(time.Millisecond)
	}
	return func() {
		cancel()
		must(b, <-ended)
	}
}
