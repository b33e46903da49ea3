package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"lode/chain/atomicfile"
	"lode/chain/wire"
)

// ErrClassic is a text file that the original could not read either.
var ErrClassic = errors.New("the text file is damaged")

// classicMode is the mode of a file that the original makes.
const classicMode = 0o644

// maxBlockBytes bounds one block of a text file.
const maxBlockBytes = 32 << 20

// Classic is the content of the original's text file.
type Classic struct {
	Blocks  []wire.Block // from genesis on; only their form has been checked
	Pool    []wire.Transaction
	Refused []error  // why entries of the pool, which the original allows, are no transactions
	Peers   []string // sorted, each once; what is no string, as the original allows, as JSON
}

// ReadClassic reads the original's text file: three lines with the chain, the
// open transactions and the peers, each as JSON. An empty file holds nothing;
// one of one or two lines was cut, and is refused where the original would start
// afresh and overwrite it. A missing file is fs.ErrNotExist; other errors are
// ErrClassic and name the file, the line and where it is known the block.
func ReadClassic(path string) (Classic, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Classic{}, fmt.Errorf("reading the text file: %w", err)
	}
	content, err := parseClassic(text)
	if err != nil {
		return Classic{}, fmt.Errorf("%s: %w: %w", path, ErrClassic, err)
	}
	return content, nil
}

func parseClassic(text []byte) (Classic, error) {
	if len(text) == 0 {
		return Classic{}, nil
	}
	lines := bytes.SplitAfterN(text, []byte("\n"), 4)
	if len(lines) < 3 || len(lines[2]) == 0 {
		return Classic{}, errors.New("the file was cut: it ends before line 3")
	}
	var content Classic
	var err error
	if content.Blocks, err = parseBlocks(lines[0]); err != nil {
		return Classic{}, fmt.Errorf("line 1: %w", err)
	}
	if content.Pool, content.Refused, err = parsePool(lines[1]); err != nil {
		return Classic{}, fmt.Errorf("line 2: %w", err)
	}
	if content.Peers, err = parsePeers(lines[2]); err != nil {
		return Classic{}, fmt.Errorf("line 3: %w", err)
	}
	return content, nil
}

func parseBlocks(line []byte) ([]wire.Block, error) {
	var blocks []wire.Block
	for reader := wire.NewBlockReader(bytes.NewReader(line), maxBlockBytes); ; {
		b, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return blocks, nil
		}
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
}

func parseList(line []byte) ([]any, error) {
	v, err := wire.Decode(line)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("an array was expected")
	}
	return list, nil
}

func parsePool(line []byte) (pool []wire.Transaction, refused []error, err error) {
	list, err := parseList(line)
	if err != nil {
		return nil, nil, err
	}
	for i, v := range list {
		t, err := wire.TransactionOf(v)
		if err != nil {
			refused = append(refused, fmt.Errorf("transaction %d: %w", i, err))
			continue
		}
		pool = append(pool, t)
	}
	return pool, refused, nil
}

func parsePeers(line []byte) ([]string, error) {
	list, err := parseList(line)
	if err != nil {
		return nil, err
	}
	var peers []string
	for _, v := range list {
		peer, ok := v.(string)
		if !ok {
			peer = string(wire.AppendCompact(nil, v))
		}
		peers = append(peers, peer)
	}
	slices.Sort(peers)
	return slices.Compact(peers), nil
}

// WriteClassic writes the original's text file, byte for byte as it would, and
// replaces an old one only when all of it is on disk.
func WriteClassic(path string, blocks iter.Seq2[wire.Block, error], pool []wire.Transaction, peers []string) error {
	return atomicfile.WriteTo(path, classicMode, func(w io.Writer) error {
		if err := writeBlocks(w, blocks); err != nil {
			return err
		}
		text := appendArray([]byte("\n"), pool, func(dst []byte, t wire.Transaction) []byte { return t.AppendClassic(dst) })
		text = appendArray(append(text, '\n'), peers, wire.AppendQuoted)
		_, err := w.Write(text)
		return err
	})
}

func writeBlocks(w io.Writer, blocks iter.Seq2[wire.Block, error]) error {
	separator := "["
	var text []byte
	for b, err := range blocks {
		if err != nil {
			return err
		}
		text = b.AppendClassic(append(text[:0], separator...))
		if _, err := w.Write(text); err != nil {
			return err
		}
		separator = ", "
	}
	if separator == "[" {
		return errors.New("a text file needs at least the genesis block")
	}
	_, err := io.WriteString(w, "]")
	return err
}

func appendArray[T any](dst []byte, items []T, one func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = one(dst, item)
	}
	return append(dst, ']')
}
