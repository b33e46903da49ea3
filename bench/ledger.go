package bench

import (
	"fmt"
	"testing"

	"lode/chain"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// walletBits is the size of the keys that a node makes by default.
const walletBits = 2048

// additions measure chain.Add by the store and the payments in a block.
func additions() []Case {
	var cases []Case
	for _, s := range stores {
		for _, payments := range []int{0, 10} {
			cases = append(cases, Case{
				fmt.Sprintf("add/store=%s/payments=%d", s.name, payments),
				func(b *testing.B) { add(b, openChain(b, s.open(b), 0), payments) },
			})
		}
	}
	for _, payments := range []int{0, 10} {
		cases = append(cases, Case{fmt.Sprintf("add/store=bbolt/index=on/payments=%d", payments), func(b *testing.B) {
			c := openChain(b, openDatabase(b), 0)
			defer follow(b, c, b.TempDir()+"/index.db")()
			add(b, c, payments)
		}})
	}
	return cases
}

// add measures chain.Add of a block whose payments have not been open before,
// so that every signature is verified. The difficulty makes every proof valid.
func add(b *testing.B, c *chain.Chain, payments int) {
	owner, err := wallet.Generate(walletBits)
	must(b, err)
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: owner.Address(), Amount: wire.Int(chain.Reward)}
	must(b, c.Add(b.Context(), nextBlock(c, []wire.Transaction{reward}))) // it funds the payments of the next block
	transactions := append(signed(b, owner, payments), reward)
	for b.Loop() {
		if err := c.Add(b.Context(), nextBlock(c, transactions)); err != nil {
			b.Fatal(err)
		}
	}
	if height := c.Tip().Height; height != int64(b.N)+1 {
		b.Fatalf("the height is %d after %d blocks", height, b.N+1)
	}
}

// nextBlock is the block of those transactions on the tip.
func nextBlock(c *chain.Chain, transactions []wire.Transaction) wire.Block {
	tip := c.Tip()
	return wire.Block{Index: tip.Height + 1, PreviousHash: tip.Hash, Transactions: transactions}
}

// signed are at most chain.Reward payments of 1 to addresses as long as the
// owner's. One reward pays for all of them, and since a signature carries no
// nonce, every block may hold them again.
func signed(b *testing.B, owner *wallet.Wallet, count int) []wire.Transaction {
	var payments []wire.Transaction
	for i := range count {
		recipient := fmt.Sprintf("%0*d", len(owner.Address()), i)
		signature, err := owner.Sign(recipient, "1")
		must(b, err)
		payments = append(payments, wire.Transaction{
			Sender: owner.Address(), Recipient: recipient, Signature: signature, Amount: wire.Int(1),
		})
	}
	return payments
}
