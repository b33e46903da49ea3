package bench

import (
	"os"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"lode/chain"
	"lode/chain/wire"
	"lode/miner"
)

// TestTenThousandCancellations cancels one job after another by a peer's block, and
// compares what is there afterwards with what was there before.
func TestTenThousandCancellations(t *testing.T) {
	const cancellations, warmUp = 10_000, 100
	// One CPU is left for the test, which would wait for it each time.
	workers := max(1, min(4, runtime.NumCPU()-1))
	r := newCancelRig(t, miner.Config{Workers: workers, Priority: miner.Normal})
	for range warmUp { // threads that the runtime keeps
		r.round(t, anyBegan)
	}
	goroutines, before := goleak.IgnoreCurrent(), threads(t)
	for range cancellations {
		r.round(t, anyBegan)
	}
	if err := goleak.Find(goroutines); err != nil {
		t.Error(err)
	}
	// The runtime itself may begin as many threads as run goroutines at once.
	if now := threads(t); now > before+runtime.GOMAXPROCS(0) {
		t.Errorf("%d threads, and %d before", now, before)
	}
	const all = cancellations + warmUp
	if stale, found, height := r.miner.Stale(), r.miner.Found(), r.chain.Tip().Height; stale != all || found != 0 || height != all {
		t.Errorf("%d stale searches and %d blocks found at height %d, want %d, 0, %d", stale, found, height, all, all)
	}
	for address, want := range map[string]int{"peer": all * chain.Reward, "us": 0} {
		if got, err := r.chain.Balance(address); err != nil || got.Confirmed != wire.Int(int64(want)) {
			t.Errorf("the balance of %s is %v, want %d; %v", address, got, want, err)
		}
	}
	if err := findsProofs(t.Context(), r.engine); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// threads is how many the system counts of this process; 0 where it doesn't say, so
// that only goroutines are compared there.
func threads(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}
