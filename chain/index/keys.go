package index

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"lode/chain/store"
	"lode/chain/wire"
)

// prefix is the first 64 bits of a transaction's ID, or of the SHA-256 of an
// address. Who wants two addresses with one can make them, and gains nothing: what
// a prefix finds is compared with what was asked for.
type prefix uint64

func prefixOf(sum [sha256.Size]byte) prefix { return prefix(binary.BigEndian.Uint64(sum[:])) }

func addressPrefix(address string) prefix { return prefixOf(sha256.Sum256([]byte(address))) }

// spanBits is how many heights share the beginning of a key, as in chain/store and
// for its reasons: keys begin at random, and inserts into one large tree cost a
// page each, while those into the last span's tree stay within it.
const spanBits = 14

// keySize is that of a key: the span (4 bytes), the prefix (8), and the height
// within the span (2), all big-endian. So the keys of a prefix rise with the
// heights within a span.
const keySize = 14

const maxHeight = 1<<(32+spanBits) - 1

func appendKey(dst []byte, p prefix, height int64) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(height>>spanBits))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p))
	return binary.BigEndian.AppendUint16(dst, uint16(height&(1<<spanBits-1)))
}

// heightOf is the height of a key.
func heightOf(key []byte) int64 {
	return int64(binary.BigEndian.Uint32(key))<<spanBits | int64(binary.BigEndian.Uint16(key[keySize-2:]))
}

// posting says that a prefix stands at a position of a block.
type posting struct {
	prefix   prefix
	position int
}

// postings are those of a block's transactions and addresses, sorted. A payment to
// oneself has one address. The sender of a reward is none.
func postings(b wire.Block) (transactions, addresses []posting) {
	for i, t := range b.Transactions {
		transactions = append(transactions, posting{prefixOf(t.ID()), i})
		addresses = append(addresses, posting{addressPrefix(t.Recipient), i})
		if t.Sender != wire.RewardSender && t.Sender != t.Recipient {
			addresses = append(addresses, posting{addressPrefix(t.Sender), i})
		}
	}
	return sorted(transactions), sorted(addresses)
}

func sorted(list []posting) []posting {
	slices.SortFunc(list, func(a, b posting) int {
		return cmp.Or(cmp.Compare(a.prefix, b.prefix), cmp.Compare(a.position, b.position))
	})
	return slices.Compact(list)
}

// item is what stands under a key: the positions as the differences between them.
type item struct{ key, value []byte }

// items are a block's postings, those of a prefix together.
func items(dst []item, height int64, sorted []posting) []item {
	for len(sorted) > 0 {
		p := sorted[0].prefix
		it := item{key: appendKey(make([]byte, 0, keySize), p, height)}
		last := 0
		for len(sorted) > 0 && sorted[0].prefix == p {
			it.value = binary.AppendUvarint(it.value, uint64(sorted[0].position-last))
			last, sorted = sorted[0].position, sorted[1:]
		}
		dst = append(dst, it)
	}
	return dst
}

// positions reads an item's value.
func positions(value []byte) (list []int, err error) {
	position := uint64(0)
	for len(value) > 0 {
		difference, size := binary.Uvarint(value)
		position += difference
		if size <= 0 || position > 1<<31 {
			return nil, fmt.Errorf("%w: positions %x", store.ErrCorrupt, value)
		}
		list, value = append(list, int(position)), value[size:]
	}
	return list, nil
}

// record is what the index keeps of a block: its hash, and which keys it has
// written, so that they can be deleted when the block is no part of the chain any
// more, and of no ledger.
type record struct {
	hash         [sha256.Size]byte
	transactions []prefix
	addresses    []prefix
}

func newRecord(hash [sha256.Size]byte, transactions, addresses []posting) record {
	return record{hash, distinct(transactions), distinct(addresses)}
}

// distinct are the prefixes of sorted postings.
func distinct(sorted []posting) (list []prefix) {
	for i, p := range sorted {
		if i == 0 || p.prefix != sorted[i-1].prefix {
			list = append(list, p.prefix)
		}
	}
	return list
}

// encode is the hash, the number of transactions' prefixes, those, and those of
// the addresses.
func (r record) encode() []byte {
	dst := make([]byte, 0, len(r.hash)+binary.MaxVarintLen64+8*(len(r.transactions)+len(r.addresses)))
	dst = append(dst, r.hash[:]...)
	dst = binary.AppendUvarint(dst, uint64(len(r.transactions)))
	for _, list := range [][]prefix{r.transactions, r.addresses} {
		for _, p := range list {
			dst = binary.BigEndian.AppendUint64(dst, uint64(p))
		}
	}
	return dst
}

func decodeRecord(value []byte) (r record, err error) {
	cut := fmt.Errorf("%w: the record of a block is cut", store.ErrCorrupt)
	if len(value) < len(r.hash) {
		return record{}, cut
	}
	copy(r.hash[:], value)
	value = value[len(r.hash):]
	count, size := binary.Uvarint(value)
	if size <= 0 || count > uint64(len(value)) || (len(value)-size)%8 != 0 || 8*int(count) > len(value)-size {
		return record{}, cut
	}
	value = value[size:]
	for i := range len(value) / 8 {
		p := prefix(binary.BigEndian.Uint64(value[8*i:]))
		if i < int(count) {
			r.transactions = append(r.transactions, p)
		} else {
			r.addresses = append(r.addresses, p)
		}
	}
	return r, nil
}
