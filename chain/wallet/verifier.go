package wallet

import (
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"lode/chain/wallet/multibuffer"
)

// maxKeys is how many senders' keys a Verifier remembers. One of MaxBits takes
// 7 KiB with its address, so all of them take at most 28 MiB.
const maxKeys = 4096

// Verifier checks payments' signatures and remembers the keys of the senders
// that it met last: with a key of 1024 bits, reading it out of its address and
// preparing it takes longer than the rest of a verification. It is safe for
// concurrent use.
type Verifier struct {
	keys      *lru.Cache[string, preparedKey] // by address, only of valid ones
	batches   sync.Pool                       // of *multibuffer.Batch
	digesters sync.Pool                       // of *digester
}

// NewVerifier makes a Verifier that remembers no key yet.
func NewVerifier() *Verifier {
	keys, err := lru.New[string, preparedKey](maxKeys)
	if err != nil {
		panic(err) // only for a size below 1
	}
	v := &Verifier{keys: keys}
	v.batches.New = func() any { return new(multibuffer.Batch) }
	v.digesters.New = func() any { return new(digester) }
	return v
}

// Verify is the function Verify, with the same errors.
func (v *Verifier) Verify(sender, recipient, amount, signature string) error {
	key, err := v.key(sender)
	if err != nil {
		return err
	}
	return key.verify(digest(sender, recipient, amount), signature)
}

func (v *Verifier) key(sender string) (preparedKey, error) {
	if key, ok := v.keys.Get(sender); ok {
		return key, nil
	}
	public, err := parsePublic(sender)
	if err != nil {
		return preparedKey{}, err
	}
	key := prepare(public)
	// The sender's text may be a part of a much longer one.
	v.keys.Add(strings.Clone(sender), key)
	return key, nil
}
