package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lode/chain/wire"
	"lode/miner"
	"lode/miner/kernel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Benchmark runs every case: go test -bench . ./bench
func Benchmark(b *testing.B) {
	for _, c := range Cases() {
		b.Run(c.Name, c.Run)
	}
}

// TestCases compares the names with what the suite has to measure: each once,
// for the kernels of this machine.
func TestCases(t *testing.T) {
	want := []string{
		"scan/kernel=crypto-whole/prefix=66", "scan/kernel=crypto-whole/prefix=4096",
		"scan/kernel=minio-whole/prefix=66", "scan/kernel=minio-whole/prefix=4096",
		"add/store=memory/payments=0", "add/store=memory/payments=10",
		"add/store=bbolt/payments=0", "add/store=bbolt/payments=10",
		"mine/store=memory/difficulty=1", "mine/store=bbolt/difficulty=1",
	}
	for _, k := range kernel.Available() {
		for _, pattern := range []string{
			"scan/kernel=%s/prefix=66", "scan/kernel=%s/prefix=4096",
			"search/kernel=%s/workers=1/prefix=66", "search/kernel=%s/workers=1/prefix=4096",
			"search/kernel=%s/workers=all/prefix=66", "search/kernel=%s/workers=all/prefix=4096",
			"cancel/kernel=%s/workers=1", "cancel/kernel=%s/workers=all",
		} {
			want = append(want, fmt.Sprintf(pattern, k.Name))
		}
	}
	var got []string
	for _, c := range Cases() {
		got = append(got, c.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the cases are\n%q\nwant\n%q", got, want)
	}
}

func TestPrefixes(t *testing.T) {
	for _, size := range prefixSizes {
		if got := len(prefixOf(size)); got != size {
			t.Errorf("a prefix of %d bytes has %d", size, got)
		}
	}
	if got := string(prefixOf(66)); got != "[]"+wire.GenesisHash {
		t.Errorf("the prefix of 66 bytes is %q, want that of block 1", got)
	}
}

// TestOnlyTheLastIsHit checks what the scans rely on with the ledger's code, for
// some prefixes, since in one of them the hits may lie well by chance.
func TestOnlyTheLastIsHit(t *testing.T) {
	for size := range 20 {
		prefix := prefixOf(size)
		_, first := lastIsHit(prefix)
		for i := range kernel.MaxBatch {
			isHit := wire.HasProof(prefix, wire.Int(int64(first)+int64(i)), knownDifficulty)
			if want := i == kernel.MaxBatch-1; isHit != want {
				t.Errorf("prefix of %d bytes: candidate %d of %d is a hit: %t", size, i, kernel.MaxBatch, isHit)
			}
		}
	}
}

// answer is a scanner, and a searcher, that says the same whatever it is asked.
type answer int

func (a answer) Scan(uint64, int) int { return int(a) }

func (a answer) Search(context.Context, miner.Job) (wire.Number, error) {
	return wire.Int(int64(a)), nil
}

func TestAWrongKernelScoresNothing(t *testing.T) {
	for _, a := range []answer{-1, 0, kernel.MaxBatch} {
		wrong := kernel.Kernel{Name: "wrong", NewScanner: func(*kernel.Work) kernel.Scanner { return a }}
		if result := testing.Benchmark(func(b *testing.B) { scan(b, wrong, 66) }); result.N != 0 {
			t.Errorf("a kernel whose hit is always %d scored %v", a, result)
		}
	}
}

// TestFindsProof lets searchers be wrong: the proof is neither 0 nor any other
// proof than the smallest.
func TestFindsProof(t *testing.T) {
	prefix := prefixOf(66)
	var proofs []answer
	for n := answer(0); len(proofs) < 2; n++ {
		if wire.HasProof(prefix, wire.Int(int64(n)), 3) {
			proofs = append(proofs, n)
		}
	}
	for _, test := range []struct {
		answer answer
		ok     bool
	}{{proofs[0], true}, {proofs[1], false}, {0, false}} {
		if err := findsProof(t.Context(), test.answer, prefix); (err == nil) != test.ok {
			t.Errorf("the answer %d: error %v", test.answer, err)
		}
	}
}

func TestPercentile(t *testing.T) {
	var values []time.Duration
	for i := range 200 {
		values = append(values, time.Duration(i+1))
	}
	for _, test := range []struct {
		count, percent int
		want           time.Duration
	}{{1, 50, 1}, {1, 99, 1}, {2, 50, 1}, {3, 50, 2}, {100, 99, 99}, {101, 99, 100}, {200, 50, 100}, {200, 99, 198}} {
		if got := percentile(values[:test.count], test.percent); got != test.want {
			t.Errorf("percentile %d of 1..%d is %d, want %d", test.percent, test.count, got, test.want)
		}
	}
}
