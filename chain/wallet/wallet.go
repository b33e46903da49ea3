// Package wallet holds RSA keys, their signatures and the wallet file, in the
// original node's formats: keys as hex of DER, PKCS#1 v1.5 signatures with
// SHA-256 (RFC 8017, section 8.2) as lower-case hex.
package wallet

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
)

// Sizes of RSA keys in bits. The original makes keys of MinBits.
const (
	MinBits = 1024
	MaxBits = 8192
)

// ErrKeySize is a key of fewer than MinBits or more than MaxBits.
var ErrKeySize = fmt.Errorf("an RSA key must have %d to %d bits", MinBits, MaxBits)

// Wallet is one key pair. It never changes and never prints its private key.
type Wallet struct {
	private *rsa.PrivateKey
	address string
}

// Generate makes a new key pair.
func Generate(bits int) (*Wallet, error) {
	if bits < MinBits || bits > MaxBits {
		return nil, fmt.Errorf("%w, not %d", ErrKeySize, bits)
	}
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("generating an RSA key: %w", err)
	}
	return newWallet(private)
}

func newWallet(private *rsa.PrivateKey) (*Wallet, error) {
	if bits := private.N.BitLen(); bits < MinBits || bits > MaxBits {
		return nil, fmt.Errorf("%w, not %d", ErrKeySize, bits)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("encoding the public key: %w", err)
	}
	return &Wallet{private, hex.EncodeToString(public)}, nil
}

// Address is the public key: hex of its SubjectPublicKeyInfo DER. Payments name
// it as sender and recipient.
func (w *Wallet) Address() string { return w.address }

// PrivateHex is the private key: hex of its PKCS#1 RSAPrivateKey DER.
func (w *Wallet) PrivateHex() string {
	return hex.EncodeToString(x509.MarshalPKCS1PrivateKey(w.private))
}

// String names the wallet by its public key, so that no %v shows the private one.
func (w Wallet) String() string { return "wallet " + w.address }

// GoString is String, for %#v.
func (w Wallet) GoString() string { return w.String() }

// LogValue is String, for structured logs.
func (w Wallet) LogValue() slog.Value { return slog.StringValue(w.String()) }

// digest is what a payment's signature covers. amount is Python's str of the number.
func digest(sender, recipient, amount string) [sha256.Size]byte {
	var buffer [2048]byte // room for keys of 4096 bits, on the stack
	return sha256.Sum256(appendSigned(buffer[:0], sender, recipient, amount))
}

// appendSigned appends what digest hashes: the texts one after the other without
// separators.
func appendSigned(dst []byte, sender, recipient, amount string) []byte {
	dst = append(dst, sender...)
	dst = append(dst, recipient...)
	return append(dst, amount...)
}

// Sign signs a payment from this wallet and returns the signature in hex.
// amount is spelled as Python's str does.
func (w *Wallet) Sign(recipient, amount string) (string, error) {
	sum := digest(w.address, recipient, amount)
	signature, err := rsa.SignPKCS1v15(nil, w.private, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return hex.EncodeToString(signature), nil
}

var (
	// ErrKey is a sender that is no public key.
	ErrKey = errors.New("the sender is not an RSA public key")
	// ErrSignature is a signature that doesn't belong to the payment.
	ErrSignature = errors.New("the signature is wrong")
)

// Verify checks a payment's signature. The sender is hex, in upper or lower
// case, of the DER of a SubjectPublicKeyInfo or a PKCS#1 RSAPublicKey; the
// other forms that the original's library would import are no addresses that
// any node makes. Errors are ErrKey or ErrSignature. For many payments a
// Verifier is faster.
func Verify(sender, recipient, amount, signature string) error {
	public, err := parsePublic(sender)
	if err != nil {
		return err
	}
	return preparedKey{public: public}.verify(digest(sender, recipient, amount), signature)
}

func parsePublic(sender string) (*rsa.PublicKey, error) {
	der, err := hex.DecodeString(sender)
	if err != nil {
		return nil, fmt.Errorf("%w: not hex", ErrKey)
	}
	public, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		key, err := x509.ParsePKIXPublicKey(der)
		if err != nil {
			return nil, ErrKey
		}
		var ok bool
		if public, ok = key.(*rsa.PublicKey); !ok {
			return nil, fmt.Errorf("%w: it is a %T", ErrKey, key)
		}
	}
	if bits := public.N.BitLen(); bits < MinBits || bits > MaxBits {
		return nil, fmt.Errorf("%w: %w, not %d", ErrKey, ErrKeySize, bits)
	}
	return public, nil
}
