package store

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// CheckItems checks the structure of a bbolt file that isn't a ledger, as
// OpenContext does that of one: every page belongs to one thing, every key is in
// order. It calls item with all that the buckets hold, from several goroutines at
// once; what item is given is valid during the call. Errors are fs.ErrNotExist,
// ErrForeign, ErrCorrupt, ErrLocked, ctx's or item's and name the file.
func CheckItems(ctx context.Context, path string, item func(bucket string, key, value []byte) error) error {
	err := guard(func() error {
		missing, err := isMissing(path)
		if err != nil {
			return err
		}
		if missing {
			return fs.ErrNotExist
		}
		return examine(path, func(in io.ReaderAt, size int64, pageSize int) error {
			return checkWith(ctx, in, size, pageSize, nil, func(c *checker) error { return c.eachItem(item) })
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (c *checker) eachItem(item func(bucket string, key, value []byte) error) error {
	for _, bucket := range slices.Sorted(maps.Keys(c.buckets)) {
		if _, err := c.each([]byte(bucket), func() visitor { return itemVisitor{bucket, item} }); err != nil {
			return err
		}
	}
	return nil
}

// itemVisitor calls a function with the items of a bucket.
type itemVisitor struct {
	bucket string
	item   func(bucket string, key, value []byte) error
}

func (v itemVisitor) visit(key, value []byte, isBucket bool) error {
	if isBucket {
		return errNested
	}
	return v.item(v.bucket, key, value)
}
