package wire

import (
	"errors"
	"fmt"
)

// ErrValues is a text of more values than an honest one of its length has.
var ErrValues = errors.New("too many values for its length")

// Decoded, a value takes about a hundred bytes, and text of three bytes may be
// one. A payment has five values, and hardly less than 600 bytes if it is signed;
// a block without payments has 12 of them, and a page of blocks at most a
// thousand blocks.
const (
	freeValues    = 16 << 10
	bytesPerValue = 64
)

// DecodeBounded is Decode for what strangers send: the value takes little more
// memory than the text. A text of too many values is ErrValues, before anything
// is built.
func DecodeBounded(data []byte) (any, error) {
	text, err := toUTF8(data)
	if err != nil {
		return nil, err
	}
	if most := freeValues + len(text)/bytesPerValue; countValues(text) > most {
		return nil, fmt.Errorf("%w: %d bytes of JSON may have %d", ErrValues, len(text), most)
	}
	return Decode(data)
}

// countValues counts the values of a JSON text, an empty array or object as two.
// For anything else than JSON it is any number.
func countValues(text []byte) int {
	values, inString := 1, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++ // an escaped quote ends nothing
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == '[' || c == '{'):
			values++
		}
	}
	return values
}
