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

func (g *group) decode() {
	n := len(g.ends)
	g.blocks, g.errs = make([]Block, n), make([]error, n)
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			start := 0
			if i > 0 {
				start = g.ends[i-1]
			}
			g.blocks[i], g.errs[i] = DecodeBlock(g.text[start:g.ends[i]])
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}
