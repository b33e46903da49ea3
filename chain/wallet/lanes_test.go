package wallet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"lode/chain/wallet/multibuffer"
)

// signer is a key with its address.
type signer struct {
	privateKey
	address string
}

func newSigner(t testing.TB, half uint, exponent int) signer {
	t.Helper()
	key := numberedKey(t, half, exponent)
	return signer{key, addressOf(t, &key.PublicKey)}
}

// pay is a signed payment.
func (s signer) pay(recipient, amount string) Payment {
	sum := digest(s.address, recipient, amount)
	signature := s.sign(join(s.Size(), "\x00\x01", 0xff, "\x00"+digestInfo+string(sum[:])))
	return Payment{s.address, recipient, amount, hex.EncodeToString(signature)}
}

// signers have keys of several sizes; those with the exponent 3 are verified one by one.
var signers = sync.OnceValue(func() (list []signer) {
	for _, size := range []struct {
		half     uint
		exponent int
	}{{512, 65537}, {1024, 65537}, {512, 3}, {515, 65537}, {1023, 65537}} {
		list = append(list, newSigner(&testing.T{}, size.half, size.exponent))
	}
	return list
})

// signed are a few payments of each signer, made once: signing takes longest.
var signed = sync.OnceValue(func() (list [][]Payment) {
	for _, s := range signers() {
		list = append(list, paymentsOf([]signer{s}, 4))
	}
	return list
})

// wrongs are ways in which a payment isn't signed, and what Verify says of them.
var wrongs = []struct {
	name   string
	change func(p *Payment)
	want   error
}{
	{"another amount", func(p *Payment) { p.Amount += "0" }, ErrSignature},
	{"no signature", func(p *Payment) { p.Signature = "" }, ErrSignature},
	{"not hex", func(p *Payment) { p.Signature = "g" + p.Signature[1:] }, ErrSignature},
	{"an odd length", func(p *Payment) { p.Signature += "0" }, ErrSignature},
	{"too long", func(p *Payment) { p.Signature = "00" + p.Signature }, ErrSignature},
	{"far too long", func(p *Payment) { p.Signature = strings.Repeat("ff", 1<<20) }, ErrSignature},
	{"above the modulus", func(p *Payment) { p.Signature = strings.Repeat("f", len(p.Signature)) }, ErrSignature},
	{"a bit", func(p *Payment) { p.Signature = p.Signature[:len(p.Signature)-1] + "0" }, ErrSignature},
	{"no key", func(p *Payment) { p.Sender = "MINING" }, ErrKey},
}

// assertVerified verifies payments together and one by one: the first wrong one is the
// same, for the same reason.
func assertVerified(t *testing.T, v *Verifier, payments []Payment) {
	t.Helper()
	want, wantErr := len(payments), error(nil)
	for i, p := range payments {
		if err := Verify(p.Sender, p.Recipient, p.Amount, p.Signature); err != nil {
			want, wantErr = i, err
			break
		}
	}
	failed, err := v.VerifyAll(payments)
	if failed != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("of %d payments %d is wrong: %v, want %d: %v", len(payments), failed, err, want, wantErr)
	}
}

// paymentsOf are so many payments of the signers in turn, each another one.
func paymentsOf(list []signer, count int) (payments []Payment) {
	for i := range count {
		payments = append(payments, list[i%len(list)].pay("somebody", fmt.Sprint(i)))
	}
	return payments
}

// TestVerifyAll verifies as many payments as there may be, of keys of one size and of
// several, without and with a wrong one in each place.
func TestVerifyAll(t *testing.T) {
	v := NewVerifier()
	for _, list := range [][]signer{signers()[:1], signers()[1:2], signers()[2:3], signers()} {
		for count := range 2*multibuffer.Lanes + 2 {
			payments := paymentsOf(list, count)
			if failed, err := v.VerifyAll(payments); failed != count || err != nil {
				t.Errorf("of %d right payments %d is wrong: %v", count, failed, err)
			}
			for i := range payments {
				wrong := slices.Clone(payments)
				wrong[i].Recipient = "somebody else"
				if failed, err := v.VerifyAll(wrong); failed != i || !errors.Is(err, ErrSignature) {
					t.Errorf("of %d payments %d is wrong: %v, want %d", count, failed, err, i)
				}
			}
		}
	}
}

