package wallet

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"lode/chain/atomicfile"
)

var (
	// ErrNotFound is a wallet file that isn't there.
	ErrNotFound = errors.New("there is no wallet file")
	// ErrFormat is a wallet file that is not the original's format, or whose
	// two keys don't belong together.
	ErrFormat = errors.New("the wallet file is damaged")
)

// fileMode lets nobody but the owner read a private key.
const fileMode = 0o600

// backupTime is how the moment of replacement stands in a kept file's name.
const backupTime = "20060102T150405.000000000Z"

// Load reads the original's wallet file: the private key's hex, a newline, the
// public key's hex. A final newline and CRLF are taken too. Errors are
// ErrNotFound, ErrFormat, ErrEncrypted or ErrKeySize, with the path, and never
// hold key text.
func Load(path string) (*Wallet, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parseContent(path, content, encryption{})
}

func readFile(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s", ErrNotFound, path)
	case err != nil:
		return nil, fmt.Errorf("reading the wallet: %w", err)
	}
	return content, nil
}

// parseContent is the wallet that a file's content holds.
func parseContent(path string, content []byte, e encryption) (*Wallet, error) {
	text, err := e.open(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	w, err := parseFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}

func parseFile(text string) (*Wallet, error) {
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	privateHex, publicHex, ok := strings.Cut(text, "\n")
	if !ok {
		return nil, fmt.Errorf("%w: it must have two lines, the private and the public key", ErrFormat)
	}
	der, err := hex.DecodeString(privateHex)
	if err != nil {
		return nil, fmt.Errorf("%w: line 1 is not hex", ErrFormat)
	}
	private, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: line 1 is no RSA private key", ErrFormat)
	}
	w, err := newWallet(private)
	if err != nil {
		return nil, err
	}
	if publicHex != w.address {
		return nil, fmt.Errorf("%w: line 2 is not the public key of line 1", ErrFormat)
	}
	return w, nil
}

// fileText is the wallet file's content, without a final newline, which the
// original would take for a part of the key.
func (w *Wallet) fileText() []byte { return []byte(w.PrivateHex() + "\n" + w.address) }

// Save writes the wallet file, readable by its owner only. Another wallet's
// file that is there is kept, renamed to path.bak-<time>.
func (w *Wallet) Save(path string) error { return save(path, w.fileText()) }

func save(path string, content []byte) error {
	if err := keepOther(path, content); err != nil {
		return fmt.Errorf("keeping the wallet that is there: %w", err)
	}
	return atomicfile.Write(path, content, fileMode)
}

// keepOther copies the file at path to a backup unless it has the same content.
// It is a copy, so that path exists at every moment.
func keepOther(path string, replacement []byte) error {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || bytes.Equal(old, replacement) {
		return err
	}
	backup := path + ".bak-" + time.Now().UTC().Format(backupTime)
	return atomicfile.Write(backup, old, fileMode)
}
