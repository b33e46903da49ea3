package wallet

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// encryptedKeystore is one whose passphrases take no time to try.
func encryptedKeystore(path, passphrase string) *Keystore {
	k := NewEncryptedKeystore(path, 1024, passphrase)
	k.encryption.workFactor = 2
	return k
}

func TestEncryptedKeystore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w")
	made, err := encryptedKeystore(path, "correct horse").Create()
	if err != nil {
		t.Fatal(err)
	}
	assertSealed(t, path, made)
	again, err := encryptedKeystore(path, "correct horse").Load()
	if err != nil || again.PrivateHex() != made.PrivateHex() {
		t.Errorf("loaded %v, error %v, want %v", again, err, made)
	}
	if _, err := encryptedKeystore(path, "wrong horse").Load(); !errors.Is(err, ErrPassphrase) {
		t.Errorf("error %v, want ErrPassphrase", err)
	}
	if _, err := NewKeystore(path, 1024).Load(); !errors.Is(err, ErrEncrypted) {
		t.Errorf("error %v, want ErrEncrypted", err)
	}
}

// assertSealed looks for the private key in a file.
func assertSealed(t *testing.T, path string, w *Wallet) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil || !isEncrypted(content) {
		t.Fatalf("the file isn't encrypted (error %v)", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	if strings.Contains(string(content), w.PrivateHex()[:40]) {
		t.Error("the key is in the encrypted file")
	}
}

// A plain file of the original's is encrypted in its place, and no copy is kept.
func TestLoadEncryptsAPlainFile(t *testing.T) {
	plain := goldenFiles(t)["A"]
	path := writeFile(t, plain)
	k := encryptedKeystore(path, "p")
	w, err := k.Load()
	if err != nil {
		t.Fatal(err)
	}
	assertSealed(t, path, w)
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("the folder has %v, want the one file", files)
	}
	again, err := encryptedKeystore(path, "p").Load()
	if err != nil || string(again.fileText()) != plain {
		t.Errorf("the wallet that was encrypted isn't the one that comes back (error %v)", err)
	}
}

// GET /wallet loads the file each time, which must not cost a scrypt each time.
func TestLoadDecryptsAFileOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w")
	k := encryptedKeystore(path, "p")
	made, err := k.Create()
	if err != nil {
		t.Fatal(err)
	}
	k.encryption.passphrase = "no longer needed"
	if w, err := k.Load(); w != made || err != nil {
		t.Errorf("loaded %v, error %v, want the current wallet", w, err)
	}
	k.encryption.passphrase = "p"
	other, err := encryptedKeystore(path, "p").Create()
	if err != nil {
		t.Fatal(err)
	}
	if w, err := k.Load(); err != nil || w.Address() != other.Address() {
		t.Errorf("loaded %v, error %v, want the file's new wallet", w, err)
	}
}

func TestCreateKeepsAnEncryptedWallet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w")
	k := encryptedKeystore(path, "p")
	first, err := k.Create()
	if err == nil {
		_, err = k.Create()
	}
	if err != nil {
		t.Fatal(err)
	}
	backups, _ := filepath.Glob(path + ".bak-*")
	if len(backups) != 1 {
		t.Fatalf("backups %v, want one", backups)
	}
	assertSealed(t, backups[0], first)
	kept, err := encryptedKeystore(backups[0], "p").Load()
	if err != nil || kept.PrivateHex() != first.PrivateHex() {
		t.Errorf("the backup isn't the first wallet (error %v)", err)
	}
}

func TestDamagedEncryptedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w")
	if _, err := encryptedKeystore(path, "p").Create(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := []byte(string(content))
	changed[len(content)/2] ^= 1
	for name, damaged := range map[string][]byte{
		"cut": content[:len(content)/2], "changed": changed, "header only": content[:40], "trailing": append(content, "x"...),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := encryptedKeystore(path, "p").Load(); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
		}
	}
}

// The work for each passphrase that is tried stands in the file's header.
func TestEncryptionIsSlow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w")
	if _, err := NewEncryptedKeystore(path, 1024, "p").Create(); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	header, err := age.ExtractHeader(armor.NewReader(file))
	if err != nil || !regexp.MustCompile(`\n-> scrypt \S+ 17\n`).Match(header) {
		t.Errorf("header %q, error %v, want scrypt with 2^17", header, err)
	}
}
