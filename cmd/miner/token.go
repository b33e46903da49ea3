package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"unicode"

	"lode/chain/atomicfile"
)

const (
	tokenBytes    = 32        // of randomness in a token that the node makes
	tokenMode     = 0o600     // for its owner only
	minTokenBytes = 16        // of text that a person wrote
	maxTokenBytes = 4 << 10   // of the file: a header must be able to hold it
	tokenSigns    = "-._~+/=" // beside letters and digits (RFC 6750, section 2.1)
)

var (
	errTokenText  = errors.New("it holds no token")
	errTokenOpen  = errors.New("others can read it, so it is no secret; make a new one and `chmod 600` it")
	errTokenShape = errors.New("it is no ordinary file")
)

// openToken reads the token file, or makes it if there is none. Errors name the
// file and never hold its text: errTokenText, errTokenOpen, errTokenShape or the
// system's.
func openToken(path string) (token string, made bool, err error) {
	token, err = readToken(path)
	if errors.Is(err, fs.ErrNotExist) {
		token, err = makeToken(path)
		made = err == nil
	}
	if err != nil {
		return "", false, fmt.Errorf("the API token %s: %w", path, err)
	}
	return token, made, nil
}

func makeToken(path string) (string, error) {
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails
	token := base64.RawURLEncoding.EncodeToString(secret)
	return token, atomicfile.Write(path, []byte(token+"\n"), tokenMode)
}

func readToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() // opened for reading only
	info, err := file.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errTokenShape
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0: // there the bits say nothing
		return "", errTokenOpen
	}
	text, err := io.ReadAll(io.LimitReader(file, maxTokenBytes+1))
	if err != nil {
		return "", err
	}
	return parseToken(string(text))
}

// parseToken takes what a header can hold. White space at the end is what
// editors leave.
func parseToken(text string) (string, error) {
	token := strings.TrimRightFunc(text, unicode.IsSpace)
	switch {
	case len(text) > maxTokenBytes:
		return "", fmt.Errorf("%w: it has more than %d bytes", errTokenText, maxTokenBytes)
	case len(token) < minTokenBytes:
		return "", fmt.Errorf("%w: it needs at least %d characters; remove it and the node makes one", errTokenText, minTokenBytes)
	case strings.ContainsFunc(token, isNoTokenSign):
		return "", fmt.Errorf("%w: letters, digits and %s are allowed", errTokenText, tokenSigns)
	}
	return token, nil
}

func isNoTokenSign(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(tokenSigns, r)
}
