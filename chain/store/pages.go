package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
)

// bbolt trusts what a file says: a changed length or page number makes it read
// beyond the mapped memory, lose keys, or give a page in use away. checkPages
// reads the file as bytes and finds that out before. The format is bbolt's
// version 2, laid out in its internal/common; numbers are in the machine's order.

// A page begins with its number (8 bytes), its kind and its count of elements
// (2 bytes each) and how many pages it continues over (4 bytes).
const (
	pageHeader  = 16
	elementSize = 16 // of branch and leaf pages alike
	branchPage  = 1
	leafPage    = 2
	freePage    = 16
)

// bucketFlag marks a leaf's element whose value is a bucket: the number of its
// root page (0: the page follows) and its sequence, 8 bytes each.
const (
	bucketFlag   = 1
	bucketHeader = 16
)

// pageFile is a bbolt file whose structure is being checked.
type pageFile struct {
	in       io.ReaderAt
	pageSize int
	used     []bool   // by page number: something refers to it
	buffers  [][]byte // by depth in the tree
}

// checkPages checks that a bbolt file's trees are sound: all of it is there,
// every page belongs to one thing, and every key is found where it is looked for.
func checkPages(in io.ReaderAt, size int64, pageSize int) error {
	meta, err := readMeta(in, pageSize)
	if err != nil {
		return err
	}
	if meta.pages > uint64(size)/uint64(pageSize) {
		return fmt.Errorf("the file was cut: %d bytes are there, and %d pages of %d should be", size, meta.pages, pageSize)
	}
	f := &pageFile{in: in, pageSize: pageSize, used: make([]bool, meta.pages)}
	if err := f.claim(0, 2); err != nil { // the two meta pages
		return err
	}
	if err := f.walk(meta.root, span{}, 0); err != nil {
		return err
	}
	if meta.free == noFreelist {
		return nil // another program's: ours always writes the list
	}
	if err := f.checkFree(meta.free); err != nil {
		return err
	}
	if lost := slices.Index(f.used, false); lost >= 0 {
		return fmt.Errorf("page %d belongs to nothing", lost)
	}
	return nil
}

// noFreelist stands instead of the free list's page when there is none.
const noFreelist = ^uint64(0)

// meta is what the newer of the two meta pages says.
type meta struct {
	root, free  uint64 // pages
	pages       uint64 // how many there are
	transaction uint64
}

// readMeta wants both pages whole: bbolt would fall back to the older, and with
// it silently to the state before the last change. No crash leaves a half one,
// as it is within one disk sector.
func readMeta(in io.ReaderAt, pageSize int) (newest meta, err error) {
	for i := range 2 {
		var page [pageHeader + 64]byte
		if _, err := in.ReadAt(page[:], int64(i)*int64(pageSize)); err != nil {
			return meta{}, fmt.Errorf("reading meta page %d: %w", i, err)
		}
		fields := page[pageHeader:]
		sum := fnv.New64a()
		sum.Write(fields[:56])
		if sum.Sum64() != binary.NativeEndian.Uint64(fields[56:]) || int(binary.NativeEndian.Uint32(fields[8:])) != pageSize {
			return meta{}, fmt.Errorf("meta page %d is damaged", i)
		}
		m := meta{
			root:        binary.NativeEndian.Uint64(fields[16:]),
			free:        binary.NativeEndian.Uint64(fields[32:]),
			pages:       binary.NativeEndian.Uint64(fields[40:]),
			transaction: binary.NativeEndian.Uint64(fields[48:]),
		}
		if binary.NativeEndian.Uint64(page[:]) != uint64(i) || m.transaction%2 != uint64(i) {
			return meta{}, fmt.Errorf("meta page %d is not its own", i) // they take turns
		}
		if i == 0 || m.transaction > newest.transaction {
			newest = m
		}
	}
	return newest, nil
}

// claim marks pages as used; each may be used once.
func (f *pageFile) claim(first, count uint64) error {
	if first >= uint64(len(f.used)) || count > uint64(len(f.used))-first {
		return fmt.Errorf("pages %d to %d are outside of the file", first, first+count-1)
	}
	for i := first; i < first+count; i++ {
		if f.used[i] {
			return fmt.Errorf("page %d belongs to two things", i)
		}
		f.used[i] = true
	}
	return nil
}

// load reads and claims a page with those that continue it. It is valid until
// the next load at the same depth.
func (f *pageFile) load(number uint64, depth int) (page, error) {
	if err := f.claim(number, 1); err != nil {
		return nil, err
	}
	for len(f.buffers) <= depth {
		f.buffers = append(f.buffers, nil)
	}
	buffer := slices.Grow(f.buffers[depth][:0], f.pageSize)[:f.pageSize]
	if _, err := f.in.ReadAt(buffer, int64(number)*int64(f.pageSize)); err != nil {
		return nil, fmt.Errorf("reading page %d: %w", number, err)
	}
	p := page(buffer)
	if p.number() != number {
		return nil, fmt.Errorf("page %d says that it is page %d", number, p.number())
	}
	if more := p.more(); more > 0 {
		if err := f.claim(number+1, more); err != nil {
			return nil, err
		}
		buffer = slices.Grow(buffer, int(more)*f.pageSize)[:(int(more)+1)*f.pageSize]
		if _, err := f.in.ReadAt(buffer[f.pageSize:], int64(number+1)*int64(f.pageSize)); err != nil {
			return nil, fmt.Errorf("reading page %d: %w", number, err)
		}
	}
	f.buffers[depth] = buffer
	return page(buffer), nil
}

