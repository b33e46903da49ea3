package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// checkContents checks what the buckets hold. It reads blocks at the speed of
// SHA-256, without parsing their JSON.
func (c *checker) checkContents() error {
	if err := c.checkRecords(); err != nil {
		return err
	}
	main, err := c.checkSeries(trunk(), blockHashes{})
	if err != nil {
		return err
	}
	if c.has(branchBlocksBucket) {
		side, err := c.checkSeries(branch(), main)
		if err != nil {
			return err
		}
		if err := c.checkBorder(main, side); err != nil {
			return err
		}
	}
	return c.checkTotal()
}

// checkSeries checks blocks and the index of their hashes. They follow one of
// those below.
func (c *checker) checkSeries(s series, below blockHashes) (blockHashes, error) {
	hashes, err := c.checkBlocks(s.blocks, below)
	if err != nil {
		return blockHashes{}, err
	}
	if c.isFormer() {
		return hashes, c.checkFormerHashes(hashes)
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

// checkRecords checks that the database is ours, in a format that we know, and
// every record's checksum, but for the indexes of hashes.
func (c *checker) checkRecords() error {
	c.records = map[string][]byte{applicationKey: nil, formatKey: nil, totalKey: nil, borderKey: nil, upgradedKey: nil}
	for _, bucket := range recordBuckets() {
		newPart := func() summing { return &recordsPart{} }
		switch name := string(bucket); {
		case !c.has(bucket): // checkBuckets says what may be missing
			continue
		case name == string(hashesBucket), name == string(branchHashesBucket): // checkHashes does those
			continue
		case name == string(metaBucket):
			newPart = func() summing { return &metaPart{names: c.records} }
		case name == string(paymentsBucket), name == string(branchPaymentsBucket):
			newPart = func() summing { return &runsPart{} }
		}
		if _, err := c.eachRecord(bucket, newPart); err != nil {
			return err
		}
		if bytes.Equal(bucket, metaBucket) {
			if err := c.checkFormat(); err != nil {
				return err
			}
		}
	}
	return nil
}

// summing is a visitor of records, which adds up their checksums.
type summing interface {
	visitor
	sum() uint64
}

// eachRecord is each for records, whose checksums it adds to the total.
func (c *checker) eachRecord(bucket []byte, newVisitor func() summing) ([]visitor, error) {
	parts, err := c.each(bucket, func() visitor { return newVisitor() })
	for _, p := range parts {
		c.total += p.(summing).sum()
	}
	return parts, err
}

// checkTotal checks that no record is missing.
func (c *checker) checkTotal() error {
	if want := c.records[totalKey]; len(want) != 8 || binary.BigEndian.Uint64(want) != c.total {
		return fmt.Errorf("%w: records are missing, or are not of the last state", ErrCorrupt)
	}
	return nil
}

func (c *checker) checkFormat() error {
	known := []string{format}
	switch {
	case c.isFormer():
		known = []string{firstFormat, secondFormat}
	case c.has(branchBlocksBucket):
		known = []string{branchFormat}
	}
	if got := c.records[applicationKey]; string(got) != application {
		return fmt.Errorf("%w: its application is %.40q, not %q", ErrForeign, got, application)
	}
	if got := c.records[formatKey]; !slices.Contains(known, string(got)) {
		return fmt.Errorf("%w: its format is %.40q, not %s", ErrForeign, got, strings.Join(known, " or "))
	}
	if c.records[borderKey] != nil && !c.has(branchBlocksBucket) {
		return noBucket(branchBlocksBucket)
	}
	return nil
}

// isFormer reports whether it is a database as earlier programs made it.
func (c *checker) isFormer() bool { return c.has(formerHashesBucket) }

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
	c, err := parseChunk(key, value)
	if err != nil {
		return err
	}
	for height := c.first(); height <= c.last; height++ {
		text, err := c.text(height)
		if err != nil {
			return err
		}
		if err := p.visitBlock(height, text); err != nil {
			return err
		}
	}
	return nil
}

func (p *blocksPart) visitBlock(height int64, text []byte) (err error) {
	if p.start == nil {
		p.first, p.next = height, height
		p.start = append([]byte{}, text[:min(len(text), longestLink)]...)
	}
	if height != p.next {
		return missing(p.next)
	}
	if height >= int64(len(p.hashes)) {
		return fmt.Errorf("%w: block %d is not the last one", ErrCorrupt, len(p.hashes)-1)
	}
	if height == 0 {
		err = checkLink(text, 0, digest{})
	} else if height > p.first {
		err = checkLink(text, height, p.hashes[height-1])
	}
	if err != nil {
		return damaged(err)
	}
	p.hashes[height] = sha256.Sum256(text)
	p.next++
	return nil
}

// checkHashes checks that the index holds exactly these hashes. It protects the
// last block, to which no other links.
func (c *checker) checkHashes(bucket []byte, hashes blockHashes) error {
	limit := hashes.limit()
	if upgraded := c.records[upgradedKey]; upgraded != nil {
		next, err := numberOf(upgraded)
		if err != nil {
			return err
		}
		limit = min(limit, next)
	}
	parts, err := c.eachRecord(bucket, func() summing { return &hashesPart{blockHashes: hashes} })
	if err != nil {
		return err
	}
	count := int64(0)
	for _, p := range parts {
		count += p.(*hashesPart).count
	}
	if want := limit - hashes.first; count != want {
		return fmt.Errorf("%w: the index has %d hashes of %d blocks", ErrCorrupt, count, want)
	}
	return nil
}

// runsPart checks records of runs.
type runsPart struct{ recordsPart }

func (p *runsPart) visit(key, value []byte, isBucket bool) error {
	if err := p.recordsPart.visit(key, value, isBucket); err != nil {
		return err
	}
	r := run(value[checksumSize:])
	if len(r) == 0 || len(r)%runEntrySize != 0 {
		return fmt.Errorf("%w: %d bytes are no entries of a run", ErrCorrupt, len(r))
	}
	last, err := lastOf(key)
	if err != nil {
		return err
	}
	if !bytes.Equal(key, recordKey(last, r.entry(0))) {
		return fmt.Errorf("%w: %x is not the key of the entries that begin with %x", ErrCorrupt, key, r.entry(0))
	}
	for i := range r.count() {
		if height := r.height(i); height < 0 || height > last {
			return fmt.Errorf("%w: an entry of block %d in a run up to block %d", ErrCorrupt, height, last)
		}
		if i > 0 && bytes.Compare(r.entry(i-1), r.entry(i)) >= 0 {
			return fmt.Errorf("%w: %x is out of order in a run", ErrCorrupt, r.entry(i))
		}
	}
	return nil
}

// hashesPart compares the index's runs with the blocks' hashes.
type hashesPart struct {
	runsPart
	blockHashes
	count int64
}

func (p *hashesPart) visit(key, value []byte, isBucket bool) error {
	if err := p.runsPart.visit(key, value, isBucket); err != nil {
		return err
	}
	r := run(value[checksumSize:])
	for i := range r.count() {
		height := r.height(i)
		if height < p.first || height >= p.limit() {
			return missing(height)
		}
		if !bytes.Equal(r.id(i), p.all[height][:runIDSize]) {
			return fmt.Errorf("%w: block %d: its hash is %s, but begins with %x in the index", ErrCorrupt, height, p.all[height], r.id(i))
		}
	}
	p.count += int64(r.count())
	return nil
}
