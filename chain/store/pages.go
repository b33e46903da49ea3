package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt trusts what a file says: a changed length or page number makes it read
// beyond the mapped memory, lose keys, or give a page in use away. So check reads
// the file as bytes and finds that out before. The format is bbolt's version 2,
// laid out in its internal/common; numbers are in the machine's order.

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

// noFreelist stands instead of the free list's page when there is none.
const noFreelist = ^uint64(0)

// meta is what a meta page says.
type meta struct {
	root, free  uint64 // pages
	pages       uint64 // how many there are
	transaction uint64
}

// metas are the two meta pages; bbolt writes them in turns.
type metas [2]meta

// newest is the one that holds the last transaction.
func (m metas) newest() meta {
	if m[1].transaction > m[0].transaction {
		return m[1]
	}
	return m[0]
}

// metaSize is how many bytes of a page, which has more, a meta page's content is.
const metaSize = pageHeader + 64

// readMetas wants both pages whole: bbolt would fall back to the older, and with
// it silently to the state before the last change. No crash leaves a half one,
// as it is within one disk sector.
func readMetas(in io.ReaderAt, pageSize int) (m metas, err error) {
	for i := range m {
		var page [metaSize]byte
		if _, err := in.ReadAt(page[:], int64(i)*int64(pageSize)); err != nil {
			return metas{}, fmt.Errorf("reading meta page %d: %w", i, err)
		}
		fields := page[pageHeader:]
		sum := fnv.New64a()
		_, _ = sum.Write(fields[:56]) // a hash takes everything
		if sum.Sum64() != binary.NativeEndian.Uint64(fields[56:]) || int(binary.NativeEndian.Uint32(fields[8:])) != pageSize {
			return metas{}, fmt.Errorf("meta page %d is damaged", i)
		}
		m[i] = meta{
			root:        binary.NativeEndian.Uint64(fields[16:]),
			free:        binary.NativeEndian.Uint64(fields[32:]),
			pages:       binary.NativeEndian.Uint64(fields[40:]),
			transaction: binary.NativeEndian.Uint64(fields[48:]),
		}
		if binary.NativeEndian.Uint64(page[:]) != uint64(i) || m[i].transaction%2 != uint64(i) {
			return metas{}, fmt.Errorf("meta page %d is not its own", i) // they take turns
		}
	}
	return m, nil
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

// eachItem calls f with the items of a leaf, whose keys must rise within their
// bounds.
func (p page) eachItem(bounds span, f func(key, value []byte, isBucket bool) error) error {
	return p.eachKey(bounds, func(i int, key []byte) error {
		value, isBucket, err := p.value(i)
		if err != nil {
			return err
		}
		return f(key, value, isBucket)
	})
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
