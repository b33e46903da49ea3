package store

import (
	"encoding/binary"
	"fmt"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// Blocks that come one by one are a value each. Those that come together are put
// into chunks, since bbolt writes each of its pages by a call of its own, and leaves
// the rest of one empty that has no room for a whole block: a file takes a quarter
// less. A value stands under the height of its last block, and is either the block's
// canonical JSON or a chunk:
//
//	chunkMark, 1 byte
//	how many blocks, 4 bytes
//	where the JSON of each ends, 4 bytes for each
//	their JSON, one behind the other
//
// Numbers are big-endian. Nothing else is in it, so that the blocks' hashes protect
// all of it.
const (
	chunkMark   = 1 // JSON begins with a brace
	chunkHeader = 5
	chunkEnd    = 4
)

// chunkBytes is how much JSON a chunk has at most, if it has more than one block. A
// leaf holds two chunks at least, and to append behind them writes them again.
const chunkBytes = 32 << 10

// chunk is the blocks of a value.
type chunk struct {
	last, count int64 // height and number
	ends, texts []byte
}

// parseChunk reads a value. It looks at nothing but the header; text looks at what
// it needs.
func parseChunk(key, value []byte) (chunk, error) {
	last, err := numberOf(key)
	if err != nil {
		return chunk{}, err
	}
	if len(value) == 0 || value[0] != chunkMark {
		return chunk{last: last, count: 1, texts: value}, nil
	}
	if len(value) < chunkHeader {
		return chunk{}, cutChunk(last)
	}
	c := chunk{last: last, count: int64(binary.BigEndian.Uint32(value[1:]))}
	rest := value[chunkHeader:]
	if c.count == 0 || c.count > last+1 || c.count > int64(len(rest)/chunkEnd) {
		return chunk{}, cutChunk(last)
	}
	c.ends, c.texts = rest[:c.count*chunkEnd], rest[c.count*chunkEnd:]
	if c.end(c.count-1) != int64(len(c.texts)) {
		return chunk{}, cutChunk(last)
	}
	return c, nil
}

func cutChunk(last int64) error {
	return fmt.Errorf("%w: block %d: its chunk is not as long as it says", ErrCorrupt, last)
}

func (c chunk) first() int64 { return c.last - c.count + 1 }

// end is where the JSON of a block ends.
func (c chunk) end(i int64) int64 {
	return int64(binary.BigEndian.Uint32(c.ends[i*chunkEnd:]))
}

// text is the canonical JSON of the block at a height, which the chunk has.
func (c chunk) text(height int64) ([]byte, error) {
	if c.ends == nil {
		return c.texts, nil
	}
	i, start := height-c.first(), int64(0)
	if i > 0 {
		start = c.end(i - 1)
	}
	end := c.end(i)
	if start > end || end > int64(len(c.texts)) {
		return nil, cutChunk(c.last)
	}
	return c.texts[start:end], nil
}

// until is the JSON of the blocks up to a height.
func (c chunk) until(height int64) (texts [][]byte, err error) {
	for at := c.first(); at <= height; at++ {
		text, err := c.text(at)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// valueOf makes the value of some blocks' JSON: of one, that itself, and of more a chunk, in
// the memory of dst as far as there is some.
func valueOf(dst []byte, texts [][]byte) []byte {
	if len(texts) == 1 {
		return texts[0]
	}
	dst = append(dst[:0], chunkMark)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(texts)))
	end := 0
	for _, text := range texts {
		end += len(text)
		dst = binary.BigEndian.AppendUint32(dst, uint32(end))
	}
	for _, text := range texts {
		dst = append(dst, text...)
	}
	return dst
}

// chunkMemory is for chunks that no transaction needs any more.
var chunkMemory = sync.Pool{New: func() any {
	memory := make([]byte, 0, chunkBytes+chunkBytes/16) // with the ends of short blocks
	return &memory
}}

// takeMemory is memory for a chunk, which bbolt reads until the transaction ends.
func (w *writer) takeMemory() []byte {
	memory := chunkMemory.Get().(*[]byte)
	w.chunks = append(w.chunks, memory)
	return *memory
}

// release is for when the transaction has ended.
func (w *writer) release() {
	for _, memory := range w.chunks {
		chunkMemory.Put(memory)
	}
	w.chunks = nil
}

// chunkWriter puts consecutive blocks into a bucket.
type chunkWriter struct {
	*writer
	to    *bolt.Bucket
	last  int64    // height of the last block
	texts [][]byte // of those that aren't in the bucket yet
	size  int      // of the texts
}

// add takes the next block; flush must follow the last one.
func (w *chunkWriter) add(height int64, text []byte) error {
	if len(w.texts) > 0 && w.size+len(text) > chunkBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.last, w.texts, w.size = height, append(w.texts, text), w.size+len(text)
	return nil
}

func (w *chunkWriter) flush() error {
	if len(w.texts) == 0 {
		return nil
	}
	var memory []byte
	if len(w.texts) > 1 {
		memory = w.takeMemory()
	}
	value := valueOf(memory, w.texts)
	w.texts, w.size = w.texts[:0], 0
	return w.to.Put(numberKey(w.last), value)
}

// chunkAt is the chunk with the block at a height. One that isn't there is
// fs.ErrNotExist.
func chunkAt(blocks *bolt.Bucket, height int64) (chunk, error) {
	if height < 0 {
		return chunk{}, absent(height)
	}
	key, value := blocks.Cursor().Seek(numberKey(height))
	if key == nil {
		return chunk{}, absent(height)
	}
	c, err := parseChunk(key, value)
	if err == nil && height < c.first() {
		err = absent(height)
	}
	return c, err
}

// textAt is the canonical JSON of the block at a height, valid as long as the
// transaction. One that isn't there is fs.ErrNotExist.
func textAt(blocks *bolt.Bucket, height int64) ([]byte, error) {
	c, err := chunkAt(blocks, height)
	if err != nil {
		return nil, err
	}
	return c.text(height)
}

// eachChunkDown calls f with the chunks, the last one first, as long as f is true.
func eachChunkDown(blocks *bolt.Bucket, f func(chunk) bool) error {
	cursor := blocks.Cursor()
	for key, value := cursor.Last(); key != nil; key, value = cursor.Prev() {
		c, err := parseChunk(key, value)
		if err != nil {
			return err
		}
		if !f(c) {
			break
		}
	}
	return nil
}