// span bounds the keys of a page: from first on, below limit; nil is no bound.
type span struct{ first, limit []byte }

// walk checks the tree below a page.
func (f *pageFile) walk(number uint64, bounds span, depth int) error {
	p, err := f.load(number, depth)
	if err != nil {
		return err
	}
	switch p.kind() {
	case branchPage:
		err = f.walkBranch(p, bounds, depth)
	case leafPage:
		err = p.eachKey(bounds, func(i int, _ []byte) error { return f.walkBucket(p, i, depth) })
	default:
		err = errors.New("it is neither branch nor leaf")
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", number, err)
	}
	return nil
}

func (f *pageFile) walkBranch(p page, bounds span, depth int) error {
	if p.count() == 0 {
		return errors.New("a branch without children")
	}
	var below span // of the child before
	var child uint64
	err := p.eachKey(bounds, func(i int, key []byte) error {
		if i > 0 {
			if err := f.walk(child, span{below.first, key}, depth+1); err != nil {
				return err
			}
		}
		below.first, child = key, p.child(i)
		return nil
	})
	if err != nil {
		return err
	}
	return f.walk(child, span{below.first, bounds.limit}, depth+1)
}

// walkBucket checks the bucket that an element of a leaf holds, if it does.
func (f *pageFile) walkBucket(p page, i, depth int) error {
	value, isBucket, err := p.value(i)
	if err != nil || !isBucket {
		return err
	}
	if len(value) < bucketHeader {
		return fmt.Errorf("element %d: half a bucket", i)
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return f.walk(root, span{}, depth+1)
	}
	inline := page(value[bucketHeader:])
	if len(inline) < pageHeader || inline.kind() != leafPage {
		return fmt.Errorf("element %d: a bucket without a leaf", i)
	}
	return inline.eachKey(span{}, func(j int, _ []byte) error {
		if _, isBucket, err := inline.value(j); err != nil || isBucket {
			return errors.Join(err, fmt.Errorf("element %d of the bucket in element %d is damaged", j, i))
		}
		return nil
	})
}

// checkFree claims the pages of the free list and those that it names.
func (f *pageFile) checkFree(number uint64) error {
	p, err := f.load(number, 0)
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

// page is the bytes of a page and of those that continue it.
type page []byte

func (p page) number() uint64 { return binary.NativeEndian.Uint64(p) }
func (p page) kind() int      { return int(binary.NativeEndian.Uint16(p[8:])) }
func (p page) count() int     { return int(binary.NativeEndian.Uint16(p[10:])) }
func (p page) more() uint64   { return uint64(binary.NativeEndian.Uint32(p[12:])) }

// word is the i-th of the four 32-bit words of an element. A leaf's are flags,
// position, key size and value size; a branch's position, key size and two of
// the child's page. Positions count from the element's beginning.
func (p page) word(element, i int) int {
	return int(binary.NativeEndian.Uint32(p[pageHeader+element*elementSize+4*i:]))
}

func (p page) child(element int) uint64 {
	return binary.NativeEndian.Uint64(p[pageHeader+element*elementSize+8:])
}

// eachKey calls f with the keys, which must rise within their bounds.
func (p page) eachKey(bounds span, f func(element int, key []byte) error) error {
	if pageHeader+p.count()*elementSize > len(p) {
		return fmt.Errorf("%d elements don't fit", p.count())
	}
	position := 1 // of the words; a branch has no flags before them
	if p.kind() == branchPage {
		position = 0
	}
	previous := bounds.first
	for i := range p.count() {
		key, err := p.data(i, p.word(i, position), p.word(i, position+1))
		if err != nil {
			return err
		}
		order := bytes.Compare(key, previous)
		if order < 0 || order == 0 && i > 0 || bounds.limit != nil && bytes.Compare(key, bounds.limit) >= 0 {
			return fmt.Errorf("element %d: the keys are out of order", i)
		}
		if err := f(i, key); err != nil {
			return err
		}
		previous = key
	}
	return nil
}

// value is the value of a leaf's element whose key has been checked.
func (p page) value(element int) (value []byte, isBucket bool, err error) {
	flags, position, keySize := p.word(element, 0), p.word(element, 1), p.word(element, 2)
	if flags&^bucketFlag != 0 {
		return nil, false, fmt.Errorf("element %d: unknown flags %#x", element, flags)
	}
	value, err = p.data(element, position+keySize, p.word(element, 3))
	return value, flags == bucketFlag, err
}

// data is size bytes at a position relative to an element.
func (p page) data(element, position, size int) ([]byte, error) {
	start := pageHeader + element*elementSize + position
	if start < pageHeader+p.count()*elementSize || start > len(p) || size > len(p)-start {
		return nil, fmt.Errorf("element %d reaches beyond its page", element)
	}
	return p[start : start+size], nil
}