// TestVerifyAllWrongs has each kind of wrong payment behind right ones, and two kinds in
// one list: the first one is reported.
func TestVerifyAllWrongs(t *testing.T) {
	v := NewVerifier()
	payments := paymentsOf(signers(), 2*multibuffer.Lanes)
	for _, first := range wrongs {
		for _, second := range wrongs {
			for _, places := range [][2]int{{0, 5}, {5, 0}, {6, 15}, {11, 1}} {
				list := slices.Clone(payments)
				first.change(&list[places[0]])
				second.change(&list[places[1]])
				want := first.want
				if places[1] < places[0] {
					want = second.want
				}
				failed, err := v.VerifyAll(list)
				if failed != min(places[0], places[1]) || !errors.Is(err, want) {
					t.Errorf("%s at %d and %s at %d: %d is wrong: %v", first.name, places[0], second.name, places[1], failed, err)
				}
			}
		}
	}
}

// TestTakesBesideWrongs: right signatures are taken in lanes, whatever stands before them.
func TestTakesBesideWrongs(t *testing.T) {
	if !multibuffer.Supported() {
		t.Skip("this CPU has no such vectors")
	}
	v := NewVerifier()
	for _, wrong := range wrongs {
		var lanes []lane
		var want [multibuffer.Lanes]bool
		for i, p := range paymentsOf(signers()[:1], multibuffer.Lanes) {
			if want[i] = i%3 != 0; !want[i] {
				wrong.change(&p)
			}
			lanes = append(lanes, lane{i, prepare(&signers()[0].PublicKey), digest(p.Sender, p.Recipient, p.Amount), p.Signature})
		}
		var taken [multibuffer.Lanes]bool
		if v.take(lanes, &taken); taken != want {
			t.Errorf("%s: taken are %v, want %v", wrong.name, taken, want)
		}
	}
}

// TestFaultOfTheVectors: vectors that compute wrongly refuse nothing.
func TestFaultOfTheVectors(t *testing.T) {
	if !multibuffer.Supported() {
		t.Skip("this CPU has no such vectors")
	}
	v := NewVerifier()
	list := signers()[:1]
	payments := paymentsOf(list, Together)
	key, err := v.key(list[0].address) // it is remembered, as long as the Verifier is
	if err != nil {
		t.Fatal(err)
	}
	var ok bool
	if key.lane, ok = multibuffer.NewModulus(new(big.Int).Sub(list[0].N, big.NewInt(2))); !ok {
		t.Fatal("another modulus isn't prepared")
	}
	v.keys.Add(list[0].address, key)
	assertVerified(t, v, payments)
	payments[3].Amount = "4"
	assertVerified(t, v, payments)
}

// FuzzVerifyAll compares with payments verified one by one. The first byte for each
// payment says whose it is, the second what is wrong with it, if anything.
func FuzzVerifyAll(f *testing.F) {
	f.Add([]byte{0, 99, 0, 99, 1, 99, 0, 99, 0, 99, 0, 99, 0, 99, 0, 99, 0, 99, 1, 99})
	f.Add([]byte{0, 99, 1, 99, 2, 0, 3, 99, 4, 99, 0, 1})
	f.Add([]byte{3, 6, 3, 6, 3, 99})
	v := NewVerifier()
	f.Fuzz(func(t *testing.T, choices []byte) {
		var payments []Payment
		for pair := range slices.Chunk(choices, 2) {
			of := signed()[int(pair[0])%len(signed())]
			p := of[len(payments)%len(of)]
			if wrong := int(pair[len(pair)-1]); wrong < len(wrongs) {
				wrongs[wrong].change(&p)
			}
			if payments = append(payments, p); len(payments) > 3*multibuffer.Lanes {
				break
			}
		}
		assertVerified(t, v, payments)
	})
}

// BenchmarkVerifyAll verifies payments of one size, alone, in the lanes of one batch, and
// Together. ns/payment is for one of them.
func BenchmarkVerifyAll(b *testing.B) {
	for _, half := range []uint{512, 1024} {
		payments := paymentsOf([]signer{newSigner(b, half, 65537)}, Together)
		for _, together := range []int{1, multibuffer.Lanes, Together} {
			b.Run(fmt.Sprintf("rsa=%d/together=%d", 2*half, together), func(b *testing.B) {
				v := NewVerifier()
				for b.Loop() {
					for list := range slices.Chunk(payments, together) {
						if _, err := v.VerifyAll(list); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/Together, "ns/payment")
			})
		}
	}
}
