package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"lode/chain/wire"
	"lode/miner"
	"lode/miner/kernel"
)

// prefixSizes are the lengths in bytes of the messages to complete: that of a
// block without payments, and about that of a block with a handful.
var prefixSizes = []int{66, 4096}

// straddling is the length of a message whose proofs reach over a block's border
// and have only their last three digits behind it.
const straddling = 115

// prefixOf is a message of that many bytes to complete with a proof; the one of
// 66 bytes is that of block 1 of every chain.
func prefixOf(size int) []byte {
	first := wire.AppendPrefix(nil, nil, wire.GenesisHash)
	return bytes.Repeat(first, size/len(first)+1)[:size]
}

// variant is another message of that many bytes, by number.
func variant(size, number int) []byte {
	prefix, text := prefixOf(size), strconv.Itoa(number)
	copy(prefix[max(0, size-len(text)):], text)
	return prefix
}

// neverFound is a difficulty that no hash has, so that a search goes on until
// it is cancelled.
const neverFound = 64

// task is one kind of search that is measured.
type task struct {
	prefixBytes int
	mode        miner.Mode
}

// tasks are prefixes of those lengths, each once, a straddling one, and long
// proofs behind the first.
func tasks(prefixes []int) []task {
	list := wholeTasks(prefixes)
	return append(list, task{prefixes[0], miner.Long})
}

