package bench

import (
	"context"
	"errors"
	"slices"
	"testing"

	"lode/chain/wire"
	"lode/miner"
	"lode/miner/kernel"
)

func TestPrefixes(t *testing.T) {
	for _, size := range []int{1, 66, 115, 4096} {
		if a, b := variant(size, 1), variant(size, 2); len(prefixOf(size)) != size || len(a) != size || string(a) == string(b) {
			t.Errorf("prefixes of %d bytes: %q, %q", size, a, b)
		}
	}
	if got := string(prefixOf(66)); got != "[]"+wire.GenesisHash {
		t.Errorf("the prefix of 66 bytes is %q, want that of block 1", got)
	}
}

func TestTasks(t *testing.T) {
	want := []task{{4096, miner.Fastest}, {66, miner.Fastest}, {115, miner.Fastest}, {4096, miner.Long}}
	if got := tasks([]int{4096, 66, 4096}); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for task, want := range map[task]string{
		{66, miner.Fastest}: "one word", {115, miner.Fastest}: "table", {66, miner.Long}: "long proofs, table, late digits",
	} {
		if got := task.layout(); got != want {
			t.Errorf("%v: the layout %q, want %q", task, got, want)
		}
	}
}

// TestPuzzlesBeginLikeWhatIsMeasured for all places that digits may have in a block.
func TestPuzzlesBeginLikeWhatIsMeasured(t *testing.T) {
	for size := 1; size <= 128; size++ {
		for _, mode := range []miner.Mode{miner.Fastest, miner.Long} {
			task := task{size, mode}
			if easy, endless := startOf(task.puzzleJob()), startOf(task.endless()); easy != endless {
				t.Errorf("prefix of %d bytes: %+v, want %+v", size, easy, endless)
			}
		}
	}
}

// TestPuzzles compares solutions with the ledger's code, which tries all candidates.
func TestPuzzles(t *testing.T) {
	known, err := task{66, miner.Fastest}.puzzles(t.Context())
	if err != nil || len(known) != puzzleCount {
		t.Fatalf("%d puzzles, %v", len(known), err)
	}
	for _, p := range known {
		candidate := p.first
		for !wire.HasProof(p.job.Prefix, number(p.start, candidate), puzzleEasiest) {
			candidate++
		}
		if p.job.Difficulty != puzzleEasiest || p.solution != candidate {
			t.Errorf("behind %s it is %d, want %d", p.job.Prefix, p.solution, candidate)
		}
	}
}

func TestNoPuzzle(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (task{66, miner.Fastest}).puzzles(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	job := miner.Job{Prefix: prefixOf(66), Difficulty: 8}
	if _, err := puzzlesFrom(t.Context(), start{kernel.Plain(2), 10}, job); !errors.Is(err, errNoPuzzle) {
		t.Errorf("80 candidates for 8 zeros: %v", err)
	}
}

// found is a searcher that always finds the same.
type found wire.Number

func (f found) Search(context.Context, miner.Job) (wire.Number, error) { return wire.Number(f), nil }

// failing is a searcher that finds nothing.
type failing struct{}

func (failing) Search(context.Context, miner.Job) (wire.Number, error) {
	return wire.Number{}, miner.ErrExhausted
}

// TestSolved lets kernels and searchers be wrong: they find nothing, or a proof that
// is none, or not the first one.
func TestSolved(t *testing.T) {
	p := puzzle{start: start{kernel.Plain(5), 10_000}, job: miner.Job{Prefix: prefixOf(66), Difficulty: 2}}
	if ok, err := p.solve(t.Context()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	later := p
	for later.first = p.solution + 1; ; later.first++ {
		if ok, err := later.solve(t.Context()); ok && err == nil {
			break
		}
	}
	for _, s := range []miner.Searcher{found(number(p.start, p.first)), found(number(p.start, later.solution))} {
		if err := p.solvedBySearch(t.Context(), s); !errors.Is(err, errWrongProof) {
			t.Errorf("the searcher that finds %v: %v", s, err)
		}
	}
	if err := p.solvedBySearch(t.Context(), failing{}); !errors.Is(err, miner.ErrExhausted) {
		t.Errorf("the searcher that fails: %v", err)
	}
	if err := p.solvedBySearch(t.Context(), found(number(p.start, p.solution))); err != nil {
		t.Errorf("the searcher that is right: %v", err)
	}
	for _, a := range []answer{-1, 0, 99} {
		if err := p.solvedByScan(t.Context(), wrong(a)); !errors.Is(err, errWrongProof) {
			t.Errorf("the kernel that finds %d: %v", a, err)
		}
	}
	for _, k := range append(kernel.Available(), wholeMessages()...) {
		if err := p.solvedByScan(t.Context(), k); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
}
