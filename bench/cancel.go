package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
	"lode/miner"
	"lode/miner/kernel"
)

// errOver ends miner.Mine where the next job would begin.
var errOver = errors.New("the benchmark has what it wanted")

// cancellations measure how long work goes on that a peer's block has made
// useless, with the priority that workers of a node have by default. With a CPU
// to spare it is the engine's time; without one it is the system's too, which
// must take a CPU from a worker to wake anybody.
func cancellations() []Case {
	var cases []Case
	for _, k := range kernel.Available() {
		for _, w := range workerCounts {
			cases = append(cases, Case{
				fmt.Sprintf("cancel/kernel=%s/workers=%s", k.Name, w.name),
				func(b *testing.B) { cancel(b, miner.Config{Kernel: k.Name, Workers: w.count}) },
			})
		}
	}
	return cases
}

// cancel measures the time from a peer's block as the new tip to the last worker
// off the old job: ns/op is the mean, the other metrics are percentiles.
func cancel(b *testing.B, cfg miner.Config) {
	r := newCancelRig(b, cfg)
	var latencies []time.Duration
	for b.Loop() {
		latencies = append(latencies, r.round(b, allBegan))
	}
	if rounds := uint64(b.N); r.miner.Stale() != rounds || r.chain.Tip().Height != int64(rounds) {
		b.Fatalf("%d searches were stale at height %d, want %d of each", r.miner.Stale(), r.chain.Tip().Height, rounds)
	}
	var sum time.Duration
	for _, latency := range latencies {
		sum += latency
	}
	b.ReportMetric(float64(sum.Nanoseconds())/float64(len(latencies)), "ns/op")
	reportPercentiles(b, latencies)
}

// reportPercentiles sorts the latencies.
func reportPercentiles(b *testing.B, latencies []time.Duration) {
	slices.Sort(latencies)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(percentile(latencies, p).Nanoseconds())/1e3, fmt.Sprintf("p%d-us", p))
	}
}

// percentile is the smallest of the sorted values that p percent of them don't
// exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(p*len(sorted)+99)/100-1]
}

// cancelRig is a ledger, an engine and a miner between them.
type cancelRig struct {
	chain     *chain.Chain
	engine    *miner.Engine
	miner     *miner.Miner
	latencies chan time.Duration
}

func newCancelRig(b testing.TB, cfg miner.Config) *cancelRig {
	r := &cancelRig{latencies: make(chan time.Duration, 1)}
	r.chain = openChain(b, store.NewMemory(), 0)
	cfg.Cancelled = func(latency time.Duration) { r.latencies <- latency }
	r.engine = startEngine(b, cfg)
	must(b, findsProofs(b.Context(), r.engine))
	r.miner = miner.New(miner.MinerConfig{
		Searcher: &oneEndless{engine: r.engine}, Ledger: r.chain, Logger: silent(),
		Address: func() (string, bool) { return "us", true },
	})
	return r
}

// findsProofs lets a searcher find proofs that are known.
func findsProofs(ctx context.Context, s miner.Searcher) error {
	known, err := task{prefixSizes[0], miner.Fastest}.puzzles(ctx)
	if err != nil {
		return err
	}
	for _, p := range known {
		if err := p.solvedBySearch(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// round lets a peer's block come while enough workers are on a job. The engine's
// own clock must agree with one around everything.
func (r *cancelRig) round(b testing.TB, enough func(idle, now []miner.WorkerStatus) bool) time.Duration {
	idle := r.engine.Workers()
	mined := make(chan error, 1)
	go func() { // ends with the job, which the peer's block cancels
		_, err := r.miner.Mine(b.Context())
		mined <- err
	}()
	must(b, waitForWorkers(r.engine, enough, idle, mined))
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: "peer", Amount: wire.Int(chain.Reward)}
	begin := time.Now()
	must(b, r.chain.Add(b.Context(), nextBlock(r.chain, []wire.Transaction{reward})))
	if err := <-mined; !errors.Is(err, errOver) {
		b.Fatalf("mining ended with: %v", err)
	}
	latency, whole := <-r.latencies, time.Since(begin)
	if latency <= 0 || latency > whole {
		b.Fatalf("the latency is said to be %v of %v", latency, whole)
	}
	return latency
}

// oneEndless is a searcher whose every other search never ends by itself; the
// ones between end at once, so that no worker begins anew.
type oneEndless struct {
	engine *miner.Engine
	second bool
}

// Search is called by one goroutine at a time.
func (s *oneEndless) Search(ctx context.Context, job miner.Job) (wire.Number, error) {
	second := s.second
	s.second = !second
	if second {
		return wire.Number{}, errOver
	}
	job.Difficulty = neverFound
	return s.engine.Search(ctx, job)
}
