package wire

import (
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
)

// Bounds of what ReadBlocks decodes at a time.
const (
	maxGroupBlocks = 256
	maxGroupBytes  = 1 << 20 // to which comes one block
)

// ReadBlocks yields the blocks of a JSON array with the errors of BlockReader.Next,
// of which the first one ends it. It decodes some blocks at a time, on all cores.
func ReadBlocks(r io.Reader, maxBlockBytes int) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		g := group{reader: NewBlockReader(r, maxBlockBytes)}
		for {
			end := g.read()
			g.decode()
			for i, b := range g.blocks {
				err := g.errs[i]
				if err != nil {
					b, err = Block{}, fmt.Errorf("block %d of the array: %w", g.first+int64(i), err)
				}
				if !yield(b, err) || err != nil {
					return
				}
			}
			if end != nil {
				if end != io.EOF {
					yield(Block{}, end)
				}
				return
			}
		}
	}
}

// group is some consecutive blocks.
type group struct {
	reader *BlockReader
	first  int64  // position of the first one
	text   []byte // of all
	ends   []int  // of each one's text
	blocks []Block
	errs   []error
}

// read reads the blocks' texts, and returns what came instead of a further one.
func (g *group) read() error {
	g.first, g.text, g.ends = g.reader.count, g.text[:0], g.ends[:0]
	for len(g.ends) < maxGroupBlocks && len(g.text) < maxGroupBytes {
		if err := g.reader.Skip(); err != nil {
			return err
		}
		g.text = append(g.text, g.reader.element...)
		g.ends = append(g.ends, len(g.text))
	}
	return nil
}

// decode decodes the blocks on all cores, and some at a time, whose texts share memory.
func (g *group) decode() {
	n := len(g.ends)
	g.blocks, g.errs = make([]Block, n), make([]error, n)
	pieces := g.pieces()
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < len(pieces); i = int(next.Add(1)) - 1 {
			g.decodePiece(pieces[i])
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pieces)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

// piece is the blocks of a group from an index to before another.
type piece struct{ from, to int }

// pieces cuts the group, so that each piece's text may be shared, or is one long block's.
func (g *group) pieces() []piece {
	var pieces []piece
	from := 0
	for i := range g.ends {
		if i > from && g.ends[i]-g.start(from) > maxShared {
			pieces = append(pieces, piece{from, i})
			from = i
		}
	}
	if from < len(g.ends) {
		pieces = append(pieces, piece{from, len(g.ends)})
	}
	return pieces
}

// start is where the text of a block begins.
func (g *group) start(i int) int {
	if i == 0 {
		return 0
	}
	return g.ends[i-1]
}

func (g *group) decodePiece(p piece) {
	begin, end := g.start(p.from), g.ends[p.to-1]
	if end-begin > maxShared {
		g.blocks[p.from], g.errs[p.from] = DecodeBlock(g.text[begin:end])
		return
	}
	source := string(g.text[begin:end])
	for i := p.from; i < p.to; i++ {
		from, to := g.start(i), g.ends[i]
		g.blocks[i], g.errs[i] = decodeBlock(g.text[from:to], source[from-begin:to-begin])
	}
}
