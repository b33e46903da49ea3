package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

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
	Blocks  iter.Seq2[wire.Block, error] // from genesis on, read from the file each time; only their form is checked
	Bytes   int64                        // of the line that they stand in
	Read    *atomic.Int64                // how many of those Blocks has read, for a progress bar
	Pool    []wire.Transaction
	Refused []error  // why entries of the pool, which the original allows, are no transactions
	Peers   []string // sorted, each once; what is no string, as the original allows, as JSON

	path string
}

// ReadClassic reads the original's text file: three lines with the chain, the
// open transactions and the peers, each as JSON. An empty file holds nothing;
// one of one or two lines was cut, and is refused where the original would start
// afresh and overwrite it. A missing file is fs.ErrNotExist; other errors are
// ErrClassic and name the file, the line and where it is known the block.
//
// The blocks, which may be more than memory holds, are not read here, but for the end
// of the first one. What is wrong among them is an error of Classic.Blocks, of the same
// kind.
func ReadClassic(path string) (Classic, error) {
	file, err := os.Open(path)
	if err != nil {
		return Classic{}, fmt.Errorf("reading the text file: %w", err)
	}
	defer file.Close()
	content := Classic{path: path, Read: new(atomic.Int64)}
	if err := content.parse(file); err != nil {
		return Classic{}, fmt.Errorf("%s: %w: %w", path, ErrClassic, err)
	}
	content.Blocks = func(yield func(wire.Block, error) bool) {
		err := content.readBlocks(func(line io.Reader) error {
			for b, err := range wire.ReadBlocks(line, maxBlockBytes) {
				if err != nil {
					return err
				}
				if !yield(b, nil) {
					break
				}
			}
			return nil
		})
		if err != nil {
			yield(wire.Block{}, err)
		}
	}
	return content, nil
}

// Count is the number of the blocks, of which it only finds the ends. Errors are those
// of Blocks.
func (c Classic) Count() (count int64, err error) {
	err = c.readBlocks(func(line io.Reader) (err error) {
		count, err = countBlocks(line)
		return err
	})
	return count, err
}

// readBlocks hands the line with the blocks over, if there is one.
func (c Classic) readBlocks(read func(line io.Reader) error) error {
	if c.Bytes == 0 {
		return nil
	}
	file, err := os.Open(c.path)
	if err != nil {
		return fmt.Errorf("reading the text file: %w", err)
	}
	defer file.Close()
	c.Read.Store(0)
	if err := read(&countingReader{io.NewSectionReader(file, 0, c.Bytes), c.Read}); err != nil {
		return fmt.Errorf("%s: %w: line 1: %w", c.path, ErrClassic, err)
	}
	return nil
}

// countingReader counts what is read.
type countingReader struct {
	io.Reader
	read *atomic.Int64
}

func (r *countingReader) Read(p []byte) (n int, err error) {
	n, err = r.Reader.Read(p)
	r.read.Add(int64(n))
	return n, err
}

// parse reads all but the blocks, of which it looks at the first one.
func (c *Classic) parse(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	ends, err := lineEnds(file, info.Size())
	if err != nil || ends[2] == 0 {
		return err
	}
	if ends[1] == ends[2] {
		return errors.New("the file was cut: it ends before line 3")
	}
	c.Bytes = ends[0]
	// What is no chain at all is found before the rest is looked at.
	first := wire.NewBlockReader(io.NewSectionReader(file, 0, c.Bytes), maxBlockBytes)
	if err := first.Skip(); err != nil && err != io.EOF {
		return fmt.Errorf("line 1: %w", err)
	}
	text := make([]byte, ends[2]-ends[0])
	if _, err := file.ReadAt(text, ends[0]); err != nil && err != io.EOF {
		return err
	}
	if c.Pool, c.Refused, err = parsePool(text[:ends[1]-ends[0]]); err != nil {
		return fmt.Errorf("line 2: %w", err)
	}
	if c.Peers, err = parsePeers(text[ends[1]-ends[0]:]); err != nil {
		return fmt.Errorf("line 3: %w", err)
	}
	return nil
}

// linesPiece is how many bytes of a file are looked through at a time.
const linesPiece = 1 << 20

// lineEnds is how many bytes the first line has, the first two and the first
// three; where there are fewer lines, as many as the file has. It looks on all cores, since
// the first line may be very long.
func lineEnds(file io.ReaderAt, size int64) (ends [3]int64, err error) {
	ends = [3]int64{size, size, size}
	found := make([][]int64, (size+linesPiece-1)/linesPiece) // by piece
	var next atomic.Int64
	var group errgroup.Group
	for range min(runtime.GOMAXPROCS(0), len(found)) {
		group.Go(func() error {
			text := make([]byte, linesPiece)
			for i := next.Add(1) - 1; i < int64(len(found)); i = next.Add(1) - 1 {
				n, err := file.ReadAt(text, i*linesPiece)
				if err != nil && err != io.EOF {
					return err
				}
				found[i] = firstLines(text[:n], i*linesPiece, len(ends))
			}
			return nil
		})
	}
	err = group.Wait()
	copy(ends[:], slices.Concat(found...))
	return ends, err
}

// firstLines is where lines end in a text that begins at an offset of a file, at most so many.
func firstLines(text []byte, offset int64, most int) (ends []int64) {
	for len(ends) < most {
		n := bytes.IndexByte(text, '\n') + 1
		if n == 0 {
			break
		}
		offset, text = offset+int64(n), text[n:]
		ends = append(ends, offset)
	}
	return ends
}

func countBlocks(line io.Reader) (count int64, err error) {
	for reader := wire.NewBlockReader(line, maxBlockBytes); ; count++ {
		if err := reader.Skip(); errors.Is(err, io.EOF) {
			return count, nil
		} else if err != nil {
			return 0, err
		}
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
