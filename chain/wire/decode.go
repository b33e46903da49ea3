package wire

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may be nested. The original's
// decoder runs out of stack near 1000.
const MaxDepth = 900

var (
	// ErrSyntax is a text that Python's json.loads would refuse.
	ErrSyntax = errors.New("not valid JSON")
	// ErrDepth is nesting deeper than MaxDepth.
	ErrDepth = fmt.Errorf("JSON nested deeper than %d", MaxDepth)
)

// Decode reads one JSON text as Python's json.loads reads bytes. The result is
// made of nil, bool, Number, string, []any and map[string]any.
//
// Like Python it takes a byte order mark, UTF-16 and UTF-32, NaN and the
// infinities, lone surrogates (escaped or encoded in UTF-8), and repeated keys,
// of which the last one wins. Errors are ErrSyntax, ErrDepth or ErrNumber, with
// the offset in bytes of the UTF-8 text.
func Decode(data []byte) (any, error) {
	data, err := toUTF8(data)
	if err != nil {
		return nil, err
	}
	d := decoder{data: data}
	value, err := d.value(0)
	if err != nil {
		return nil, err
	}
	d.skipSpace()
	if d.pos < len(d.data) {
		return nil, d.fail("more text after the value")
	}
	return value, nil
}

// decoder is a position in a JSON text.
type decoder struct {
	data []byte
	pos  int
}

func (d *decoder) fail(problem string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrSyntax, problem, d.pos)
}

func (d *decoder) skipSpace() {
	for d.pos < len(d.data) && isSpace(d.data[d.pos]) {
		d.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// peek is the next byte, 0 at the end.
func (d *decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// value reads a value that stands in as many arrays and objects as depth says.
func (d *decoder) value(depth int) (any, error) {
	d.skipSpace()
	switch c := d.peek(); {
	case d.pos >= len(d.data):
		return nil, d.fail("a value is missing")
	case c == '"':
		return d.string()
	case depth == MaxDepth && (c == '{' || c == '['):
		return nil, fmt.Errorf("%w at byte %d", ErrDepth, d.pos)
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	case c == '-' || c >= '0' && c <= '9' || c == 'N' || c == 'I':
		return d.number()
	}
	return d.word()
}

func (d *decoder) word() (any, error) {
	for text, value := range map[string]any{"true": true, "false": false, "null": nil} {
		if d.take(text) {
			return value, nil
		}
	}
	return nil, d.fail("no value begins like this")
}

// take steps over text if it is next.
func (d *decoder) take(text string) bool {
	if len(d.data)-d.pos < len(text) || string(d.data[d.pos:d.pos+len(text)]) != text {
		return false
	}
	d.pos += len(text)
	return true
}

func (d *decoder) number() (any, error) {
	for _, constant := range []string{"NaN", "Infinity", "-Infinity"} {
		if d.take(constant) {
			return ParseNumber(constant)
		}
	}
	start := d.pos
	for d.pos < len(d.data) && isNumberByte(d.data[d.pos]) {
		d.pos++
	}
	value, err := ParseNumber(string(d.data[start:d.pos]))
	if err != nil {
		return nil, fmt.Errorf("%w: %w at byte %d", ErrSyntax, err, start)
	}
	return value, nil
}

func isNumberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

func (d *decoder) array(depth int) (any, error) {
	d.pos++ // the bracket
	items := []any{}
	d.skipSpace()
	if d.take("]") {
		return items, nil
	}
	for {
		item, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		d.skipSpace()
		if d.take("]") {
			return items, nil
		}
		if !d.take(",") {
			return nil, d.fail("a comma or ] is missing")
		}
	}
}

func (d *decoder) object(depth int) (any, error) {
	d.pos++ // the brace
	members := map[string]any{}
	d.skipSpace()
	if d.take("}") {
		return members, nil
	}
	for {
		d.skipSpace()
		if d.peek() != '"' {
			return nil, d.fail("a key in double quotes is missing")
		}
		key, err := d.string()
		if err != nil {
			return nil, err
		}
		d.skipSpace()
		if !d.take(":") {
			return nil, d.fail("a colon is missing")
		}
		if members[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
		d.skipSpace()
		if d.take("}") {
			return members, nil
		}
		if !d.take(",") {
			return nil, d.fail("a comma or } is missing")
		}
	}
}

// string reads a string; the opening quote is next.
func (d *decoder) string() (string, error) {
	d.pos++
	var text []byte
	for start := d.pos; ; {
		switch c := d.peek(); {
		case d.pos >= len(d.data):
			return "", d.fail("a string has no end")
		case c == '"':
			text = append(text, d.data[start:d.pos]...)
			d.pos++
			return string(text), nil
		case c < ' ':
			return "", d.fail("a control character stands in a string")
		case c == '\\':
			text = append(text, d.data[start:d.pos]...)
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			text = appendRune(text, r)
			start = d.pos
		default:
			d.pos++
		}
	}
}

// escape reads one escape sequence, or two that make a surrogate pair.
func (d *decoder) escape() (rune, error) {
	d.pos++
	c := d.peek()
	d.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return d.unicodeEscape()
	}
	d.pos--
	return 0, d.fail("no escape sequence ends like this")
}

func (d *decoder) unicodeEscape() (rune, error) {
	r, ok := d.hex4(d.pos)
	if !ok {
		return 0, d.fail("\\u needs four hex digits")
	}
	d.pos += 4
	if utf16.IsSurrogate(r) && d.peek() == '\\' && d.pos+1 < len(d.data) && d.data[d.pos+1] == 'u' {
		if low, ok := d.hex4(d.pos + 2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				d.pos += 6
				return pair, nil
			}
		}
	}
	return r, nil
}

func (d *decoder) hex4(at int) (rune, bool) {
	if at+4 > len(d.data) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(d.data[at:at+4]), 16, 16)
	return rune(v), err == nil
}

// Truthy is Python's bool(v) of a decoded value.
func Truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case Number:
		return v.Sign() != 0 || v.text == "nan"
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}
