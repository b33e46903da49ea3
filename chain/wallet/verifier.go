package wallet

import (
	"crypto/rsa"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxKeys is how many senders' keys a Verifier remembers. One of MaxBits takes
// 3.5 KiB with its address, so all of them take at most 14 MiB.
const maxKeys = 4096

// Verifier checks payments' signatures and remembers the keys of the senders
// that it met last: reading a key of 1024 bits out of its address takes half as
// long as a verification with it. It is safe for concurrent use.
type Verifier struct {
	keys *lru.Cache[string, *rsa.PublicKey] // by address, only of valid ones
}

// NewVerifier makes a Verifier that remembers no key yet.
func NewVerifier() *Verifier {
	keys, err := lru.New[string, *rsa.PublicKey](maxKeys)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Verifier{keys}
}

// Verify is the function Verify, with the same errors.
func (v *Verifier) Verify(sender, recipient, amount, signature string) error {
	public, err := v.key(sender)
	if err != nil {
		return err
	}
	return verify(public, sender, recipient, amount, signature)
}

func (v *Verifier) key(sender string) (*rsa.PublicKey, error) {
	if public, ok := v.keys.Get(sender); ok {
		return public, nil
	}
	public, err := parsePublic(sender)
	if err != nil {
		return nil, err
	}
	// The sender's text may be a part of a much longer one.
	v.keys.Add(strings.Clone(sender), public)
	return public, nil
}
