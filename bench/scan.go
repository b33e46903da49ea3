package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"testing"

	simd "github.com/minio/sha256-simd"

	"lode/chain/wire"
	"lode/miner/kernel"
)

// prefixSizes are the lengths in bytes of the messages to complete: that of a
// block without payments, and about that of a block with a handful.
var prefixSizes = []int{66, 4096}

// prefixOf is a message of that many bytes to complete with a proof; the one of
// 66 bytes is that of block 1 of every chain.
func prefixOf(size int) []byte {
	first := wire.AppendPrefix(nil, nil, wire.GenesisHash)
	return bytes.Repeat(first, size/len(first)+1)[:size]
}

// scans measure the kernels alone, in one goroutine without an engine, beside
// miners that hash the whole message for every candidate.
func scans() []Case {
	kernels := append(kernel.Available(),
		wholeMessage("crypto-whole", sha256.Sum256), wholeMessage("minio-whole", simd.Sum256))
	var cases []Case
	for _, k := range kernels {
		for _, size := range prefixSizes {
			cases = append(cases, Case{
				fmt.Sprintf("scan/kernel=%s/prefix=%d", k.Name, size),
				func(b *testing.B) { scan(b, k, size) },
			})
		}
	}
	return cases
}

// scan measures one batch of kernel.MaxBatch candidates an op. The only hit is
// the last candidate, and each op must find it.
func scan(b *testing.B, k kernel.Kernel, prefixSize int) {
	work, first := lastIsHit(prefixOf(prefixSize))
	scanner := k.NewScanner(work)
	for b.Loop() {
		if i := scanner.Scan(first, kernel.MaxBatch); i != kernel.MaxBatch-1 {
			b.Fatalf("candidate %d of the batch is said to be the first hit, want %d", i, kernel.MaxBatch-1)
		}
	}
	b.ReportMetric(float64(b.N)*kernel.MaxBatch/b.Elapsed().Seconds(), "hashes/s")
}

// Proofs that the benchmarks look for: easy enough to know them from portable
// code, rare enough that a batch may have none.
const (
	knownDifficulty = 3
	knownDigits     = 16
	knownFirst      = 1e15 // the first number of knownDigits digits
)

// lastIsHit returns a work and the first candidate of a batch of
// kernel.MaxBatch, of which the last is a hit and no other one. It knows that
// from kernel.Verify, whose code no kernel shares.
func lastIsHit(prefix []byte) (w *kernel.Work, first uint64) {
	w = kernel.NewWork(prefix, kernel.Plain(knownDigits), knownDifficulty)
	behind := uint64(knownFirst) // behind the latest hit
	for candidate := behind; ; candidate++ {
		if !kernel.Verify(w, candidate) {
			continue
		}
		if candidate-behind >= kernel.MaxBatch-1 {
			return w, candidate - (kernel.MaxBatch - 1)
		}
		behind = candidate + 1
	}
}

// wholeMessage is a miner that knows no midstate: it hashes all of the message
// for every candidate, with a library's function.
func wholeMessage(name string, sum func([]byte) [sha256.Size]byte) kernel.Kernel {
	return kernel.Kernel{Name: name, NewScanner: func(w *kernel.Work) kernel.Scanner {
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
		if binary.BigEndian.Uint64(sum[:])>>(64-4*s.difficulty) == 0 {
			return i
		}
	}
	return -1
}
