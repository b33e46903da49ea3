package bench

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"lode/miner/kernel"
)

// scans measure the kernels alone, in one goroutine without an engine, beside
// miners that hash the whole message for every candidate.
func scans(list []provable) []Case {
	var cases []Case
	for _, k := range kernel.Available() {
		for _, p := range list {
			cases = append(cases, Case{
				fmt.Sprintf("scan/kernel=%s/%s", k.Name, p.task),
				func(b *testing.B) {
					known, err := p.puzzles()
					must(b, err)
					scan(b, p.task.loop(k, known))
				},
			})
		}
	}
	for _, k := range wholeMessages() {
		for _, t := range wholeTasks(prefixSizes) {
			cases = append(cases, Case{
				// A slash would begin another part of the name.
				fmt.Sprintf("scan/kernel=%s/%s", strings.ReplaceAll(k.Name, "/", "-"), t),
				func(b *testing.B) {
					known, err := t.wholePuzzles(b.Context())
					must(b, err)
					scan(b, t.wholeLoop(k, known))
				},
			})
		}
	}
	return cases
}

// scan measures one batch an op.
func scan(b *testing.B, l loop) {
	_, err := l.prove(b.Context())
	must(b, err)
	steps, hashes := l.begin(), 0
	b.ReportAllocs()
	for b.Loop() {
		hashes += steps.step()
	}
	must(b, steps.err())
	b.ReportMetric(float64(hashes)/b.Elapsed().Seconds(), "hashes/s")
}

// wholeMessages are miners that know no midstate: they hash all of the message
// for every candidate, with a library's function.
func wholeMessages() []kernel.Kernel {
	return append([]kernel.Kernel{wholeMessage(wholeCrypto, sha256.Sum256)}, wholeLibraries()...)
}

// wholeCrypto is the name of the one that all others are compared with.
const wholeCrypto = "crypto/sha256"

// wholeLayout is what stands for the layout of the digits, which doesn't matter.
const wholeLayout = "whole message"

func wholeMessage(name string, sum func([]byte) [sha256.Size]byte) kernel.Kernel {
	// A batch takes about 50 microseconds, or less than a millisecond where the
	// message has 4 KB.
	return kernel.Kernel{Name: name, Batch: 250, NewScanner: func(w *kernel.Work) kernel.Scanner {
		buffer := append(make([]byte, 0, len(w.Prefix)+w.Digits.Size()), w.Prefix...)
		return &wholeScanner{buffer, w.Difficulty, sum}
	}}
}

type wholeScanner struct {
	prefix     []byte // with room for the digits
	difficulty int
	sum        func([]byte) [sha256.Size]byte
}

// Scan writes candidates without leading zeros, so first must have all digits.
func (s *wholeScanner) Scan(first uint64, count int) int {
	for i := range count {
		sum := s.sum(strconv.AppendUint(s.prefix, first+uint64(i), 10))
		if hasZeros(sum[:], s.difficulty) {
			return i
		}
	}
	return -1
}
