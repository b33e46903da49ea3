package wallet

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
)

// numberedAddress is the address of a key that nobody has the private part of.
func numberedAddress(t testing.TB, n int64) string {
	t.Helper()
	modulus := new(big.Int).Lsh(big.NewInt(1), MinBits-1)
	modulus.Add(modulus, big.NewInt(2*n+1))
	return addressOf(t, &rsa.PublicKey{N: modulus, E: 65537})
}

func addressOf(t testing.TB, public *rsa.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(der)
}

// TestVerifierIsBounded meets more senders than a Verifier remembers. Those that
// it forgets are verified as before.
func TestVerifierIsBounded(t *testing.T) {
	w := mustLoad(t, goldenFiles(t)["A"])
	signature, err := w.Sign("r", "1")
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier()
	for round := range 2 {
		if err := v.Verify(w.Address(), "r", "1", signature); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		for n := range int64(maxKeys + 10) {
			if err := v.Verify(numberedAddress(t, n), "r", "1", signature); !errors.Is(err, ErrSignature) {
				t.Fatalf("sender %d: error %v, want ErrSignature", n, err)
			}
		}
		if v.keys.Len() != maxKeys {
			t.Errorf("%d keys are remembered, want %d", v.keys.Len(), maxKeys)
		}
	}
}

// TestVerifierRemembersKeysOnly: a sender that is none must not take the place
// of one that is.
func TestVerifierRemembersKeysOnly(t *testing.T) {
	v := NewVerifier()
	for _, sender := range []string{"", "MINING", strings.Repeat("30", 1<<20)} {
		if err := v.Verify(sender, "r", "1", "00"); !errors.Is(err, ErrKey) {
			t.Errorf("sender %.20q: error %v, want ErrKey", sender, err)
		}
	}
	if v.keys.Len() != 0 {
		t.Errorf("%d keys are remembered", v.keys.Len())
	}
}

// TestVerifierAtTheSameTime has several goroutines use the same few keys.
func TestVerifierAtTheSameTime(t *testing.T) {
	v := NewVerifier()
	var group sync.WaitGroup
	for _, content := range goldenFiles(t) {
		w, err := parseFile(content)
		if err != nil {
			continue
		}
		signature, err := w.Sign("r", "1")
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			group.Go(func() {
				for range 20 {
					if err := v.Verify(w.Address(), "r", "1", signature); err != nil {
						t.Error(err)
					}
					if err := v.Verify(w.Address(), "r", "2", signature); !errors.Is(err, ErrSignature) {
						t.Errorf("error %v, want ErrSignature", err)
					}
				}
			})
		}
	}
	group.Wait()
}
