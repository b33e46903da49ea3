package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lode/chain/wire"
)

// golden is the data that the original node made.
func golden(t testing.TB) map[string]any {
	t.Helper()
	data, err := os.ReadFile("../wire/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	all, err := wire.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return all.(map[string]any)
}

// goldenFiles are the wallet files of the original, by name.
func goldenFiles(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{}
	for name, v := range golden(t)["wallets"].(map[string]any) {
		files[name] = v.(map[string]any)["file"].(string)
	}
	if len(files) != 4 {
		t.Fatalf("%d golden wallets, want 4", len(files))
	}
	return files
}

func writeFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "WalletKeys_5000.txt")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t testing.TB, content string) *Wallet {
	t.Helper()
	w, err := Load(writeFile(t, content))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestGoldenFilesLoadAndAreWrittenAgain(t *testing.T) {
	for name, content := range goldenFiles(t) {
		w := mustLoad(t, content)
		path := filepath.Join(t.TempDir(), "w")
		if err := w.Save(path); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("%s: the file is not the original's bytes (error %v)", name, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, error %v, want 0600", name, info.Mode(), err)
		}
	}
}

func TestLoadTakesOtherLineEndings(t *testing.T) {
	content := goldenFiles(t)["A"]
	want := mustLoad(t, content).Address()
	for _, variant := range []string{content + "\n", strings.ReplaceAll(content, "\n", "\r\n"), strings.ReplaceAll(content, "\n", "\r\n") + "\r\n"} {
		if got := mustLoad(t, variant).Address(); got != want {
			t.Errorf("address %s, want %s", got, want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	files := goldenFiles(t)
	privateA, publicA, _ := strings.Cut(files["A"], "\n")
	_, publicB, _ := strings.Cut(files["B"], "\n")
	for name, content := range map[string]string{
		"empty":              "",
		"one line":           privateA,
		"not hex":            "xyz\n" + publicA,
		"no key":             "abcd\n" + publicA,
		"cut":                privateA[:100] + "\n" + publicA,
		"another public key": privateA + "\n" + publicB,
		"swapped":            publicA + "\n" + privateA,
		"changed digit":      privateA[:60] + flip(privateA[60]) + privateA[61:] + "\n" + publicA,
	} {
		path := writeFile(t, content)
		_, err := Load(path)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want ErrFormat with the path", name, err)
		}
		if err != nil && strings.Contains(err.Error(), privateA[100:120]) {
			t.Errorf("%s: the error shows the private key", name)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrNotFound) {
		t.Errorf("absent: error %v, want ErrNotFound", err)
	}
}

func flip(digit byte) string {
	if digit == '0' {
		return "1"
	}
	return "0"
}

// stricterThanOriginal are the signatures that the original takes and no node
// makes: other encodings of a key, a digest without its NULL parameter, and a
// sender that needs no signature, which only the ledger knows.
var stricterThanOriginal = map[string]error{
	"signature DigestInfo without NULL": ErrSignature,
	"sender PEM in hex, signed so":      ErrKey,
	"sender OpenSSH in hex, signed so":  ErrKey,
	"sender MINING":                     ErrKey,
}

// TestGoldenSignatures makes the original's signatures again and checks all of
// its verdicts. Fields of other types have no place in a payment.
func TestGoldenSignatures(t *testing.T) {
	wallets := map[string]*Wallet{}
	for name, content := range goldenFiles(t) {
		wallets[name] = mustLoad(t, content)
	}
	verifier := NewVerifier()
	signed, refused := 0, 0
	for i, v := range golden(t)["signatures"].([]any) {
		e := v.(map[string]any)
		amount, isNumber := e["amount"].(wire.Number)
		sender, isText := e["sender"].(string)
		recipient, alsoText := e["recipient"].(string)
		signature, alsoSigned := e["signature"].(string)
		if !isNumber || !isText || !alsoText || !alsoSigned {
			continue
		}
		err := Verify(sender, recipient, amount.String(), signature)
		for range 2 { // the second time with the key that it remembers
			if same := verifier.Verify(sender, recipient, amount.String(), signature); fmt.Sprint(same) != fmt.Sprint(err) {
				t.Errorf("entry %d: error %v of a Verifier, want %v", i, same, err)
			}
		}
		if reason, stricter := stricterThanOriginal[fmt.Sprint(e["name"])]; stricter {
			if !errors.Is(err, reason) {
				t.Errorf("%v: error %v, want %v", e["name"], err, reason)
			}
			continue
		}
		if (err == nil) != (e["verify"] == true) {
			t.Errorf("entry %d (%v): error %v, original says %v", i, e["name"], err, e["verify"])
		}
		if err != nil {
			refused++
			if !errors.Is(err, ErrSignature) && !errors.Is(err, ErrKey) {
				t.Errorf("entry %d: error %v of an unknown kind", i, err)
			}
		}
		if w := wallets[fmt.Sprint(e["wallet"])]; w != nil {
			got, err := w.Sign(recipient, amount.String())
			if err != nil || got != signature {
				t.Errorf("entry %d: signature %s, error %v, want %s", i, got, err, signature)
			}
			signed++
		}
	}
	if signed < 40 || refused < 10 {
		t.Errorf("%d signatures made and %d refused, want at least 40 and 10", signed, refused)
	}
}

func TestVerifyRefusesOtherKeys(t *testing.T) {
	w := mustLoad(t, goldenFiles(t)["A"])
	for _, sender := range []string{"", "x", "MINING", "abc", "abcd", w.PrivateHex(), w.Address()[2:]} {
		if err := Verify(sender, "r", "1", "00"); !errors.Is(err, ErrKey) {
			t.Errorf("sender %.20q: error %v, want ErrKey", sender, err)
		}
	}
}

func TestGenerate(t *testing.T) {
	for _, bits := range []int{1024, 2048} {
		w, err := Generate(bits)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := w.Sign("r", "0.1")
		if err != nil || len(signature) != bits/4 {
			t.Fatalf("a signature of %d digits, error %v, want %d", len(signature), err, bits/4)
		}
		if err := Verify(w.Address(), "r", "0.1", signature); err != nil {
			t.Error(err)
		}
	}
	for _, bits := range []int{-1, 0, 512, 1023, 8193} {
		if _, err := Generate(bits); !errors.Is(err, ErrKeySize) {
			t.Errorf("%d bits: error %v, want ErrKeySize", bits, err)
		}
	}
}

func TestSaveKeepsAnotherWallet(t *testing.T) {
	files := goldenFiles(t)
	path := writeFile(t, files["A"])
	for range 2 { // the second time nothing changes, so nothing is kept
		if err := mustLoad(t, files["B"]).Save(path); err != nil {
			t.Fatal(err)
		}
	}
	backups, err := filepath.Glob(path + ".bak-*")
	if err != nil || len(backups) != 1 {
		t.Fatalf("backups %v, error %v, want one", backups, err)
	}
	kept, err := os.ReadFile(backups[0])
	if err != nil || string(kept) != files["A"] {
		t.Errorf("the backup is not the old wallet (error %v)", err)
	}
	if info, _ := os.Stat(backups[0]); info.Mode().Perm() != 0o600 {
		t.Errorf("the backup's mode is %v, want 0600", info.Mode())
	}
}

func TestNothingPrintsThePrivateKey(t *testing.T) {
	w := mustLoad(t, goldenFiles(t)["A"])
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "wallet", w)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "wallet", *w)
	fmt.Fprintf(&out, "%v %+v %#v %s %v %#v", w, w, w, w, *w, *w)
	secret := w.PrivateHex()
	last := secret[len(secret)-40:] // the first digits are the modulus, which is public
	if text := out.String(); strings.Contains(text, last) || strings.Contains(text, w.private.D.String()[:20]) {
		t.Errorf("the private key is in %s", text)
	}
}

func TestKeystore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w")
	k := NewKeystore(path, 1024)
	if _, ok := k.Current(); ok {
		t.Error("a new keystore has a wallet")
	}
	if _, err := k.Load(); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	made, err := k.Create()
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewKeystore(path, 1024).Load()
	if err != nil || again.Address() != made.Address() {
		t.Errorf("loaded %v, error %v, want %v", again, err, made)
	}
	if err := os.Chmod(path, 0o644); err != nil { // as the original leaves it
		t.Fatal(err)
	}
	if _, err := NewKeystore(path, 1024).Load(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v after loading, error %v, want 0600", info.Mode(), err)
	}
	if current, ok := k.Current(); !ok || current != made {
		t.Errorf("current %v, want %v", current, made)
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Load(); !errors.Is(err, ErrFormat) {
		t.Errorf("error %v, want ErrFormat", err)
	}
	if current, _ := k.Current(); current != made {
		t.Error("a failed Load took the wallet away")
	}
}

func TestCreateInAMissingFolder(t *testing.T) {
	k := NewKeystore(filepath.Join(t.TempDir(), "missing", "w"), 1024)
	if _, err := k.Create(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that the folder doesn't exist", err)
	}
	if _, ok := k.Current(); ok {
		t.Error("a wallet that could not be saved is the current one")
	}
}

func FuzzParseFile(f *testing.F) {
	for _, content := range goldenFiles(f) {
		f.Add(content)
		f.Add(content + "\n")
	}
	f.Add("\n")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := parseFile(text)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrKeySize) {
				t.Errorf("error %v of an unknown kind", err)
			}
			return
		}
		if again, err := parseFile(string(w.fileText())); err != nil || again.Address() != w.Address() {
			t.Errorf("not read again: %v", err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	w := mustLoad(f, goldenFiles(f)["A"])
	signature, err := w.Sign("r", "1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(w.Address(), "r", "1", signature)
	f.Add("", "", "", "")
	f.Fuzz(func(t *testing.T, sender, recipient, amount, signature string) {
		err := Verify(sender, recipient, amount, signature)
		if err != nil && !errors.Is(err, ErrKey) && !errors.Is(err, ErrSignature) {
			t.Errorf("error %v of an unknown kind", err)
		}
	})
}
