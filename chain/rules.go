package chain

import (
	"fmt"

	"lode/chain/wallet"
	"lode/chain/wire"
)

// Reward is what the last transaction of every block pays its miner.
const Reward = 10

// DefaultDifficulty is the original's: a proof's hash begins with 5 hex zeros.
const DefaultDifficulty = 5

// CheckProof checks a block's proof of work, and nothing else.
func CheckProof(b wire.Block, difficulty int) error {
	return proofError(b, b.HasProof(difficulty))
}

// proofError is CheckProof's error, unless the proof holds.
func proofError(b wire.Block, holds bool) error {
	if !holds {
		return fmt.Errorf("%w: block %d, proof %.40s", ErrProof, b.Index, b.Proof)
	}
	return nil
}

// CheckLink checks what a block says of its place, and its proof of work.
func CheckLink(b wire.Block, parent Tip, difficulty int) error {
	if err := checkPlace(b, parent); err != nil {
		return err
	}
	return CheckProof(b, difficulty)
}

// checkPlace checks what a block says of its place. Time stamps are free: honest
// nodes repeat them, and they run backwards.
func checkPlace(b wire.Block, parent Tip) error {
	switch next := parent.Height + 1; {
	case b.Index < next:
		return fmt.Errorf("%w: block %d, the next is %d", ErrStale, b.Index, next)
	case b.Index > next:
		return fmt.Errorf("%w: block %d, the next is %d", ErrAhead, b.Index, next)
	case b.PreviousHash != parent.Hash:
		return fmt.Errorf("%w: block %d names %.64q, the hash is %s", ErrPreviousHash, b.Index, b.PreviousHash, parent.Hash)
	}
	return nil
}

// checkReward checks that the block pays its miner: once, at its end, and the
// right amount. The recipient and the signature are the miner's to choose.
func checkReward(b wire.Block) error {
	payments := b.Payments()
	for i, t := range payments {
		if t.Sender == wire.RewardSender {
			return fmt.Errorf("%w: transaction %d of block %d", ErrRewardMisplaced, i, b.Index)
		}
	}
	if len(b.Transactions) == 0 || b.Transactions[len(payments)].Sender != wire.RewardSender {
		return fmt.Errorf("%w: block %d", ErrRewardMissing, b.Index)
	}
	if amount := b.Transactions[len(payments)].Amount; amount != wire.Int(Reward) {
		return fmt.Errorf("%w: %.40s instead of %d in block %d", ErrRewardAmount, amount, Reward, b.Index)
	}
	return nil
}

// checkForm checks the parts of a transaction that need no other knowledge.
func checkForm(t wire.Transaction) error {
	if !t.Amount.IsFinite() || t.Amount.Sign() < 0 {
		return fmt.Errorf("%w: %.40s", ErrAmount, t.Amount)
	}
	for _, text := range []string{t.Sender, t.Recipient, t.Signature} {
		if !wire.ValidText(text) {
			return fmt.Errorf("%w: %.40q", ErrText, text)
		}
	}
	return nil
}

// checkForms checks the form of all transactions of a block.
func checkForms(b wire.Block) error {
	for i, t := range b.Transactions {
		if err := checkForm(t); err != nil {
			return fmt.Errorf("transaction %d of block %d: %w", i, b.Index, err)
		}
	}
	return nil
}

// checkSignature checks that the sender signed the payment.
func (c *Chain) checkSignature(t wire.Transaction) error {
	if err := c.verifier.Verify(t.Sender, t.Recipient, t.Amount.String(), t.Signature); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return nil
}

// checkSignatures is checkSignature for several payments. It returns the index of the
// first one that isn't signed with its error.
func (c *Chain) checkSignatures(list []wire.Transaction) (failed int, err error) {
	payments := make([]wallet.Payment, len(list))
	for i, t := range list {
		payments[i] = wallet.Payment{Sender: t.Sender, Recipient: t.Recipient, Amount: t.Amount.String(), Signature: t.Signature}
	}
	failed, err = c.verifier.VerifyAll(payments)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return failed, err
}
