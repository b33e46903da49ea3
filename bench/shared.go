package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lode/chain/wire"
	"lode/miner"
)

// sharedDifficulty is that of searches that take some milliseconds.
const sharedDifficulty = 5

// shares measure how long searches take by an engine as a node has it, on CPUs of
// its own and with one that another program takes.
func shares() []Case {
	return []Case{
		{"proof/cpus=free", func(b *testing.B) { share(b, false) }},
		{"proof/cpus=shared", func(b *testing.B) { share(b, true) }},
	}
}

// share measures searches of many prefixes, each of which ends with a proof.
func share(b *testing.B, busy bool) {
	e := startEngine(b, miner.Config{})
	if busy {
		background(b, func(ctx context.Context) error { return occupy(ctx, e.Workers()[0].CPU) })
	}
	var latencies []time.Duration
	for number := 0; b.Loop(); number++ {
		prefix := fmt.Appendf(nil, "%066d", number)
		begin := time.Now()
		proof, err := e.Search(b.Context(), miner.Job{Prefix: prefix, Difficulty: sharedDifficulty})
		latencies = append(latencies, time.Since(begin))
		must(b, err)
		if !wire.HasProof(prefix, proof, sharedDifficulty) {
			b.Fatalf("%s is no proof", proof)
		}
	}
	reportPercentiles(b, latencies)
}

// occupy keeps a CPU busy at normal priority, as another program would.
func occupy(ctx context.Context, cpu int) error {
	_, err := onThread(cpu, func() (float64, error) {
		for ctx.Err() == nil {
			// busy
		}
		return 0, nil
	})
	return err
}
