package store

import (
	"encoding/binary"
)

// Hashes and payments stand in indexes with random keys. Where those fall all over
// a large tree, every block costs pages of its own, and more with every level of
// the tree. So an index is cut into spans of heights: inserts stay within the
// last one, and a lookup asks each, the last one first.
const spanBits = 14 // 16,384 blocks: a lookup among a million blocks asks 62 times at most

// spanKey is how the keys of an ID begin: its span, big-endian, and the ID.
func spanKey(height int64, id []byte) []byte {
	key := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(id)+12), uint32(height>>spanBits))
	return append(key, id...)
}

// eachSpan calls f with a height of each span in which a stretch of a chain up to
// head has blocks, the last one first, until f is true, and reports whether it was.
func (s stretch) eachSpan(head int64, f func(height int64) bool) bool {
	for span := min(head, s.limit-1) >> spanBits; span >= s.first>>spanBits; span-- {
		if f(span << spanBits) {
			return true
		}
	}
	return false
}
