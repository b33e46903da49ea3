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
	hashes, err := c.checkBlocks()
	if err != nil {
		return err
	}
	return c.checkHashes(hashes)
}

// checkRecords checks that the database is ours, in a format that we know,
// every record's checksum, and their sum.
func (c *checker) checkRecords() error {
	total := uint64(0)
	names := map[string][]byte{applicationKey: nil, formatKey: nil, totalKey: nil}
	for _, bucket := range [][]byte{metaBucket, accountsBucket, paymentsBucket, poolBucket, peersBucket} {
		if !c.has(bucket) {
			continue // checkFormat says whether it may be missing
		}
		parts, err := c.each(bucket, func() visitor {
			if string(bucket) == string(metaBucket) {
				return &metaPart{names: names}
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
			if err := c.checkFormat(names); err != nil {
				return err
			}
		}
	}
	if want := names[totalKey]; len(want) != 8 || binary.BigEndian.Uint64(want) != total {
		return fmt.Errorf("%w: records are missing, or are not of the last state", ErrCorrupt)
	}
	return nil
}

func (c *checker) checkFormat(names map[string][]byte) error {
	want := format
	if !c.has(paymentsBucket) {
		if string(names[formatKey]) == format {
			return noBucket(paymentsBucket)
		}
		want = formerFormat
	}
	for _, want := range [][2]string{{applicationKey, application}, {formatKey, want}} {
		if got := names[want[0]]; string(got) != want[1] {
			return fmt.Errorf("%w: its %s is %.40q, not %q", ErrForeign, want[0], got, want[1])
		}
	}
	return nil
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

// checkBlocks checks that heights have no gap and that each block names its
// height and the hash of the one before. It returns the blocks' hashes.
func (c *checker) checkBlocks() ([]digest, error) {
	count, err := c.countBlocks()
	if err != nil {
		return nil, err
	}
	hashes := make([]digest, count)
	parts, err := c.each(blocksBucket, func() visitor { return &blocksPart{hashes: hashes} })
	if err != nil {
		return nil, err
	}
	next := int64(0)
	for _, v := range parts {
		p := v.(*blocksPart)
		if p.next == p.first {
			continue // an empty leaf
		}
		if p.first != next {
			return nil, missing(next)
		}
		if next > 0 {
			if err := checkLink(p.start, next, hashes[next-1]); err != nil {
				return nil, damaged(err)
			}
		}
		next = p.next
	}
	if next != count {
		return nil, missing(next)
	}
	return hashes, nil
}

func missing(height int64) error { return fmt.Errorf("%w: block %d is missing", ErrCorrupt, height) }

// smallestBlock is fewer bytes than any block takes with its key.
const smallestBlock = 64

// countBlocks is how many blocks there must be for the last one's height. The
// bound keeps a damaged height from asking for all memory there is.
func (c *checker) countBlocks() (int64, error) {
	key, err := c.lastKey(blocksBucket)
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
func (c *checker) checkHashes(hashes []digest) error {
	parts, err := c.each(hashesBucket, func() visitor { return &hashesPart{hashes: hashes, former: !c.has(paymentsBucket)} })
	if err != nil {
		return err
	}
	count := 0
	for _, p := range parts {
		count += p.(*hashesPart).count
	}
	if count != len(hashes) { // the keys differ, so each stands for another block
		return fmt.Errorf("%w: the index has %d hashes of %d blocks", ErrCorrupt, count, len(hashes))
	}
	return nil
}

// hashesPart compares entries of the index with the blocks' hashes.
type hashesPart struct {
	hashes []digest
	former bool // the keys have no span
	count  int
}

func (p *hashesPart) visit(key, value []byte, isBucket bool) error {
	if isBucket {
		return errNested
	}
	height, err := numberOf(value)
	if err != nil {
		return err
	}
	if height >= int64(len(p.hashes)) {
		return missing(height)
	}
	want := p.hashes[height][:]
	if !p.former {
		want = spanKey(height, want)
	}
	if string(key) != string(want) {
		return fmt.Errorf("%w: block %d: its hash is %s, but %x in the index", ErrCorrupt, height, p.hashes[height], key)
	}
	p.count++
	return nil
}
