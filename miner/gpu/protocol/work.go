package protocol

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"lode/miner/kernel"
)

const blockSize = 64

// maxPrefix is the longest prefix in bytes: SHA-256 counts the bits of a message in 64
// bits (FIPS 180-4, 5.1.1).
const maxPrefix = math.MaxUint64/8 - kernel.MaxProof

// NewWork is the message that announces w under that number.
func NewWork(number uint64, w *kernel.Work) Work {
	b := w.Beginning()
	return Work{
		Number: number, Midstate: b.Midstate, Tail: b.Tail, Bytes: b.Bytes, Difficulty: w.Difficulty,
		Head: w.Digits.Head, High: w.Digits.High, Middle: w.Digits.Middle, Low: w.Digits.Low,
	}
}

// Digits are those of the Work.
func (m Work) Digits() kernel.Digits {
	return kernel.Digits{Head: m.Head, High: m.High, Middle: m.Middle, Low: m.Low}
}

// Resume is the Work that the message announces. It has no Prefix; see kernel.Resume.
// Call it for decoded messages only: others may let it panic.
func (m Work) Resume() *kernel.Work {
	return kernel.Resume(kernel.Beginning{Midstate: m.Midstate, Tail: m.Tail, Bytes: m.Bytes}, m.Digits(), m.Difficulty)
}

// check refuses what kernel.Resume panics on, and digits that are none. The numbers
// are bounded one by one before they are added.
func (m Work) check() error {
	d := m.Digits()
	switch {
	case uint64(len(m.Tail)) != m.Bytes%blockSize || m.Bytes > maxPrefix:
		return fmt.Errorf("%w: a prefix of %d bytes that leaves %d behind its whole blocks", ErrValue, m.Bytes, len(m.Tail))
	case m.Difficulty < 0 || m.Difficulty > 2*len(m.Midstate)*4:
		return fmt.Errorf("%w: the difficulty %d", ErrValue, m.Difficulty)
	case d.High < 0 || d.High > kernel.MaxDigits || d.Low < 1 || d.Low > kernel.MaxDigits,
		d.Varying() > kernel.MaxDigits || d.Size() > kernel.MaxProof, !isDecimal(d.Head) || !isDecimal(d.Middle):
		return fmt.Errorf("%w: the digits %+v", ErrValue, d)
	}
	return nil
}

func isDecimal(text string) bool {
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// Midstate is a hash value, in a message 64 hex digits.
type Midstate [8]uint32

// MarshalText implements encoding.TextMarshaler.
func (m Midstate) MarshalText() ([]byte, error) {
	var words []byte
	for _, word := range m {
		words = binary.BigEndian.AppendUint32(words, word)
	}
	return hex.AppendEncode(nil, words), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. Errors are ErrValue.
func (m *Midstate) UnmarshalText(text []byte) error {
	var words Bytes
	if err := words.UnmarshalText(text); err != nil {
		return err
	}
	if len(words) != 4*len(m) {
		return fmt.Errorf("%w: a midstate of %d bytes", ErrValue, len(words))
	}
	for i := range m {
		m[i] = binary.BigEndian.Uint32(words[4*i:])
	}
	return nil
}

// Bytes are in a message two hex digits each.
type Bytes []byte

// MarshalText implements encoding.TextMarshaler.
func (b Bytes) MarshalText() ([]byte, error) { return hex.AppendEncode([]byte{}, b), nil }

// UnmarshalText implements encoding.TextUnmarshaler. Errors are ErrValue.
func (b *Bytes) UnmarshalText(text []byte) error {
	decoded, err := hex.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrValue, err)
	}
	*b = decoded
	return nil
}
