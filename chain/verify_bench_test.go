package chain_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// BenchmarkVerify takes over chains from their text and verifies them from the
// database, and compares with what the cores could do if there was nothing but
// rsa.VerifyPKCS1v15, with the key parsed and the digest known. The metrics are
// payments a second and what part of that rate this is, by the clock and, where
// the system tells it, by the CPU time that was taken.
func BenchmarkVerify(b *testing.B) {
	for _, bits := range []int{1024, 2048} {
		signed := newSignedPayments(b, bits)
		for _, perBlock := range []int{1, 10, 100} {
			blocks := signed.chain(30_000/perBlock, perBlock)
			name := fmt.Sprintf("rsa=%d/payments=%d", bits, perBlock)
			b.Run(name+"/import", func(b *testing.B) { benchmarkImport(b, bits, blocks) })
			b.Run(name+"/verify", func(b *testing.B) { benchmarkVerify(b, bits, blocks) })
		}
	}
}

func benchmarkImport(b *testing.B, bits int, blocks []wire.Block) {
	text := append([]byte("["), wire.Genesis().AppendClassic(nil)...)
	for _, block := range blocks {
		text = block.AppendClassic(append(text, ", "...))
	}
	text = append(text, ']')
	rate := newRawRate(b, bits)
	for b.Loop() {
		b.StopTimer()
		c := openOnDisk(b)
		b.StartTimer()
		rate.measure(func() {
			if adopted, err := c.Adopt(b.Context(), parsed(text)); !adopted || err != nil {
				b.Fatal(adopted, err)
			}
		})
		b.StopTimer()
		must(b, c.Close())
		b.StartTimer()
	}
	rate.report(b, blocks)
}

func benchmarkVerify(b *testing.B, bits int, blocks []wire.Block) {
	c := openOnDisk(b)
	defer c.Close()
	_, err := c.Adopt(b.Context(), sequence(blocks...))
	must(b, err)
	rate := newRawRate(b, bits)
	for b.Loop() {
		rate.measure(func() { must(b, c.Verify(b.Context(), func(int64, int64) {})) })
	}
	rate.report(b, blocks)
}

func openOnDisk(b *testing.B) *chain.Chain {
	b.Helper()
	db, err := store.Open(filepath.Join(b.TempDir(), "chain.db"))
	must(b, err)
	c, err := chain.Open(chain.Config{Store: db})
	must(b, err)
	return c
}

func parsed(text []byte) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		wire.ReadBlocks(bytes.NewReader(text), 32<<20)(yield)
	}
}

// signedPayments are payments of some wallets to each other.
type signedPayments struct {
	wallets []*wallet.Wallet
	list    []wire.Transaction
}

func newSignedPayments(b *testing.B, bits int) signedPayments {
	b.Helper()
	var s signedPayments
	for range 8 {
		w, err := wallet.Generate(bits)
		must(b, err)
		s.wallets = append(s.wallets, w)
	}
	for distance := 1; distance < 8; distance++ {
		for i, from := range s.wallets {
			s.list = append(s.list, pay(b, from, s.wallets[(i+distance)%8].Address(), wire.Int(1)))
		}
	}
	return s
}

// chain is 16 blocks that give each wallet its first coins, and then count
// blocks of payments, on genesis.
func (s signedPayments) chain(count, perBlock int) []wire.Block {
	var blocks []wire.Block
	parent, paid := chain.Tip{Hash: wire.GenesisHash}, 0
	for i := range 16 + count {
		var payments []wire.Transaction
		for range perBlock {
			if i >= 16 {
				payments = append(payments, s.list[paid%len(s.list)])
				paid++
			}
		}
		block := next(parent, 0, s.wallets[i%8].Address(), payments...)
		blocks, parent = append(blocks, block), tipOf(block)
	}
	return blocks
}

// rawRate compares with bare verifications on one core.
type rawRate struct {
	elapsed, cpu time.Duration // of what is measured
	runs         int

	key               *rsa.PublicKey
	digest, signature []byte
	rawElapsed, raw   time.Duration // of rawCount bare verifications
	rawCount          int
}

func newRawRate(b *testing.B, bits int) *rawRate {
	b.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	must(b, err)
	digest := sha256.Sum256([]byte("payment"))
	signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	must(b, err)
	return &rawRate{key: &private.PublicKey, digest: digest[:], signature: signature}
}

// measure also measures the raw rate, before and after run: machines are noisy.
func (r *rawRate) measure(run func()) {
	r.runs++
	r.measureRaw()
	runtime.GC() // what was left before isn't the run's work
	cpu, start := cpuTime(), time.Now()
	run()
	r.elapsed, r.cpu = r.elapsed+time.Since(start), r.cpu+cpuTime()-cpu
	r.measureRaw()
}

func (r *rawRate) measureRaw() {
	cpu, start := cpuTime(), time.Now()
	for range 2000 {
		if rsa.VerifyPKCS1v15(r.key, crypto.SHA256, r.digest, r.signature) != nil {
			panic("the signature is right")
		}
	}
	r.rawElapsed, r.raw = r.rawElapsed+time.Since(start), r.raw+cpuTime()-cpu
	r.rawCount += 2000
}

func (r *rawRate) report(b *testing.B, blocks []wire.Block) {
	b.Helper()
	payments := 0
	for _, block := range blocks {
		payments += len(block.Payments())
	}
	payments *= r.runs
	rate := float64(payments) / r.elapsed.Seconds()
	raw := float64(r.rawCount) / r.rawElapsed.Seconds()
	b.ReportMetric(rate, "payments/s")
	b.ReportMetric(raw, "raw/s/core")
	b.ReportMetric(rate/raw/float64(runtime.GOMAXPROCS(0)), "of-raw")
	if r.cpu > 0 {
		b.ReportMetric(r.raw.Seconds()/float64(r.rawCount)*float64(payments)/r.cpu.Seconds(), "of-raw-by-cpu")
	}
	b.ReportMetric(0, "ns/op") // has the raw rate in it
}
