package protocol

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLine is the most bytes that a line has, with its end.
const MaxLine = 64 << 10

// maxText is the most bytes that a text in a message has. Longer ones are cut.
const maxText = 2000

// Encode writes a message as its line, the end included. Texts are made short and
// printable. Errors are ErrValue and ErrVersion, for messages that nobody may send.
func Encode(m Message) ([]byte, error) {
	m = m.cleaned()
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.Type(), err)
	}
	fields, err := marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.Type(), err)
	}
	line := append([]byte(`{"type":"`+m.Type()+`",`), fields[1:]...)
	return append(line, '\n'), nil
}

// DecodeAnswer reads a line of the program, without its end. Errors are ErrLine,
// ErrType, ErrVersion, ErrValue and ErrTooLong.
func DecodeAnswer(line []byte) (Message, error) {
	return decode(line, map[string]func([]byte) (Message, error){
		"hello": readHello, "state": read[State], "ready": read[Ready], "done": read[Done], "cancelled": read[Cancelled],
		"progress": read[Progress], "error": read[Failed], "fatal": read[Fatal],
	})
}

// DecodeRequest reads a line of the node, without its end. Errors are ErrLine, ErrType,
// ErrValue and ErrTooLong.
func DecodeRequest(line []byte) (Message, error) {
	return decode(line, map[string]func([]byte) (Message, error){
		"work": read[Work], "scan": read[Scan], "cancel": read[Cancel],
	})
}

func decode(line []byte, readers map[string]func([]byte) (Message, error)) (Message, error) {
	if len(line) >= MaxLine {
		return nil, ErrTooLong
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := unmarshal(line, &head); err != nil {
		return nil, err
	}
	read := readers[head.Type]
	if read == nil {
		return nil, fmt.Errorf("%w: %s", ErrType, clean(head.Type))
	}
	return read(line)
}

// readHello looks at the version first: of another one nothing else is known.
func readHello(line []byte) (Message, error) {
	if err := checkVersion(line); err != nil {
		return nil, err
	}
	return read[Hello](line)
}

func checkVersion(text []byte) error {
	var head struct {
		Version int `json:"version"`
	}
	if err := unmarshal(text, &head); err != nil {
		return err
	}
	if head.Version != Version {
		return fmt.Errorf("%w: %d instead of %d", ErrVersion, head.Version, Version)
	}
	return nil
}

// read decodes a message and writes it again: only what is the same counts. So
// nothing has to be known here of fields that are unknown, missing or repeated.
func read[M Message](line []byte) (Message, error) {
	var m M
	if err := unmarshal(line, &m); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	again, err := Encode(m)
	if err != nil {
		return nil, err
	}
	if err := sameText(line, again[:len(again)-1]); err != nil {
		return nil, err
	}
	return m, nil
}

// sameText returns ErrLine if a text is not as it is written here.
func sameText(text, written []byte) error {
	if !bytes.Equal(text, written) {
		return fmt.Errorf("%w: %s instead of %s", ErrLine, excerpt(text), excerpt(written))
	}
	return nil
}

// unmarshal reads JSON; errors are ErrValue if one of the values is to blame, or ErrLine.
func unmarshal(text []byte, to any) error {
	err := json.Unmarshal(text, to)
	if err == nil || errors.Is(err, ErrValue) {
		return err
	}
	if _, isType := errors.AsType[*json.UnmarshalTypeError](err); isType {
		return fmt.Errorf("%w: %w", ErrValue, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrLine, excerpt(text), err)
}

// marshal writes JSON in which <, > and & stand for themselves.
func marshal(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// maxExcerpt is how much of a wrong line an error shows.
const maxExcerpt = 200

func excerpt(text []byte) string { return Printable(string(text), maxExcerpt) }

func clean(text string) string { return Printable(text, maxText) }

const ellipsis = "…"

// Printable makes a text one printable line of so many bytes at most: libraries and
// compilers say things of many lines, and what they say may end on a terminal.
func Printable(text string, size int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) <= size {
		return text
	}
	cut := size - len(ellipsis)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + ellipsis
}

// Reader reads lines that are bounded.
type Reader struct{ buffered *bufio.Reader }

// NewReader reads from r, maybe further than the lines that were asked for.
func NewReader(r io.Reader) *Reader { return &Reader{bufio.NewReaderSize(r, MaxLine)} }

// Line is the next line without its end, valid until the next call. Errors are
// ErrTooLong, after which nothing more can be read; io.EOF; io.ErrUnexpectedEOF for a
// line that has no end; and those of the reader.
func (r *Reader) Line() ([]byte, error) {
	line, err := r.buffered.ReadSlice('\n')
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, ErrTooLong
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	}
	return nil, err
}
