package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// ErrBlockSize is a block whose JSON is longer than the reader allows.
var ErrBlockSize = errors.New("block too large")

// BlockReader reads a JSON array of blocks one by one, so that memory is
// bounded by the largest block, not by the chain. It is not safe for
// concurrent use.
type BlockReader struct {
	in       *bufio.Reader
	maxBytes int
	count    int64 // blocks read
	element  []byte
	state    readerState
}

type readerState int

const (
	beforeArray readerState = iota
	inArray
	afterArray
)

// NewBlockReader reads from r; a block may have maxBlockBytes of JSON.
func NewBlockReader(r io.Reader, maxBlockBytes int) *BlockReader {
	return &BlockReader{in: bufio.NewReaderSize(r, 64<<10), maxBytes: maxBlockBytes}
}

// Next returns the next block, io.EOF after the closing bracket and nothing
// but white space. Other errors name the block's position in the array and are
// those of DecodeBlock, ErrBlockSize or the reader's own.
func (r *BlockReader) Next() (Block, error) {
	b, err := r.next()
	if err != nil && err != io.EOF {
		return Block{}, fmt.Errorf("block %d of the array: %w", r.count, err)
	}
	r.count++
	return b, err
}

func (r *BlockReader) next() (Block, error) {
	if err := r.nextElement(); err != nil {
		return Block{}, err
	}
	b, err := DecodeBlock(r.element)
	if err != nil {
		return Block{}, err
	}
	return b, r.separator()
}

// Skip steps over the next block, of which it only finds the end. Errors are
// those of Next.
func (r *BlockReader) Skip() error {
	err := r.nextElement()
	if err == nil {
		if err = r.separator(); err != nil {
			// What is wrong within the block comes first, as for Next.
			if _, wrong := DecodeBlock(r.element); wrong != nil {
				err = wrong
			}
		}
	}
	if err != nil && err != io.EOF {
		return fmt.Errorf("block %d of the array: %w", r.count, err)
	}
	r.count++
	return err
}

// nextElement puts the next block's text into r.element.
func (r *BlockReader) nextElement() error {
	if err := r.open(); err != nil {
		return err
	}
	if r.state == afterArray {
		return r.atEnd()
	}
	return r.readElement()
}

// open reads the opening bracket, and the closing one of an empty array.
func (r *BlockReader) open() error {
	if r.state != beforeArray {
		return nil
	}
	c, err := r.token()
	if err != nil {
		return err
	}
	if c != '[' {
		return fmt.Errorf("%w: an array was expected, found %q", ErrSyntax, c)
	}
	r.state = inArray
	if c, err = r.token(); err != nil {
		return err
	}
	if c == ']' {
		r.state = afterArray
		return nil
	}
	return r.in.UnreadByte()
}

// separator reads what follows an element.
func (r *BlockReader) separator() error {
	c, err := r.token()
	switch {
	case err != nil:
		return err
	case c == ']':
		r.state = afterArray
	case c != ',':
		return fmt.Errorf("%w: a comma or ] was expected, found %q", ErrSyntax, c)
	}
	return nil
}

// atEnd checks that nothing but white space follows the array.
func (r *BlockReader) atEnd() error {
	c, err := r.token()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %q after the array", ErrSyntax, c)
}

// token is the next byte that is no white space; the end of the text is
// io.ErrUnexpectedEOF.
func (r *BlockReader) token() (byte, error) {
	for {
		c, err := r.in.ReadByte()
		if err == io.EOF {
			return 0, io.ErrUnexpectedEOF
		}
		if err != nil || !isSpace(c) {
			return c, err
		}
	}
}

// readElement copies one object into r.element, up to the brace that closes it.
// Only braces and strings are looked at; DecodeBlock does the rest.
func (r *BlockReader) readElement() error {
	c, err := r.token()
	if err != nil {
		return err
	}
	if c != '{' {
		return fmt.Errorf("%w: an object was expected, found %q", ErrSyntax, c)
	}
	r.element = append(r.element[:0], c)
	for scan := (objectScan{depth: 1}); scan.depth > 0; {
		if _, err := r.in.Peek(1); err == io.EOF {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		text, _ := r.in.Peek(r.in.Buffered()) // is there already
		if text = text[:max(0, min(len(text), r.maxBytes-len(r.element)))]; len(text) == 0 {
			return fmt.Errorf("%w: more than %d bytes", ErrBlockSize, r.maxBytes)
		}
		n := scan.step(text)
		r.element = append(r.element, text[:n]...)
		_, _ = r.in.Discard(n) // n bytes are there
	}
	return nil
}

// objectScan looks for the end of an object.
type objectScan struct {
	depth             int
	inString, escaped bool
}

// step reads on, to the end of text or of the object, and returns how many bytes
// it read.
func (s *objectScan) step(text []byte) int {
	if !hasBraces {
		return s.stepBytes(text)
	}
	n := 0
	for n < len(text) && s.depth > 0 {
		if !s.escaped {
			n += s.stepVectors(text[n:min(n+maxPlain, len(text))])
		}
		n += s.stepBytes(text[n:min(n+vectorBytes, len(text))])
	}
	return n
}

// stepVectors is step up to where bytes have to be looked at one by one.
func (s *objectScan) stepVectors(text []byte) (n int) {
	n, s.depth, s.inString = bracesAVX2(text, s.depth, s.inString)
	return n
}

// stepBytes is step without vectors outside of strings.
func (s *objectScan) stepBytes(text []byte) int {
	n := 0
	for n < len(text) && s.depth > 0 {
		if s.inString {
			n += s.stringStep(text[n:])
			continue
		}
		switch text[n] {
		case '"':
			s.inString = true
		case '{':
			s.depth++
		case '}':
			s.depth--
		}
		n++
	}
	return n
}

// stringStep is step within a string, over all that is plain and one byte more.
func (s *objectScan) stringStep(text []byte) int {
	if s.escaped {
		s.escaped = false
		return 1
	}
	n := plainSlice(text)
	if n == len(text) {
		return n
	}
	switch text[n] {
	case '"':
		s.inString = false
	case '\\':
		s.escaped = true
	}
	return n + 1
}
