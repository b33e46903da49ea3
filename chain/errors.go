package chain

import (
	"errors"

	"lode/chain/wallet"
	"lode/chain/wire"
)

// One error for each rule of the ledger. What Add and its relatives return
// wraps one of them with the values that broke the rule; test with errors.Is.
var (
	ErrStale           = errors.New("the block is not higher than the tip")
	ErrAhead           = errors.New("the block is too far above the tip")
	ErrPreviousHash    = errors.New("the block doesn't follow the block before")
	ErrGenesis         = errors.New("the first block is not the network's genesis block")
	ErrProof           = errors.New("the proof of work is not valid")
	ErrRewardMissing   = errors.New("the block's last transaction is not a reward")
	ErrRewardAmount    = errors.New("the reward has the wrong amount")
	ErrRewardMisplaced = errors.New("a reward stands where a payment must")
	ErrAmount          = errors.New("the amount is not a finite number of at least 0")
	ErrText            = errors.New("a text is not valid Unicode")
	ErrSignature       = errors.New("the payment is not signed by its sender")
	ErrOverspend       = errors.New("the sender's balance is too small")
	ErrReplay          = errors.New("an equal payment is open or confirmed already")
	ErrPoolFull        = errors.New("too many open transactions; mine some first")
	ErrNotFound        = errors.New("not found")
	ErrDifficulty      = errors.New("the database was made with another difficulty")
	ErrUnsteady        = errors.New("the blocks have changed while they were checked")
	ErrCorrupt         = errors.New("the database contradicts itself")
)

// reasons maps errors to their short names, the first match counting.
var reasons = []struct {
	err  error
	name string
}{
	{ErrStale, "stale"},
	{ErrAhead, "ahead"},
	{ErrPreviousHash, "previous_hash"},
	{ErrGenesis, "genesis"},
	{ErrProof, "proof"},
	{ErrRewardMissing, "reward_missing"},
	{ErrRewardAmount, "reward_amount"},
	{ErrRewardMisplaced, "reward_misplaced"},
	{ErrAmount, "amount"},
	{ErrText, "text"},
	{wallet.ErrKey, "key"},
	{ErrSignature, "signature"},
	{ErrOverspend, "overspend"},
	{ErrReplay, "replay"},
	{ErrPoolFull, "pool_full"},
	{wire.ErrSyntax, "json"},
}

// ReasonOther is the Reason of an error that no rule made.
const ReasonOther = "other"

// reasonField is the Reason of a block or payment whose fields have wrong types.
const reasonField = "field"

// Reasons are all that Reason may return.
func Reasons() []string {
	names := []string{ReasonOther, reasonField}
	for _, reason := range reasons {
		names = append(names, reason.name)
	}
	return names
}

// Reason is a short, stable name of the rule that an error is about, for
// metrics and logs; "other" for anything else.
func Reason(err error) string {
	for _, reason := range reasons {
		if errors.Is(err, reason.err) {
			return reason.name
		}
	}
	if field := new(wire.FieldError); errors.As(err, &field) {
		return reasonField
	}
	return ReasonOther
}