// wholeTasks are those that differ for a miner that hashes whole messages.
func wholeTasks(prefixes []int) (list []task) {
	for _, size := range append(slices.Clone(prefixes), straddling) {
		if t := (task{size, miner.Fastest}); !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

// String is the task's part of a benchmark's name.
func (t task) String() string {
	if t.mode == miner.Long {
		return fmt.Sprintf("proofs=long/prefix=%d", t.prefixBytes)
	}
	return fmt.Sprintf("prefix=%d", t.prefixBytes)
}

// endless is a job that the task is measured by.
func (t task) endless() miner.Job {
	return miner.Job{Prefix: prefixOf(t.prefixBytes), Difficulty: neverFound, Mode: t.mode}
}

// layout names for people how the digits lie that an endless job begins with.
func (t task) layout() string {
	_, _, layout := miner.Begins(t.endless())
	if t.mode == miner.Long {
		return "long proofs, " + layout.String()
	}
	return layout.String()
}

// start is where a scan begins.
type start struct {
	digits kernel.Digits
	first  uint64
}

func startOf(job miner.Job) start {
	digits, first, _ := miner.Begins(job)
	return start{digits, first}
}

// wholeStart is where miners begin that hash whole messages: all of 16 digits are
// written, without leading zeros.
func wholeStart() start { return start{kernel.Plain(16), 1e15} }

// end is behind the candidates that are tried for certain: proofs stay below 2^53,
// so those that begin with a 9 may not be.
func (s start) end() uint64 {
	return kernel.NewWork(nil, s.digits, 0).Candidates() / 10 * 9
}

// puzzle is a job whose first proof is known.
type puzzle struct {
	start
	job      miner.Job
	solution uint64 // as a candidate of the digits
}

// checksum is the SHA-256 of the proofs' decimal digits, a line each, in hex: the same
// on every machine and with every kernel. It is empty for none.
func checksum(proven []puzzle) string {
	if len(proven) == 0 {
		return ""
	}
	var text []byte
	for _, p := range proven {
		text = append(p.digits.Append(text, p.solution), '\n')
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

const (
	puzzleCount  = 3       // for each task
	puzzleReach  = 200_000 // candidates before the solution, at most: the slowest kernels have to find it too
	puzzlesTried = 1000    // at most, until so many have such a solution
	// A proof of the lower difficulty is known in a moment. Some layouts need the
	// upper one: they don't pay for less.
	puzzleEasiest, puzzleHardest = 4, 5
)

var errNoPuzzle = errors.New("no proof is among the digits that the search begins with")

// puzzles are jobs that begin with the same digits as an endless one.
func (t task) puzzles(ctx context.Context) ([]puzzle, error) {
	return puzzlesFrom(ctx, startOf(t.endless()), t.puzzleJob())
}

// puzzleJob is an endless job made easy.
func (t task) puzzleJob() miner.Job {
	job := t.endless()
	at := startOf(job)
	for job.Difficulty = puzzleEasiest; job.Difficulty < puzzleHardest && startOf(job) != at; {
		job.Difficulty++
	}
	return job
}

// wholeDifficulty is that of puzzles for miners that hash whole messages, which may
// be long.
const wholeDifficulty = 3

// wholePuzzles are those of wholeStart.
func (t task) wholePuzzles(ctx context.Context) ([]puzzle, error) {
	return puzzlesFrom(ctx, wholeStart(), miner.Job{Prefix: prefixOf(t.prefixBytes), Difficulty: wholeDifficulty})
}

// provable is a task whose puzzles are made when they are asked for first.
type provable struct {
	task    task
	puzzles func() ([]puzzle, error)
}

func provables(list []task) (all []provable) {
	for _, t := range list {
		all = append(all, provable{t, sync.OnceValues(func() ([]puzzle, error) { return t.puzzles(context.Background()) })})
	}
	return all
}

// puzzlesFrom are like job but for what the prefix holds.
func puzzlesFrom(ctx context.Context, at start, job miner.Job) (list []puzzle, err error) {
	size := len(job.Prefix)
	for number := 0; len(list) < puzzleCount; number++ {
		if number == puzzlesTried {
			return nil, fmt.Errorf("prefix of %d bytes: %w", size, errNoPuzzle)
		}
		p := puzzle{start: at, job: job}
		p.job.Prefix = variant(size, number)
		found, err := p.solve(ctx)
		if err != nil {
			return nil, err
		}
		if found {
			list = append(list, p)
		}
	}
	return list, nil
}

// solveBatch is how many candidates are tried before it is looked whether the
// context has ended.
const solveBatch = 4096

// solve tries one candidate after another with crypto/sha256, whose code none of
// our kernels shares.
func (p *puzzle) solve(ctx context.Context) (found bool, err error) {
	digest := sha256.New()
	digest.Write(p.job.Prefix)
	state, err := digest.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return false, fmt.Errorf("crypto/sha256 doesn't tell its state: %w", err)
	}
	var digits, sum []byte
	end := min(p.end(), p.first+puzzleReach)
	for p.solution = p.first; p.solution < end; p.solution++ {
		if p.solution%solveBatch == 0 && ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err := digest.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			return false, fmt.Errorf("crypto/sha256 doesn't take its state back: %w", err)
		}
		digits = p.digits.Append(digits[:0], p.solution)
		digest.Write(digits)
		if sum = digest.Sum(sum[:0]); hasZeros(sum, p.job.Difficulty) {
			return true, nil
		}
	}
	return false, nil
}

// hasZeros tells whether a hash begins with that many hex zeros.
func hasZeros(sum []byte, difficulty int) bool {
	for i := range difficulty {
		if sum[i/2]>>(4-4*(i%2))&0xF != 0 {
			return false
		}
	}
	return true
}

// errWrongProof is a kernel that found something else than the first proof.
var errWrongProof = errors.New("it found a wrong proof or none")

// solvedBySearch checks a searcher. It returns an error unless that finds the
// solution.
func (p *puzzle) solvedBySearch(ctx context.Context, s miner.Searcher) error {
	found, err := s.Search(ctx, p.job)
	if err != nil {
		return fmt.Errorf("searching a proof that is known: %w", err)
	}
	if want := string(p.digits.Append(nil, p.solution)); found.String() != want {
		return fmt.Errorf("%w: %s, where the first one is %s", errWrongProof, found, want)
	}
	return nil
}

// solvedByScan checks a kernel without an engine, in the same way.
func (p *puzzle) solvedByScan(ctx context.Context, k kernel.Kernel) error {
	work := kernel.NewWork(p.job.Prefix, p.digits, p.job.Difficulty)
	scanner := k.NewScanner(work)
	for candidate := p.first; candidate <= p.solution; candidate += uint64(k.Batch) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		count := min(uint64(k.Batch), work.Candidates()-candidate)
		i := scanner.Scan(candidate, int(count))
		if i < 0 {
			continue
		}
		if found := candidate + uint64(i); found != p.solution {
			return fmt.Errorf("%w: candidate %d, where the first one is %d", errWrongProof, found, p.solution)
		}
		return nil
	}
	return fmt.Errorf("%w: none, where the first one is candidate %d", errWrongProof, p.solution)
}
