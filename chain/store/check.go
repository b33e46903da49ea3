package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// checker checks a file's structure and contents in one pass over its pages.
// The leaves' share of the work is done on all CPUs.
type checker struct {
	file     *pageFile
	ctx      context.Context // the check's own: it lives as long as one call of check
	walkers  chan *walker    // those that have nothing to do
	progress func(done, total int64)
	buckets  map[string][]byte // by name: the value that stands for the bucket
	records  map[string][]byte // of meta: those that the check needs, nil if they are missing
	total    uint64            // the sum of the records' checksums, as far as they have been seen
}

// check checks all of a file of so many bytes. progress, if it isn't nil, is
// called now and then, never twice at once, with how many bytes are done.
func check(ctx context.Context, in io.ReaderAt, size int64, pageSize int, progress func(done, total int64)) error {
	return checkWith(ctx, in, size, pageSize, progress, func(c *checker) error {
		if err := c.checkBuckets(); err != nil {
			return err
		}
		return c.checkContents()
	})
}

// checkWith checks a file's structure, and what its buckets hold with contents.
func checkWith(ctx context.Context, in io.ReaderAt, size int64, pageSize int, progress func(done, total int64),
	contents func(*checker) error) error {
	metas, err := readMetas(in, pageSize)
	if err != nil {
		return damaged(err)
	}
	meta := metas.newest()
	if meta.pages > uint64(size)/uint64(pageSize) {
		return damaged(fmt.Errorf("the file was cut: %d bytes are there, and %d pages of %d should be", size, meta.pages, pageSize))
	}
	c := makeChecker(ctx, newPageFile(in, pageSize, meta.pages), progress)
	if err := c.file.claim(0, 2); err != nil { // the two meta pages
		return damaged(err)
	}
	if err := c.readBuckets(meta.root); err != nil {
		return err
	}
	if err := contents(c); err != nil {
		return err
	}
	if meta.free == noFreelist {
		return nil // bbolt makes a list when it opens the file
	}
	if err := c.file.checkFree(meta.free); err != nil {
		return damaged(err)
	}
	c.report()
	return damaged(c.file.checkAllUsed())
}

func makeChecker(ctx context.Context, file *pageFile, progress func(done, total int64)) *checker {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	c := &checker{file: file, ctx: ctx, progress: progress, walkers: make(chan *walker, runtime.GOMAXPROCS(0))}
	for range cap(c.walkers) {
		c.walkers <- &walker{file: file}
	}
	return c
}

// damaged makes an error ErrCorrupt unless it is of another kind already.
func damaged(err error) error {
	if err == nil || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrForeign) || isSystemError(err) || isCancelled(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

func isCancelled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// report tells how far the check is.
func (c *checker) report() {
	c.progress(c.file.claimed.Load()*int64(c.file.pageSize), int64(c.file.pages)*int64(c.file.pageSize))
}

// readBuckets reads the list of buckets.
func (c *checker) readBuckets(root uint64) error {
	list := bucketList{}
	w := walker{file: c.file, items: list}
	if err := w.walk(c.ctx, root, span{}, 0); err != nil {
		return damaged(err)
	}
	c.buckets = list
	return nil
}

// checkBuckets checks that the buckets are ours, whichever program made them.
func (c *checker) checkBuckets() error {
	needed, optional := buckets(), [][]byte{}
	switch {
	case c.isFormer():
		if c.has(branchBlocksBucket) {
			return fmt.Errorf("%w: an earlier version was about to swap branches; start that version once more, then this one", ErrForeign)
		}
		needed, optional = formerBuckets(), [][]byte{formerPaymentsBucket} // which the first format hasn't
	case c.has(branchBlocksBucket):
		needed = append(needed, branchBuckets()...)
	}
	for _, name := range needed {
		if !c.has(name) {
			return noBucket(name)
		}
	}
	there := len(needed)
	for _, name := range optional {
		if c.has(name) {
			there++
		}
	}
	if len(c.buckets) != there {
		return fmt.Errorf("%w: it has a bucket that this program doesn't make", ErrForeign)
	}
	return nil
}

func (c *checker) has(bucket []byte) bool { return c.buckets[string(bucket)] != nil }

func noBucket(name []byte) error { return fmt.Errorf("%w: it has no bucket %q", ErrForeign, name) }

// bucketList collects the buckets of a file by their names.
type bucketList map[string][]byte

func (l bucketList) visit(name, value []byte, isBucket bool) error {
	if !isBucket || len(value) < bucketHeader {
		return fmt.Errorf("%.40q is no bucket", name)
	}
	l[string(name)] = slices.Clone(value)
	return nil
}

// rootOf is a bucket's root page, 0 if the bucket is within the list.
func (c *checker) rootOf(bucket []byte) uint64 {
	return binary.NativeEndian.Uint64(c.buckets[string(bucket)])
}

// part is what one goroutine checks of a bucket.
type part struct {
	items visitor
	err   error
}

// each shows a bucket's items to visitors, each of which sees a part, and
// returns them in the order of the keys. What they may look at together they
// must look at afterwards. The error is that of the first part with one.
func (c *checker) each(bucket []byte, newVisitor func() visitor) ([]visitor, error) {
	var group errgroup.Group
	group.SetLimit(cap(c.walkers))
	var parts []*part
	var failed atomic.Bool // parts behind need no look any more
	handOver := func(root uint64, bounds span) error {
		if failed.Load() {
			return errAbandoned
		}
		p := &part{items: newVisitor()}
		parts = append(parts, p)
		bounds = bounds.clone()
		group.Go(func() error { // ends before each does
			if p.err = c.walkPart(root, bounds, p.items); p.err != nil {
				failed.Store(true)
			}
			return nil
		})
		c.report()
		return nil
	}
	err := c.split(bucket, handOver, func(inline page) error {
		p := &part{items: newVisitor()}
		parts = append(parts, p)
		return inline.eachItem(span{}, p.items.visit)
	})
	_ = group.Wait() // the parts have their errors
	visitors := make([]visitor, len(parts))
	for i, p := range parts {
		if p.err != nil {
			return nil, fmt.Errorf("%s: %w", bucket, damaged(p.err))
		}
		visitors[i] = p.items
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", bucket, damaged(err))
	}
	return visitors, nil
}

// errAbandoned ends a walk when another goroutine has found an error.
var errAbandoned = errors.New("another part is damaged")

// split hands over a bucket's tree in parts of one branch with its leaves, or
// the page of a bucket within the list.
func (c *checker) split(bucket []byte, handOver func(uint64, span) error, inline func(page) error) error {
	root := c.rootOf(bucket)
	if root == 0 {
		p, err := c.inline(bucket)
		if err != nil {
			return err
		}
		return inline(p)
	}
	w := walker{file: c.file, depth: max(0, c.file.height(root)-2), handOver: handOver}
	return w.walk(c.ctx, root, span{}, 0)
}

// inline is the one page of a bucket that is within the list, as bbolt keeps
// small ones.
func (c *checker) inline(bucket []byte) (page, error) {
	p := page(c.buckets[string(bucket)][bucketHeader:])
	if len(p) < pageHeader || p.kind() != leafPage {
		return nil, errors.New("a bucket without a leaf")
	}
	return p, nil
}

// walkPart checks a subtree with one of the walkers.
func (c *checker) walkPart(root uint64, bounds span, items visitor) error {
	w := <-c.walkers
	defer func() { c.walkers <- w }()
	w.items = items
	return guard(func() error { return w.walk(c.ctx, root, bounds, 0) })
}
