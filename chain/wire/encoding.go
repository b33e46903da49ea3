package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 finds a JSON text's encoding as Python's json.detect_encoding does (a
// byte order mark, else where the first bytes are zero) and converts it.
func toUTF8(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE, 0, 0}):
		return fromUTF32(data[4:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0, 0, 0xFE, 0xFF}):
		return fromUTF32(data[4:], binary.BigEndian)
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return fromUTF16(data[2:], binary.BigEndian)
	case bytes.HasPrefix(data, []byte("\ufeff")):
		return checkUTF8(data[3:])
	}
	return fromUnmarked(data)
}

func fromUnmarked(data []byte) ([]byte, error) {
	zero := func(i int) bool { return data[i] == 0 }
	switch {
	case len(data) >= 4 && zero(0) && zero(1):
		return fromUTF32(data, binary.BigEndian)
	case len(data) >= 4 && zero(0), len(data) == 2 && zero(0):
		return fromUTF16(data, binary.BigEndian)
	case len(data) >= 4 && zero(1) && zero(2) && zero(3):
		return fromUTF32(data, binary.LittleEndian)
	case len(data) >= 4 && zero(1), len(data) == 2 && zero(1):
		return fromUTF16(data, binary.LittleEndian)
	}
	return checkUTF8(data)
}

// checkUTF8 refuses what is not UTF-8, but takes surrogates that are encoded
// in it, as Python's "surrogatepass" does.
func checkUTF8(data []byte) ([]byte, error) {
	if utf8.Valid(data) {
		return data, nil
	}
	for pos := 0; pos < len(data); {
		r, size := nextRune(string(data[pos:min(pos+utf8.UTFMax, len(data))]))
		if r == utf8.RuneError && size == 1 {
			return nil, fmt.Errorf("%w: not UTF-8 at byte %d", ErrSyntax, pos)
		}
		pos += size
	}
	return data, nil
}

func fromUTF16(data []byte, order binary.ByteOrder) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, fmt.Errorf("%w: UTF-16 of an odd number of bytes", ErrSyntax)
	}
	text := make([]byte, 0, len(data))
	for i := 0; i < len(data); i += 2 {
		r := rune(order.Uint16(data[i:]))
		if utf16.IsSurrogate(r) && i+4 <= len(data) {
			if pair := utf16.DecodeRune(r, rune(order.Uint16(data[i+2:]))); pair != utf8.RuneError {
				r = pair
				i += 2
			}
		}
		text = appendRune(text, r)
	}
	return text, nil
}

func fromUTF32(data []byte, order binary.ByteOrder) ([]byte, error) {
	if len(data)%4 != 0 {
		return nil, fmt.Errorf("%w: UTF-32 whose length is no multiple of 4", ErrSyntax)
	}
	text := make([]byte, 0, len(data)/2)
	for i := 0; i < len(data); i += 4 {
		r := order.Uint32(data[i:])
		if r > utf8.MaxRune {
			return nil, fmt.Errorf("%w: no code point at byte %d", ErrSyntax, i)
		}
		text = appendRune(text, rune(r))
	}
	return text, nil
}
