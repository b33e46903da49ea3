package wallet

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"testing"
)

// FuzzPreparedKey compares with crypto/rsa: any modulus, exponent and signature.
func FuzzPreparedKey(f *testing.F) {
	key := numberedKey(f, 512, 3)
	sum := sha256.Sum256([]byte("payment"))
	right := key.sign(join(key.Size(), "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:])))
	f.Add(key.N.Bytes(), 3, "payment", right)
	f.Add(key.N.Bytes(), 65537, "payment", right)
	f.Add(key.N.Bytes(), 3, "payment", key.N.Bytes())
	f.Fuzz(func(t *testing.T, modulus []byte, exponent int, text string, signature []byte) {
		public := rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: exponent}
		if bits := public.N.BitLen(); bits < MinBits || bits > MaxBits {
			return // parsePublic gives no such key
		}
		assertLikeStandard(t, &public, sha256.Sum256([]byte(text)), signature)
	})
}

// FuzzEncodedMessage compares with crypto/rsa: changes of what is signed, and of
// its signature. Only the right message has a signature.
func FuzzEncodedMessage(f *testing.F) {
	keys := []privateKey{numberedKey(f, 512, 3), numberedKey(f, 512, 65537), numberedKey(f, 515, 65537)}
	f.Add(uint8(0), "payment", []byte{}, []byte{}, 0)
	f.Add(uint8(1), "payment", []byte{1}, []byte{}, 0)
	f.Add(uint8(2), "payment", []byte{}, []byte{1}, 0)
	f.Add(uint8(2), "payment", []byte{}, []byte{}, 1)
	f.Fuzz(func(t *testing.T, which uint8, text string, change, signatureChange []byte, multiple int) {
		key := keys[int(which)%len(keys)]
		sum := sha256.Sum256([]byte(text))
		right := join(key.Size(), "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:]))
		message := changed(right, change)
		if new(big.Int).SetBytes(message).Cmp(key.N) >= 0 {
			return
		}
		s := new(big.Int).SetBytes(key.sign(message))
		s.Add(s, new(big.Int).Mul(key.N, big.NewInt(int64(uint8(multiple)))))
		signature := changed(s.FillBytes(make([]byte, key.Size()+1)), signatureChange)
		if signature[0] == 0 {
			signature = signature[1:]
		}
		want := bytes.Equal(signature, key.sign(right))
		if takes := assertLikeStandard(t, &key.PublicKey, sum, signature); takes != want {
			t.Errorf("taken is %v, want %v", takes, want)
		}
	})
}

// changed is b with a change exclusive-ored to its end.
func changed(b, change []byte) []byte {
	b = bytes.Clone(b)
	for i := range min(len(b), len(change)) {
		b[len(b)-1-i] ^= change[i]
	}
	return b
}

// BenchmarkSignature verifies one digest's signature with a remembered key, and
// for comparison with crypto/rsa.
func BenchmarkSignature(b *testing.B) {
	sum := sha256.Sum256([]byte("payment"))
	for name, half := range map[string]uint{"rsa=1024": 512, "rsa=2048": 1024} {
		key := numberedKey(b, half, 65537)
		signature := key.sign(join(key.Size(), "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:])))
		prepared := prepare(&key.PublicKey)
		b.Run(name+"/prepared", func(b *testing.B) {
			for b.Loop() {
				if !prepared.takes(sum, signature) {
					b.Fatal("refused")
				}
			}
		})
		b.Run(name+"/standard", func(b *testing.B) {
			for b.Loop() {
				if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
					b.Fatal("refused")
				}
			}
		})
		b.Run(name+"/prepare", func(b *testing.B) {
			for b.Loop() {
				prepare(&key.PublicKey)
			}
		})
	}
}
