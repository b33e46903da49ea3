package wire

import (
	"sort"
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// ValidText reports whether Python could encode s as UTF-8: s is valid UTF-8
// without lone surrogates. Only such a text can be signed.
func ValidText(s string) bool { return utf8.ValidString(s) }

// nextRune decodes the first code point of s, a lone surrogate in its WTF-8
// form included. A byte that starts none is utf8.RuneError with size 1.
func nextRune(s string) (r rune, size int) {
	r, size = utf8.DecodeRuneInString(s)
	if size > 1 || r != utf8.RuneError {
		return r, size
	}
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2] >= 0x80 && s[2] <= 0xBF {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return r, size
}

// appendRune is utf8.AppendRune that keeps lone surrogates, as WTF-8.
func appendRune(dst []byte, r rune) []byte {
	if r >= 0xD800 && r <= 0xDFFF {
		return append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r&0x3F))
	}
	return utf8.AppendRune(dst, r)
}

func appendHex(dst []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[r>>shift&0xF])
	}
	return dst
}

// AppendQuoted appends Python's json.dumps(s): ASCII only, everything else as
// \uXXXX, astral code points as surrogate pairs.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		n := plainString(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			return append(dst, '"')
		}
		r, size := nextRune(s)
		dst = appendQuotedRune(dst, r)
		s = s[size:]
	}
}

func appendQuotedRune(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	switch {
	case r >= ' ' && r < 0x7F:
		return append(dst, byte(r))
	case r < 0x10000:
		return appendHex(append(dst, '\\', 'u'), r, 4)
	}
	r -= 0x10000
	dst = appendHex(append(dst, '\\', 'u'), 0xD800+r>>10, 4)
	return appendHex(append(dst, '\\', 'u'), 0xDC00+r&0x3FF, 4)
}

// AppendRepr appends Python's repr(s). Single quotes, unless s has single and
// no double ones; what Python's Unicode tables don't call printable is escaped.
func AppendRepr(dst []byte, s string) []byte {
	n := plainString(s)
	if n == len(s) { // no quote is in it
		return append(append(append(dst, '\''), s...), '\'')
	}
	quote := reprQuote(s)
	dst = append(dst, quote)
	for {
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			return append(dst, quote)
		}
		r, size := nextRune(s)
		dst = appendReprRune(dst, r, quote)
		s = s[size:]
		n = plainString(s)
	}
}

func reprQuote(s string) byte {
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		return '"'
	}
	return '\''
}

func appendReprRune(dst []byte, r rune, quote byte) []byte {
	switch {
	case r == rune(quote) || r == '\\':
		return append(dst, '\\', byte(r))
	case r >= ' ' && r < 0x7F:
		return append(dst, byte(r))
	case r == '\n':
		return append(dst, '\\', 'n')
	case r == '\r':
		return append(dst, '\\', 'r')
	case r == '\t':
		return append(dst, '\\', 't')
	case !escapedByRepr(r):
		return appendRune(dst, r)
	case r < 0x100:
		return appendHex(append(dst, '\\', 'x'), r, 2)
	case r < 0x10000:
		return appendHex(append(dst, '\\', 'u'), r, 4)
	}
	return appendHex(append(dst, '\\', 'U'), r, 8)
}

// escapedByRepr looks r up in the table of code points that are not printable.
func escapedByRepr(r rune) bool {
	i := sort.Search(len(reprEscapes), func(i int) bool { return reprEscapes[i].last >= r })
	return i < len(reprEscapes) && reprEscapes[i].first <= r
}
