package wallet_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lode/chain/wallet"
	"lode/chain/wire"
)

// fuzzedWallet is the original's wallet A and the text of its file.
func fuzzedWallet(f *testing.F) (w *wallet.Wallet, file string) {
	f.Helper()
	data, err := os.ReadFile("../wire/testdata/vectors.json")
	if err != nil {
		f.Fatal(err)
	}
	all, err := wire.Decode(data)
	if err != nil {
		f.Fatal(err)
	}
	file = all.(map[string]any)["wallets"].(map[string]any)["A"].(map[string]any)["file"].(string)
	path := filepath.Join(f.TempDir(), "wallet")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		f.Fatal(err)
	}
	if w, err = wallet.Load(path); err != nil {
		f.Fatal(err)
	}
	return w, file
}

// plainKey reads N and e by encoding/asn1 alone, from both forms of a sender.
func plainKey(sender string) (n *big.Int, e int, ok bool) {
	der, err := hex.DecodeString(sender)
	if err != nil {
		return nil, 0, false
	}
	var outer struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &outer); err == nil && len(rest) == 0 {
		der = outer.Key.Bytes
	}
	var key struct {
		N *big.Int
		E int
	}
	rest, err := asn1.Unmarshal(der, &key)
	return key.N, key.E, err == nil && len(rest) == 0
}

// plainVerify is RFC 8017, section 8.2.2, with math/big: the signature to the
// power of e is the padded DigestInfo of the message's SHA-256.
func plainVerify(sender, message, signature string) bool {
	n, e, ok := plainKey(sender)
	text, err := hex.DecodeString(signature)
	if !ok || err != nil || n.Sign() <= 0 || e <= 0 || len(text) != (n.BitLen()+7)/8 {
		return false
	}
	s := new(big.Int).SetBytes(text)
	if s.Cmp(n) >= 0 {
		return false
	}
	got := s.Exp(s, big.NewInt(int64(e)), n).FillBytes(make([]byte, len(text)))
	info, _ := hex.DecodeString("3031300d060960864801650304020105000420")
	sum := sha256.Sum256([]byte(message))
	end := append(append([]byte{0}, info...), sum[:]...)
	padding := len(text) - 2 - len(end)
	return padding >= 8 && bytes.Equal(got, append(append([]byte{0, 1}, bytes.Repeat([]byte{0xFF}, padding)...), end...))
}

// FuzzSender offers any sender and signature: what Verify takes, plain arithmetic
// takes too, and what it refuses is one of its two errors.
func FuzzSender(f *testing.F) {
	w, _ := fuzzedWallet(f)
	signature, err := w.Sign("r", "12")
	if err != nil {
		f.Fatal(err)
	}
	pkcs1 := w.Address()[strings.Index(w.Address(), "30818902"):]
	for _, sender := range []string{w.Address(), strings.ToUpper(w.Address()), pkcs1, w.Address() + "00", w.Address()[2:], "", "MINING"} {
		f.Add(sender, "r", "12", signature)
		f.Add(sender, "r1", "2", strings.ToUpper(signature))
	}
	f.Fuzz(func(t *testing.T, sender, recipient, amount, signature string) {
		err := wallet.Verify(sender, recipient, amount, signature)
		if err != nil && !errors.Is(err, wallet.ErrKey) && !errors.Is(err, wallet.ErrSignature) {
			t.Errorf("error %v, want ErrKey or ErrSignature", err)
		}
		plain := plainVerify(sender, sender+recipient+amount, signature)
		if err == nil && !plain {
			t.Errorf("taken, but the signature to the power of e is not the padded digest")
		}
		// Of the keys that nodes make both answers must be the same.
		if err != nil && plain && strings.EqualFold(sender, w.Address()) {
			t.Errorf("error %v, but the signature is right", err)
		}
	})
}

// FuzzSignedPayment signs any payment: it verifies by both ways, and, as the texts
// are covered without separators, so does every other split of recipient and
// amount. Anything else does not.
func FuzzSignedPayment(f *testing.F) {
	w, _ := fuzzedWallet(f)
	f.Add("r", "12", uint(1), uint(3))
	f.Add("", "0", uint(0), uint(0))
	f.Add("é\x00😀", "1e+16", uint(4), uint(127))
	f.Fuzz(func(t *testing.T, recipient, amount string, split, position uint) {
		signature, err := w.Sign(recipient, amount)
		if err != nil {
			t.Fatal(err)
		}
		covered := recipient + amount
		at := split % uint(len(covered)+1)
		for _, parts := range [][2]string{{recipient, amount}, {covered[:at], covered[at:]}} {
			if err := wallet.Verify(w.Address(), parts[0], parts[1], signature); err != nil {
				t.Errorf("%q, %q: error %v", parts[0], parts[1], err)
			}
		}
		if !plainVerify(w.Address(), w.Address()+covered, signature) {
			t.Error("the signature to the power of e is not the padded digest")
		}
		forged := []byte(signature)
		forged[position%uint(len(forged))] ^= 1 // stays a hex digit
		for name, err := range map[string]error{
			"more text":             wallet.Verify(w.Address(), recipient, amount+"0", signature),
			"less text":             wallet.Verify(w.Address(), "", strings.TrimSuffix(covered, lastByte(covered)), signature),
			"a changed signature":   wallet.Verify(w.Address(), recipient, amount, string(forged)),
			"a shorter signature":   wallet.Verify(w.Address(), recipient, amount, signature[2:]),
			"a longer signature":    wallet.Verify(w.Address(), recipient, amount, "00"+signature),
			"an odd digit too many": wallet.Verify(w.Address(), recipient, amount, signature+"0"),
		} {
			if !errors.Is(err, wallet.ErrSignature) && (name != "less text" || covered != "") {
				t.Errorf("%s: error %v, want ErrSignature", name, err)
			}
		}
	})
}

func lastByte(s string) string { return s[max(len(s)-1, 0):] }

// FuzzLoad reads any wallet file. What loads is saved and loads again as the same
// keys, its two keys belong together, and no error shows what the file holds.
func FuzzLoad(f *testing.F) {
	_, file := fuzzedWallet(f)
	private, public, _ := strings.Cut(file, "\n")
	for _, text := range []string{file, file + "\n", strings.ReplaceAll(file, "\n", "\r\n"), private + "\n", public + "\n" + private, "\n", private[:400] + "\n" + public} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "w")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := wallet.Load(path)
		if err != nil {
			assertSecret(t, err, text)
			return
		}
		signature, err := w.Sign("r", "1")
		if err != nil || !plainVerify(w.Address(), w.Address()+"r1", signature) {
			t.Errorf("the two keys don't belong together (error %v)", err)
		}
		again := filepath.Join(t.TempDir(), "again")
		if err := w.Save(again); err != nil {
			t.Fatal(err)
		}
		if back, err := wallet.Load(again); err != nil || back.PrivateHex() != w.PrivateHex() || back.Address() != w.Address() {
			t.Errorf("not read again: %v", err)
		}
	})
}

func assertSecret(t *testing.T, err error, text string) {
	t.Helper()
	if !errors.Is(err, wallet.ErrFormat) && !errors.Is(err, wallet.ErrKeySize) {
		t.Errorf("error %v, want ErrFormat or ErrKeySize", err)
	}
	const telling = 16 // digits
	for line := range strings.SplitSeq(text, "\n") {
		for at := 0; at+telling <= len(line); at += telling {
			part := line[at : at+telling]
			if strings.Trim(part, "0123456789abcdefABCDEF") == "" && strings.Contains(err.Error(), part) {
				t.Errorf("error %v shows what the file holds", err)
			}
		}
	}
}
