package store

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// checkContents checks what the buckets hold. It reads blocks at the speed of
// SHA-256, without parsing their JSON.
func (c *checker) checkContents() error {
	if err := c.checkRecords(); err != nil {
		return err
	}
	main, err := c.checkSeries(trunk(), blockHashes{})
	if err != nil || !c.has(branchBlocksBucket) {
		return err
	}
	side, err := c.checkSeries(branch(), main)
	if err != nil {
		return err
	}
	return c.checkBorder(main, side)
}

// checkSeries checks blocks and the index of their hashes. They follow one of
// those below.
func (c *checker) checkSeries(s series, below blockHashes) (blockHashes, error) {
	hashes, err := c.checkBlocks(s.blocks, below)
	if err != nil {
		return blockHashes{}, err
	}
	return hashes, c.checkHashes(s.hashes, hashes)
}

// checkBorder checks that trunk and branch have all blocks of the chain, which go
// from the trunk to the branch at the border. That the branch's first block follows
// the trunk's block below has been checked.
func (c *checker) checkBorder(main, side blockHashes) error {
	if c.records[borderKey] == nil {
		return nil // the branch is no part of the chain
	}
	border, err := numberOf(c.records[borderKey])
	if err != nil {
		return err
	}
	if border > main.limit() {
		return missing(main.limit())
	}
	if side.isEmpty() {
		return nil
	}
	if border < side.first || border > side.limit() {
		return missing(border)
	}
	if border > side.first && main.all[border-1] != side.all[border-1] {
		return fmt.Errorf("%w: block %d is not the one that the blocks above follow", ErrCorrupt, border-1)
	}
	return nil
}

// checkRecords checks that the database is ours, in a format that we know,
// every record's checksum, and their sum.
func (c *checker) checkRecords() error {
	total := uint64(0)
	c.records = map[string][]byte{applicationKey: nil, formatKey: nil, totalKey: nil, borderKey: nil, upgradedKey: nil}
	for _, bucket := range recordBuckets() {
		if !c.has(bucket) {
			continue // checkFormat says whether it may be missing
		}
		parts, err := c.each(bucket, func() visitor {
			if string(bucket) == string(metaBucket) {
				return &metaPart{names: c.records}
			}
			return &recordsPart{}
		})
		if err != nil {
			return err
		}
		for _, p := range parts {
			total += p.(interface{ sum() uint64 }).sum()
		}
		if string(bucket) == string(metaBucket) {
			if err := c.checkFormat(); err != nil {
				return err
			}
		}
	}
	if want := c.records[totalKey]; len(want) != 8 || binary.BigEndian.Uint64(want) != total {
		return fmt.Errorf("%w: records are missing, or are not of the last state", ErrCorrupt)
	}
	return nil
}

func (c *checker) checkFormat() error {
	want := format
	switch {
	case c.isFormer():
		want = formerFormat
	case c.has(branchBlocksBucket):
		want = branchFormat
	}
	for _, want := range [][2]string{{applicationKey, application}, {formatKey, want}} {
		if got := c.records[want[0]]; string(got) != want[1] {
			return fmt.Errorf("%w: its %s is %.40q, not %q", ErrForeign, want[0], got, want[1])
		}
	}
	if !c.isFormer() && !c.has(paymentsBucket) {
		return noBucket(paymentsBucket)
	}
	if c.records[borderKey] != nil && !c.has(branchBlocksBucket) {
		return noBucket(branchBlocksBucket)
	}
	return nil
}

func (c *checker) isFormer() bool {
	return string(c.records[formatKey]) == formerFormat && !c.has(branchBlocksBucket)
}

// recordsPart adds up the checksums of records.
type recordsPart struct{ total uint64 }

func (p *recordsPart) sum() uint64 { return p.total }

func (p *recordsPart) visit(key, value []byte, isBucket bool) error {
	if isBucket {
		return errNested
	}
	content, err := unseal(key, value)
	if err != nil {
		return err
	}
	p.total += uint64(checksum(key, content))
	return nil
}

// errNested is a bucket within one of ours.
var errNested = fmt.Errorf("%w: a bucket stands where a value must", ErrCorrupt)

// metaPart is a recordsPart of the bucket meta, whose own records it collects.
type metaPart struct {
	recordsPart
	names map[string][]byte // by key; keys that aren't there are of no interest
}

func (p *metaPart) visit(key, value []byte, isBucket bool) error {
	before := p.total
	if err := p.recordsPart.visit(key, value, isBucket); err != nil {
		return err
	}
	if _, ok := p.names[string(key)]; ok {
		p.names[string(key)] = append([]byte{}, value[checksumSize:]...)
	}
	if string(key) == totalKey {
		p.total = before // the sum is no part of itself
	}
	return nil
}

// blockHashes are the hashes of a series' blocks, and of those that they follow.
type blockHashes struct {
	all   []digest // by height
	first int64    // height of the series
}

func (h blockHashes) limit() int64  { return int64(len(h.all)) }
func (h blockHashes) isEmpty() bool { return h.first == h.limit() }

