package wallet

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"sync"

	"lode/chain/atomicfile"
)

// Keystore is a node's current wallet and its file. It is safe for concurrent
// use.
type Keystore struct {
	path       string
	bits       int
	encryption encryption

	mu      sync.Mutex // guards the fields below, and the file while it is replaced
	current *Wallet
	content [sha256.Size]byte // sum of the file that current was read from or written to
}

// NewKeystore has no wallet yet. New ones get keys of that many bits.
func NewKeystore(path string, bits int) *Keystore { return &Keystore{path: path, bits: bits} }

// NewEncryptedKeystore is NewKeystore with a file that only the passphrase,
// which must not be empty, opens. A plain file is encrypted when it is loaded.
func NewEncryptedKeystore(path string, bits int, passphrase string) *Keystore {
	return &Keystore{path: path, bits: bits, encryption: encryption{passphrase, scryptWorkFactor}}
}

// IsEncrypted tells whether only a passphrase opens the file.
func (k *Keystore) IsEncrypted() bool { return k.encryption.isOn() }

// Create makes a new wallet and saves it; only then is it the current one.
func (k *Keystore) Create() (*Wallet, error) {
	w, err := Generate(k.bits)
	if err != nil {
		return nil, err
	}
	content, err := k.encryption.seal(w.fileText())
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := save(k.path, content); err != nil {
		return nil, err
	}
	k.set(w, content)
	return w, nil
}

// set makes w, whose file has that content, the current wallet. The caller has
// the lock.
func (k *Keystore) set(w *Wallet, content []byte) { k.current, k.content = w, sha256.Sum256(content) }

// Load makes the file's wallet the current one, and the file readable by its
// owner only: the original leaves it open to everybody. If that fails, the
// current wallet stays. A file that hasn't changed isn't decrypted again, which
// takes long on purpose. Errors are those of the function Load, ErrPassphrase,
// or the system's.
func (k *Keystore) Load() (*Wallet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	content, err := readFile(k.path)
	if err != nil {
		return nil, err
	}
	w := k.current
	if w == nil || sha256.Sum256(content) != k.content {
		if w, err = parseContent(k.path, content, k.encryption); err != nil {
			return nil, err
		}
	}
	if k.encryption.isOn() && !isEncrypted(content) {
		content, err = k.encrypt(content)
	} else {
		err = restrict(k.path)
	}
	if err != nil {
		return nil, fmt.Errorf("closing the wallet file to others: %w", err)
	}
	k.set(w, content)
	return w, nil
}

// encrypt replaces the plain file, of which no copy is kept, and returns its new
// content. It opens that first: a key that can't be read again is lost.
func (k *Keystore) encrypt(plain []byte) ([]byte, error) {
	content, err := k.encryption.seal(plain)
	if err != nil {
		return nil, err
	}
	again, err := k.encryption.open(content)
	if err == nil && !bytes.Equal(again, plain) {
		err = ErrFormat
	}
	if err != nil {
		return nil, fmt.Errorf("opening what was encrypted: %w", err)
	}
	return content, atomicfile.Write(k.path, content, fileMode)
}

// restrict takes a file's permissions from everybody but its owner.
func restrict(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&^fileMode == 0 {
		return err
	}
	return os.Chmod(path, fileMode)
}

// Current is the current wallet, if there is one.
func (k *Keystore) Current() (*Wallet, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current, k.current != nil
}
