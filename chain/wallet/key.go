package wallet

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"filippo.io/bigmod"

	"lode/chain/wallet/multibuffer"
)

// preparedKey is a public key with what is computed of its modulus before an
// exponentiation: crypto/rsa computes that at every call, which takes longer
// than the exponentiation if the key has 1024 bits.
type preparedKey struct {
	modulus  *bigmod.Modulus // nil if public is to be used with crypto/rsa
	exponent uint
	public   *rsa.PublicKey      // nil if there is a modulus
	lane     multibuffer.Modulus // zero if only one signature can be verified at a time
}

// prepare leaves every unusual key to crypto/rsa, which refuses even moduli and
// most exponents, and in the mode FIPS 140-3 everything: the mode asks for Go's
// own module.
func prepare(public *rsa.PublicKey) preparedKey {
	usual := (public.E == 65537 || public.E == 3) && public.N.Bit(0) == 1
	if !usual || fips140.Enabled() {
		return preparedKey{public: public}
	}
	modulus, err := bigmod.NewModulus(public.N.Bytes())
	if err != nil {
		return preparedKey{public: public}
	}
	key := preparedKey{modulus: modulus, exponent: uint(public.E)}
	if public.E == multibuffer.Exponent && multibuffer.Supported() {
		key.lane, _ = multibuffer.NewModulus(public.N)
	}
	return key
}

// verify checks a signature in hex.
func (k preparedKey) verify(sum [sha256.Size]byte, signature string) error {
	bytes, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: not hex", ErrSignature)
	}
	if !k.takes(sum, bytes) {
		return ErrSignature
	}
	return nil
}

// takes does what rsa.VerifyPKCS1v15 does with a SHA-256 (RFC 8017, section
// 8.2.2). Nothing of what the exponentiation gives is parsed: it has to be the
// one encoding of the digest.
func (k preparedKey) takes(sum [sha256.Size]byte, signature []byte) bool {
	if k.modulus == nil {
		return rsa.VerifyPKCS1v15(k.public, crypto.SHA256, sum[:], signature) == nil
	}
	if len(signature) != k.modulus.Size() {
		return false
	}
	s, err := bigmod.NewNat().SetBytes(signature, k.modulus)
	if err != nil { // it is not below the modulus
		return false
	}
	got := bigmod.NewNat().ExpShortVarTime(s, k.exponent, k.modulus).Bytes(k.modulus)
	var buffer [MaxBits / 8]byte
	return bytes.Equal(got, encode(buffer[:len(signature)], sum))
}

// digestInfo is how the DER of a DigestInfo with a SHA-256 begins (RFC 8017,
// section 9.2, note 1).
const digestInfo = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// encode fills a message of a modulus's size with EMSA-PKCS1-v1_5 (RFC 8017,
// section 9.2): 00 01, bytes FF, 00, and the DigestInfo. A modulus of MinBits
// leaves room for more than the eight bytes FF that there must be.
func encode(message []byte, sum [sha256.Size]byte) []byte {
	hash := message[len(message)-sha256.Size:]
	copy(hash, sum[:])
	info := message[:len(message)-sha256.Size]
	info = info[len(info)-len(digestInfo):]
	copy(info, digestInfo)
	padding := message[:len(message)-sha256.Size-len(digestInfo)]
	for i := range padding {
		padding[i] = 0xff
	}
	padding[0], padding[1], padding[len(padding)-1] = 0, 1, 0
	return message
}