// checkBlocks checks that heights have no gap and that each block names its
// height and the hash of the one before, which for the first one may be any of
// those below. It returns the blocks' hashes.
func (c *checker) checkBlocks(bucket []byte, below blockHashes) (blockHashes, error) {
	count, err := c.countBlocks(bucket)
	if err != nil || count == 0 {
		return blockHashes{}, err
	}
	hashes := make([]digest, count)
	copy(hashes, below.all)
	parts, err := c.each(bucket, func() visitor { return &blocksPart{hashes: hashes} })
	if err != nil {
		return blockHashes{}, err
	}
	first := int64(-1) // none yet
	next := below.limit()
	for _, v := range parts {
		p := v.(*blocksPart)
		if p.next == p.first {
			continue // an empty leaf
		}
		if first < 0 && p.first <= below.limit() {
			first, next = p.first, p.first
		}
		if p.first != next {
			return blockHashes{}, missing(next)
		}
		if next > 0 {
			if err := checkLink(p.start, next, hashes[next-1]); err != nil {
				return blockHashes{}, damaged(err)
			}
		}
		next = p.next
	}
	if first < 0 || next != count {
		return blockHashes{}, missing(next)
	}
	return blockHashes{hashes, first}, nil
}

func missing(height int64) error { return fmt.Errorf("%w: block %d is missing", ErrCorrupt, height) }

// smallestBlock is fewer bytes than any block takes with its key.
const smallestBlock = 64

// countBlocks is how many blocks there must be for the last one's height. The
// bound keeps a damaged height from asking for all memory there is.
func (c *checker) countBlocks(bucket []byte) (int64, error) {
	key, err := c.lastKey(bucket)
	if err != nil || key == nil {
		return 0, err
	}
	last, err := numberOf(key)
	if err != nil {
		return 0, err
	}
	if last >= int64(c.file.pages)*int64(c.file.pageSize)/smallestBlock {
		return 0, fmt.Errorf("%w: the file has no room for %d blocks", ErrCorrupt, last)
	}
	return last + 1, nil
}

// lastKey is a bucket's last key, nil if it is empty.
func (c *checker) lastKey(bucket []byte) (last []byte, err error) {
	if root := c.rootOf(bucket); root != 0 {
		return c.file.lastKey(root), nil
	}
	p, err := c.inline(bucket)
	if err != nil {
		return nil, damaged(err)
	}
	return last, damaged(p.eachItem(span{}, func(key, _ []byte, _ bool) error {
		last = key
		return nil
	}))
}

// blocksPart hashes blocks that follow each other. That they follow the part
// before can't be seen before that has been hashed.
type blocksPart struct {
	hashes      []digest // of all blocks; the part sets its own
	first, next int64    // heights
	start       []byte   // of the first block, as much of it as checkLink looks at
}

func (p *blocksPart) visit(key, value []byte, isBucket bool) error {
	if isBucket {
		return errNested
	}
	height, err := numberOf(key)
	if err != nil {
		return err
	}
	if p.start == nil {
		p.first, p.next = height, height
		p.start = append([]byte{}, value[:min(len(value), longestLink)]...)
	}
	if height != p.next {
		return missing(p.next)
	}
	if height >= int64(len(p.hashes)) {
		return fmt.Errorf("%w: block %d is not the last one", ErrCorrupt, len(p.hashes)-1)
	}
	if height == 0 {
		err = checkLink(value, 0, digest{})
	} else if height > p.first {
		err = checkLink(value, height, p.hashes[height-1])
	}
	if err != nil {
		return damaged(err)
	}
	p.hashes[height] = sha256.Sum256(value)
	p.next++
	return nil
}

// checkHashes checks that the index holds exactly these hashes. It protects the
// last block, to which no other links.
func (c *checker) checkHashes(bucket []byte, hashes blockHashes) error {
	spans, err := c.withSpans()
	if err != nil {
		return err
	}
	parts, err := c.each(bucket, func() visitor { return &hashesPart{blockHashes: hashes, spans: spans} })
	if err != nil {
		return err
	}
	count := int64(0)
	for _, p := range parts {
		count += p.(*hashesPart).count
	}
	if want := hashes.limit() - hashes.first; count != want { // the keys differ, so each stands for another block
		return fmt.Errorf("%w: the index has %d hashes of %d blocks", ErrCorrupt, count, want)
	}
	return nil
}

// withSpans is below which height the index of hashes has spans.
func (c *checker) withSpans() (int64, error) {
	if !c.isFormer() {
		return unbounded, nil
	}
	if c.records[upgradedKey] == nil {
		return 0, nil
	}
	return numberOf(c.records[upgradedKey])
}

// hashesPart compares entries of the index with the blocks' hashes.
type hashesPart struct {
	blockHashes
	spans int64 // below this height the keys have a span
	count int64
}

func (p *hashesPart) visit(key, value []byte, isBucket bool) error {
	if isBucket {
		return errNested
	}
	height, err := numberOf(value)
	if err != nil {
		return err
	}
	if height < p.first || height >= p.limit() {
		return missing(height)
	}
	want := p.all[height][:]
	if height < p.spans {
		want = spanKey(height, want)
	}
	if string(key) != string(want) {
		return fmt.Errorf("%w: block %d: its hash is %s, but %x in the index", ErrCorrupt, height, p.all[height], key)
	}
	p.count++
	return nil
}
