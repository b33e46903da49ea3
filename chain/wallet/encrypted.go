package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

var (
	// ErrEncrypted is an encrypted wallet file that is read without a passphrase.
	ErrEncrypted = errors.New("the wallet file is encrypted, and no passphrase was given")
	// ErrPassphrase is a passphrase that doesn't open the wallet file.
	ErrPassphrase = errors.New("the passphrase is not the wallet file's")
)

// scryptWorkFactor is the binary logarithm of scrypt's N: 128 MiB and about half
// a second for each passphrase that somebody tries (RFC 7914; OWASP's Password
// Storage Cheat Sheet asks for no less).
const scryptWorkFactor = 17

// maxScryptWorkFactor bounds what a foreign file can make us compute: 1 GiB.
const maxScryptWorkFactor = 20

// encryption is how a wallet file is kept: as armored text of the age format
// (age-encryption.org/v1) with one scrypt recipient, so that the program age
// opens it too. The zero value keeps it plain, as the original does.
type encryption struct {
	passphrase string
	workFactor int
}

func (e encryption) isOn() bool { return e.passphrase != "" }

// seal makes the file's content of the original's text.
func (e encryption) seal(text []byte) ([]byte, error) {
	if !e.isOn() {
		return text, nil
	}
	recipient, err := age.NewScryptRecipient(e.passphrase)
	if err != nil {
		return nil, fmt.Errorf("encrypting the wallet: %w", err)
	}
	recipient.SetWorkFactor(e.workFactor)
	var sealed bytes.Buffer
	armored := armor.NewWriter(&sealed)
	encrypted, err := age.Encrypt(armored, recipient)
	if err != nil {
		return nil, fmt.Errorf("encrypting the wallet: %w", err)
	}
	_, err = encrypted.Write(text)
	if err := errors.Join(err, encrypted.Close(), armored.Close()); err != nil {
		return nil, fmt.Errorf("encrypting the wallet: %w", err)
	}
	return sealed.Bytes(), nil
}

// open is the original's text of a file's content, encrypted or not. Errors are
// ErrEncrypted, ErrPassphrase or ErrFormat.
func (e encryption) open(content []byte) ([]byte, error) {
	switch {
	case !isEncrypted(content):
		return content, nil
	case !e.isOn():
		return nil, ErrEncrypted
	}
	identity, err := age.NewScryptIdentity(e.passphrase)
	if err != nil {
		return nil, fmt.Errorf("decrypting the wallet: %w", err)
	}
	identity.SetMaxWorkFactor(maxScryptWorkFactor)
	text, err := decrypt(content, identity)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity):
		return nil, ErrPassphrase
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return text, nil
}

func decrypt(content []byte, identity age.Identity) ([]byte, error) {
	text, err := age.Decrypt(armor.NewReader(bytes.NewReader(content)), identity)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(text)
}

// isEncrypted tells an encrypted wallet file from a plain one, which begins with
// a hex digit.
func isEncrypted(content []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(content, " \t\r\n"), []byte(armor.Header))
}
