package wire

import (
	"strings"
	"testing"
)

// paymentBlock is a block of n payments between wallets of 1024 bits.
func paymentBlock(n int) Block {
	address := strings.Repeat("30819f300d06092a86", 18)
	b := Block{Index: 5, PreviousHash: GenesisHash, Proof: Int(13424), TimeStamp: Float(1545316871.1234567)}
	for range n {
		b.Transactions = append(b.Transactions,
			Transaction{Sender: address, Recipient: address, Signature: strings.Repeat("0f", 128), Amount: Float(2.5)})
	}
	b.Transactions = append(b.Transactions, Transaction{Sender: RewardSender, Recipient: address, Amount: Int(10)})
	return b
}

func BenchmarkBlock(b *testing.B) {
	block := paymentBlock(100)
	text := block.AppendClassic(nil)
	var buffer []byte
	for name, run := range map[string]func(){
		"canonical": func() { buffer = block.AppendCanonical(buffer[:0]) },
		"hash":      func() { _ = block.Hash() },
		"prefix":    func() { buffer = AppendPrefix(buffer[:0], block.Payments(), block.PreviousHash) },
		"decode": func() {
			if _, err := DecodeBlock(text); err != nil {
				b.Fatal(err)
			}
		},
		"read": func() {
			blocks, err := readOneByOne(strings.NewReader("["+string(text)+"]"), 1<<20)
			if err != nil || len(blocks) != 1 {
				b.Fatal(err)
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

// BenchmarkPayment is of a block of one payment, as most are.
func BenchmarkPayment(b *testing.B) {
	block := paymentBlock(1)
	text := block.AppendCanonical(nil)
	var hasher Hasher
	var buffer []byte
	for name, run := range map[string]func(){
		"decode": func() {
			if _, err := DecodeBlock(text); err != nil {
				b.Fatal(err)
			}
		},
		"seal": func() { hasher.Seal(block) },
		"ends": func() {
			if scan := (objectScan{depth: 1}); scan.step(text[1:]) != len(text)-1 {
				b.Fatal("the end is somewhere else")
			}
		},
		"text":  func() { buffer = block.AppendCanonical(buffer[:0]) },
		"proof": func() { hasher.HasProof(block, 0) },
		"ids":   func() { block.PaymentIDs() },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
