package bench

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"

	"lode/chain/wire"
)

// publicExponent is that of all keys, the original's too.
const publicExponent = 65537

// primalityTests is how often a prime is tested, besides what math/big always does.
const primalityTests = 20

// stream is random numbers for one purpose, the same ones for the same seed.
func stream(seed uint64, purpose string) *rand.ChaCha8 {
	return rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "lode/bench %d %s", seed, purpose)))
}

// signer is a key pair of a generated chain. Whoever knows the seed knows the private
// key, so it must never become a person's wallet.
type signer struct {
	private *rsa.PrivateKey
	address string
}

// newSigner derives a key from a seed: the same on every machine, which
// rsa.GenerateKey is not.
func newSigner(seed uint64, number, bits int) (signer, error) {
	random := stream(seed, fmt.Sprintf("key %d of %d bits", number, bits))
	p, q := prime(random, (bits+1)/2), prime(random, bits/2)
	for p.Cmp(q) == 0 {
		q = prime(random, bits/2)
	}
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	private := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: publicExponent},
		D:         new(big.Int).ModInverse(big.NewInt(publicExponent), phi),
		Primes:    []*big.Int{p, q},
	}
	private.Precompute()
	if err := private.Validate(); err != nil {
		return signer{}, fmt.Errorf("deriving key %d: %w", number, err)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return signer{}, fmt.Errorf("encoding key %d: %w", number, err)
	}
	return signer{private, hex.EncodeToString(public)}, nil
}

// prime is the first one that the stream brings with its two highest bits set, so that
// a product of two has all bits, and fit for publicExponent.
func prime(random *rand.ChaCha8, bits int) *big.Int {
	text := make([]byte, (bits+7)/8)
	p, exponent := new(big.Int), big.NewInt(publicExponent)
	for {
		_, _ = random.Read(text) // never fails
		p.SetBytes(text)
		p.Rsh(p, uint(8*len(text)-bits))
		p.SetBit(p, bits-1, 1).SetBit(p, bits-2, 1).SetBit(p, 0, 1)
		without := new(big.Int).Sub(p, big.NewInt(1))
		if p.ProbablyPrime(primalityTests) && without.Mod(without, exponent).Sign() != 0 {
			return p
		}
	}
}

// newSigners derives keys on all cores.
func newSigners(ctx context.Context, seed uint64, count, bits int) ([]signer, error) {
	signers := make([]signer, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range signers {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			signers[i], err = newSigner(seed, i, bits)
			return err
		})
	}
	return signers, group.Wait()
}

// pay is a payment with its signature.
func (s signer) pay(recipient string, amount wire.Number) (wire.Transaction, error) {
	signature, err := rsa.SignPKCS1v15(nil, s.private, crypto.SHA256, payDigest(s.address, recipient, amount))
	if err != nil {
		return wire.Transaction{}, fmt.Errorf("signing a payment: %w", err)
	}
	return wire.Transaction{
		Sender: s.address, Recipient: recipient, Signature: hex.EncodeToString(signature), Amount: amount,
	}, nil
}

// payDigest is what a payment's signature covers.
func payDigest(sender, recipient string, amount wire.Number) []byte {
	sum := sha256.Sum256([]byte(sender + recipient + amount.String()))
	return sum[:]
}

// walletFile is the key in the form of the original's wallet file.
func (s signer) walletFile() []byte {
	return []byte(hex.EncodeToString(x509.MarshalPKCS1PrivateKey(s.private)) + "\n" + s.address)
}
