package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"sync/atomic"
)

// pageFile is a bbolt file that is being checked, by several goroutines at
// once. It is read with ReadAt and not through a memory map, whose pages would
// count as the process's memory.
type pageFile struct {
	in       io.ReaderAt
	pageSize int
	pages    uint64
	used     []atomic.Uint64 // a bit for each page: something refers to it
	claimed  atomic.Int64    // how many bits are set
}

func newPageFile(in io.ReaderAt, pageSize int, pages uint64) *pageFile {
	return &pageFile{in: in, pageSize: pageSize, pages: pages, used: make([]atomic.Uint64, (pages+63)/64)}
}

// claim marks pages as used; each may be used once.
func (f *pageFile) claim(first, count uint64) error {
	if first >= f.pages || count > f.pages-first {
		return fmt.Errorf("pages %d to %d are outside of the file", first, first+count-1)
	}
	for i := first; i < first+count; i++ {
		if bit := uint64(1) << (i % 64); f.used[i/64].Or(bit)&bit != 0 {
			return fmt.Errorf("page %d belongs to two things", i)
		}
	}
	f.claimed.Add(int64(count))
	return nil
}

// checkAllUsed finds pages that nothing refers to.
func (f *pageFile) checkAllUsed() error {
	for i := range f.used {
		if free := ^f.used[i].Load(); free != 0 {
			if lost := uint64(i*64 + bits.TrailingZeros64(free)); lost < f.pages {
				return fmt.Errorf("page %d belongs to nothing", lost)
			}
		}
	}
	return nil
}

// load reads and claims a page with those that continue it, into a buffer that
// it may replace by a longer one.
func (f *pageFile) load(number uint64, buffer *[]byte) (page, error) {
	if err := f.claim(number, 1); err != nil {
		return nil, err
	}
	p, err := f.peek(number, buffer)
	if err != nil {
		return nil, err
	}
	if p.number() != number {
		return nil, fmt.Errorf("page %d says that it is page %d", number, p.number())
	}
	if more := p.more(); more > 0 {
		if err := f.claim(number+1, more); err != nil {
			return nil, err
		}
	}
	return f.readRest(p, buffer)
}

// readRest reads the pages that continue one which has been read.
func (f *pageFile) readRest(p page, buffer *[]byte) (page, error) {
	number, more := p.number(), p.more()
	if more == 0 {
		return p, nil
	}
	if number >= f.pages || more >= f.pages-number {
		return nil, fmt.Errorf("page %d goes on outside of the file", number)
	}
	*buffer = slices.Grow(*buffer, int(more)*f.pageSize)[:(int(more)+1)*f.pageSize]
	if _, err := f.in.ReadAt((*buffer)[f.pageSize:], int64(number+1)*int64(f.pageSize)); err != nil {
		return nil, fmt.Errorf("reading page %d: %w", number, err)
	}
	return page(*buffer), nil
}

// peek reads a page alone, without checking anything.
func (f *pageFile) peek(number uint64, buffer *[]byte) (page, error) {
	*buffer = slices.Grow((*buffer)[:0], f.pageSize)[:f.pageSize]
	if number >= f.pages {
		return nil, fmt.Errorf("page %d is outside of the file", number)
	}
	if _, err := f.in.ReadAt(*buffer, int64(number)*int64(f.pageSize)); err != nil {
		return nil, fmt.Errorf("reading page %d: %w", number, err)
	}
	return page(*buffer), nil
}

// deepest bounds the pages above a leaf. With two children each, the smallest
// number that bbolt makes, a file of so many levels doesn't exist.
const deepest = 64

// height is how many pages lie on the way from a root to the first leaf. What
// it says of a damaged tree is of no use, but nothing depends on it.
func (f *pageFile) height(root uint64) int {
	var buffer []byte
	for height := 1; height < deepest; height++ {
		p, err := f.peek(root, &buffer)
		if err != nil || p.kind() != branchPage {
			return height
		}
		root = p.child(0)
	}
	return deepest
}

// lastKey is the highest key of a sound tree, nil if there is none.
func (f *pageFile) lastKey(root uint64) (last []byte) {
	var buffer []byte
	for range deepest {
		p, err := f.peek(root, &buffer)
		if err == nil {
			p, err = f.readRest(p, &buffer)
		}
		if err != nil || p.count() == 0 || pageHeader+p.count()*elementSize > len(p) {
			return nil
		}
		if p.kind() != branchPage {
			key, _ := p.data(p.count()-1, p.word(p.count()-1, 1), p.word(p.count()-1, 2))
			return key
		}
		root = p.child(p.count() - 1)
	}
	return nil
}

// span bounds the keys of a page: from first on, below limit; nil is no bound.
type span struct{ first, limit []byte }

func (s span) clone() span { return span{slices.Clone(s.first), slices.Clone(s.limit)} }

// visitor sees the items of a tree in the order of their keys. What it is given
// is valid during the call.
type visitor interface {
	visit(key, value []byte, isBucket bool) error
}

// walker checks a tree's pages and shows its items to a visitor. It belongs to
// one goroutine.
type walker struct {
	file    *pageFile
	items   visitor
	buffers [][]byte // by depth

	// Subtrees of a depth, and leaves above it, are handed over if that is set.
	depth    int
	handOver func(root uint64, bounds span) error
}

// buffer is where the page of a depth is kept.
func (w *walker) buffer(depth int) *[]byte {
	for len(w.buffers) <= depth {
		w.buffers = append(w.buffers, nil)
	}
	return &w.buffers[depth]
}

// walk checks the tree below a page.
func (w *walker) walk(ctx context.Context, number uint64, bounds span, depth int) error {
	if w.handOver != nil && (depth >= w.depth || w.file.height(number) == 1) {
		return w.handOver(number, bounds)
	}
	p, err := w.file.load(number, w.buffer(depth))
	if err != nil {
		return err
	}
	switch p.kind() {
	case branchPage:
		if err = ctx.Err(); err == nil {
			err = w.walkBranch(ctx, p, bounds, depth)
		}
	case leafPage:
		err = p.eachItem(bounds, w.items.visit)
	default:
		err = errors.New("it is neither branch nor leaf")
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", number, err)
	}
	return nil
}

func (w *walker) walkBranch(ctx context.Context, p page, bounds span, depth int) error {
	if p.count() == 0 {
		return errors.New("a branch without children")
	}
	var below span // of the child before
	var child uint64
	err := p.eachKey(bounds, func(i int, key []byte) error {
		if i > 0 {
			if err := w.walk(ctx, child, span{below.first, key}, depth+1); err != nil {
				return err
			}
		}
		below.first, child = key, p.child(i)
		return nil
	})
	if err != nil {
		return err
	}
	return w.walk(ctx, child, span{below.first, bounds.limit}, depth+1)
}

// checkFree claims the pages of the free list and those that it names.
func (f *pageFile) checkFree(number uint64) error {
	var buffer []byte
	p, err := f.load(number, &buffer)
	if err != nil {
		return fmt.Errorf("free list: %w", err)
	}
	if p.kind() != freePage {
		return fmt.Errorf("page %d is no free list", number)
	}
	list, count := p[pageHeader:], uint64(p.count())
	if count == 0xFFFF { // too many for the field: the list begins with it
		count, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if count > uint64(len(list)/8) {
		return fmt.Errorf("page %d: a free list of %d pages", number, count)
	}
	for i := range count {
		if err := f.claim(binary.NativeEndian.Uint64(list[8*i:]), 1); err != nil {
			return fmt.Errorf("free list: %w", err)
		}
	}
	return nil
}
