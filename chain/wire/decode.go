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
func Decode(data []byte) (value any, err error) {
	d, err := newDecoder(data)
	if err != nil {
		return nil, err
	}
	if value, err = d.value(0); err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, err
	}
	return value, nil
}

// decoder is a position in a JSON text.
type decoder struct {
	data []byte
	pos  int

	shares bool   // whether strings may share memory with others of the text
	source string // a part of the text, of which they are parts
	begin  int    // where it begins
}

func newDecoder(data []byte) (decoder, error) {
	data, err := toUTF8(data)
	return decoder{data: data}, err
}

// end is for when a value was read, after which nothing may follow.
func (d *decoder) end() error {
	d.skipSpace()
	if d.pos < len(d.data) {
		return d.fail("more text after the value")
	}
	return nil
}

// maxShared is how many bytes a string keeps alive at most that shares memory.
const maxShared = 32 << 10

// keep makes a string of what was read from start on: a part of the source, if it stands
// there as it is.
func (d *decoder) keep(text []byte, start int) string {
	if !d.shares || len(text) > maxShared/4 {
		return string(text)
	}
	from := start - d.begin
	if from+len(text) > len(d.source) {
		d.source, d.begin, from = string(d.data[start:min(start+maxShared, len(d.data))]), start, 0
	}
	if end := from + len(text); end <= len(d.source) && d.source[from:end] == string(text) {
		return d.source[from:end]
	}
	return string(text)
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

// kind is the type of a JSON value.
type kind uint8

const (
	kindMissing kind = iota // there is no value
	kindNull
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// String is how messages name the kind.
func (k kind) String() string {
	return [...]string{"missing", "null", "true or false", "a number", "a string", "an array", "an object"}[k]
}

// kind is that of the next value, which stands in as many arrays and objects as
// depth says.
func (d *decoder) kind(depth int) (kind, error) {
	d.skipSpace()
	switch c := d.peek(); {
	case d.pos >= len(d.data):
		return kindMissing, d.fail("a value is missing")
	case c == '"':
		return kindString, nil
	case depth == MaxDepth && (c == '{' || c == '['):
		return kindMissing, fmt.Errorf("%w at byte %d", ErrDepth, d.pos)
	case c == '{':
		return kindObject, nil
	case c == '[':
		return kindArray, nil
	case c == '-' || c >= '0' && c <= '9' || c == 'N' || c == 'I':
		return kindNumber, nil
	case d.isNext("null"):
		return kindNull, nil
	case d.isNext("true"), d.isNext("false"):
		return kindBool, nil
	}
	return kindMissing, d.fail("no value begins like this")
}

// value reads a value; see kind.
func (d *decoder) value(depth int) (any, error) {
	kind, err := d.kind(depth)
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindString:
		return d.string()
	case kindNumber:
		return d.number()
	case kindObject:
		members := map[string]any{}
		err := d.object(func(key []byte) (err error) {
			members[string(key)], err = d.value(depth + 1)
			return err
		})
		return members, err
	case kindArray:
		items := []any{}
		err := d.array(func() error {
			item, err := d.value(depth + 1)
			items = append(items, item)
			return err
		})
		return items, err
	case kindBool:
		return d.bool(), nil
	}
	d.take("null")
	return nil, nil
}

// skip reads a value that nobody needs, and checks it like any other.
func (d *decoder) skip(depth int) (kind, error) {
	kind, err := d.kind(depth)
	if err != nil {
		return kindMissing, err
	}
	switch kind {
	case kindString:
		_, err = d.text()
	case kindNumber:
		var buffer [numberBytes]byte
		_, err = d.spelling(buffer[:0])
	case kindObject:
		err = d.object(func([]byte) error {
			_, err := d.skip(depth + 1)
			return err
		})
	case kindArray:
		err = d.array(func() error {
			_, err := d.skip(depth + 1)
			return err
		})
	case kindBool:
		d.bool()
	case kindNull:
		d.take("null")
	}
	return kind, err
}

func (d *decoder) bool() bool { return d.take("true") || !d.take("false") }

// isNext reports whether text is next.
func (d *decoder) isNext(text string) bool {
	return len(d.data)-d.pos >= len(text) && string(d.data[d.pos:d.pos+len(text)]) == text
}

// take steps over text if it is next.
func (d *decoder) take(text string) bool {
	if !d.isNext(text) {
		return false
	}
	d.pos += len(text)
	return true
}

// takeByte is take of one byte, which isn't 0.
func (d *decoder) takeByte(c byte) bool {
	if d.peek() != c {
		return false
	}
	d.pos++
	return true
}

func (d *decoder) number() (Number, error) {
	var buffer [numberBytes]byte
	start := d.pos
	text, err := d.spelling(buffer[:0])
	if err != nil {
		return Number{}, err
	}
	return Number{d.keep(text, start)}, nil
}

// spelling reads a number and appends Python's spelling of it.
func (d *decoder) spelling(dst []byte) ([]byte, error) {
	start := d.pos
	if !d.take("NaN") && !d.take("Infinity") && !d.take("-Infinity") {
		for d.pos < len(d.data) && isNumberByte(d.data[d.pos]) {
			d.pos++
		}
	}
	dst, err := appendNumber(dst, d.data[start:d.pos])
	if err != nil {
		return nil, fmt.Errorf("%w: %w at byte %d", ErrSyntax, err, start)
	}
	return dst, nil
}

func isNumberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// array steps over an array, whose bracket is next, and has item read each value.
func (d *decoder) array(item func() error) error {
	d.pos++ // the bracket
	d.skipSpace()
	if d.takeByte(']') {
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		d.skipSpace()
		if d.takeByte(']') {
			return nil
		}
		if !d.takeByte(',') {
			return d.fail("a comma or ] is missing")
		}
	}
}

// object steps over an object, whose brace is next, and has member read each
// value. The key may be a part of the text.
func (d *decoder) object(member func(key []byte) error) error {
	d.pos++ // the brace
	d.skipSpace()
	if d.takeByte('}') {
		return nil
	}
	for {
		d.skipSpace()
		if d.peek() != '"' {
			return d.fail("a key in double quotes is missing")
		}
		key, err := d.text()
		if err != nil {
			return err
		}
		d.skipSpace()
		if !d.takeByte(':') {
			return d.fail("a colon is missing")
		}
		if err := member(key); err != nil {
			return err
		}
		d.skipSpace()
		if d.takeByte('}') {
			return nil
		}
		if !d.takeByte(',') {
			return d.fail("a comma or } is missing")
		}
	}
}

func (d *decoder) string() (string, error) {
	start := d.pos + 1
	text, err := d.text()
	if err != nil {
		return "", err
	}
	return d.keep(text, start), nil
}

// text reads a string, whose opening quote is next. The result may be a part of
// the JSON text.
func (d *decoder) text() ([]byte, error) {
	d.pos++
	var text []byte // what stands before start, if there are escapes
	for start := d.pos; ; {
		d.pos += plainSlice(d.data[d.pos:])
		switch c := d.peek(); {
		case d.pos >= len(d.data):
			return nil, d.fail("a string has no end")
		case c == '"':
			last := d.data[start:d.pos]
			d.pos++
			if text == nil {
				return last, nil
			}
			return append(text, last...), nil
		case c < ' ':
			return nil, d.fail("a control character stands in a string")
		case c == '\\':
			text = append(text, d.data[start:d.pos]...)
			r, err := d.escape()
			if err != nil {
				return nil, err
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
