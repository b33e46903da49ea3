package wire

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// variedBlocks are blocks with other fields and numbers of payments than those before.
func variedBlocks(count int) []Block {
	var blocks []Block
	for i := range count {
		b := paymentBlock(i * 7 % 5)
		b.Index, b.Proof = int64(i), Int(int64(i*i))
		for j := range b.Payments() {
			b.Transactions[j].Recipient = strings.Repeat("é\x00", i*j)
		}
		if i%9 == 8 {
			b.Transactions = nil
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// assertSealed compares what is hashed together with crypto/sha256, block by block.
func assertSealed(t *testing.T, h *Hasher, blocks []Block) {
	t.Helper()
	sealed, proofs := h.SealAll(blocks)
	hashes, sameProofs := h.HashAll(blocks)
	if len(sealed) != len(blocks) || len(hashes) != len(blocks) || !reflect.DeepEqual(proofs, sameProofs) {
		t.Fatalf("%d blocks: %d sealed, %d hashes; proofs %x and %x", len(blocks), len(sealed), len(hashes), proofs, sameProofs)
	}
	for i, b := range blocks {
		want := Sealed{Block: b, Canonical: b.AppendCanonical(nil), IDs: b.PaymentIDs()}
		want.Sum = sha256.Sum256(want.Canonical)
		if !reflect.DeepEqual(sealed[i], want) || !reflect.DeepEqual(Seal(b), want) || hashes[i] != want.Hash() {
			t.Errorf("block %d of %d: sealed %v, hash %s, want %v", i, len(blocks), sealed[i], hashes[i], want)
		}
		message := AppendPrefix(nil, b.Payments(), b.PreviousHash)
		if sum := sha256.Sum256(append(message, b.Proof.String()...)); proofs[i] != sum {
			t.Errorf("block %d of %d: the proof is %x, want %x", i, len(blocks), proofs[i], sum)
		}
	}
}

// TestSealAll uses one Hasher for more and for fewer blocks than before.
func TestSealAll(t *testing.T) {
	var h Hasher
	for _, count := range []int{0, 1, 2, 30, 3, 16} {
		assertSealed(t, &h, variedBlocks(count))
	}
	if h.Hash(Genesis()) != GenesisHash {
		t.Error("a single block has another hash then")
	}
}

// TestSealAllLarge has more text than is gathered, in many messages and in one.
func TestSealAllLarge(t *testing.T) {
	large := paymentBlock(1)
	large.Transactions[0].Recipient = strings.Repeat("r", 2*gatherBytes)
	var h Hasher
	assertSealed(t, &h, append(variedBlocks(10), paymentBlock(2*gatherBytes/1000), large, paymentBlock(1), large))
}

// TestGatheredIsForgotten: the blocks of the last call can be freed.
func TestGatheredIsForgotten(t *testing.T) {
	var h Hasher
	h.SealAll(variedBlocks(4))
	for i, message := range h.messages[:cap(h.messages)] {
		if message != nil {
			t.Errorf("message %d is kept", i)
		}
	}
	for i, target := range h.targets[:cap(h.targets)] {
		if target != nil {
			t.Errorf("target %d is kept", i)
		}
	}
}

// TestIsProof compares with the hex text of a sum.
func TestIsProof(t *testing.T) {
	for zeros := range 65 {
		var sum [32]byte
		if zeros < 64 {
			sum[zeros/2] = 1 << (4 - zeros%2*4)
		}
		for difficulty := range 66 {
			want := difficulty <= 64 && strings.HasPrefix(fmt.Sprintf("%x", sum), strings.Repeat("0", difficulty))
			if got := IsProof(sum, difficulty); got != want {
				t.Errorf("%x, difficulty %d: %t, want %t", sum, difficulty, got, want)
			}
		}
	}
}

// BenchmarkSealAll is for 16 blocks with a payment each, together and one by one.
func BenchmarkSealAll(b *testing.B) {
	var blocks []Block
	for i := range 16 {
		block := paymentBlock(1)
		block.Index = int64(i)
		blocks = append(blocks, block)
	}
	var h Hasher
	for name, run := range map[string]func(){
		"seal/together": func() { h.SealAll(blocks) },
		"seal/one by one": func() {
			for _, block := range blocks {
				Seal(block)
				h.HasProof(block, 1)
			}
		},
		"hash/together": func() { h.HashAll(blocks) },
		"hash/one by one": func() {
			for _, block := range blocks {
				h.Hash(block)
				h.HasProof(block, 1)
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run()
			}
		})
	}
}
