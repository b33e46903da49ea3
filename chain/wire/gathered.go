package wire

import (
	"lode/chain/sha256lanes"
)

// gatherBytes is how much text a Hasher gathers at most, but for the last message, before it
// hashes.
const gatherBytes = 256 << 10

// gathered are messages that are hashed together, and where their sums go.
type gathered struct {
	messages [][]byte
	targets  []*[32]byte
	sums     [][32]byte
}

// SealAll is Seal for several blocks, which is faster together. Their canonical JSON shares
// memory. proofs are what IsProof takes.
func (h *Hasher) SealAll(blocks []Block) (sealed []Sealed, proofs [][32]byte) {
	sealed, proofs = make([]Sealed, len(blocks)), make([][32]byte, len(blocks))
	for i, canonical := range canonicals(blocks) {
		b := blocks[i]
		payments := b.Payments()
		sealed[i] = Sealed{Block: b, Canonical: canonical, IDs: make([][32]byte, len(payments))}
		h.gather(&sealed[i].Sum, sealed[i].Canonical)
		h.gatherText(&proofs[i], b.appendProved)
		for j, t := range payments {
			h.gatherText(&sealed[i].IDs[j], t.appendFields)
		}
	}
	h.sumGathered()
	return sealed, proofs
}

// canonicals are the blocks' canonical JSON.
func canonicals(blocks []Block) [][]byte {
	room := 0
	for _, b := range blocks {
		room += roomFor(b.Transactions)
	}
	texts := make([]byte, 0, room)
	each := make([][]byte, len(blocks))
	for i, b := range blocks {
		start := len(texts)
		texts = b.AppendCanonical(texts)
		each[i] = texts[start:len(texts):len(texts)]
	}
	return each
}

// HashAll is Hash for several blocks, and their proofs as SealAll has them.
func (h *Hasher) HashAll(blocks []Block) (hashes []string, proofs [][32]byte) {
	sums := make([][32]byte, len(blocks))
	hashes, proofs = make([]string, len(blocks)), make([][32]byte, len(blocks))
	for i, b := range blocks {
		h.gatherText(&sums[i], b.AppendCanonical)
		h.gatherText(&proofs[i], b.appendProved)
	}
	h.sumGathered()
	for i, sum := range sums {
		hashes[i] = hexSum(sum)
	}
	return hashes, proofs
}

// gatherText takes a message that a function appends to the Hasher's own memory. When that
// moves, the messages before stay where they were.
func (h *Hasher) gatherText(sum *[32]byte, appendText func([]byte) []byte) {
	start := len(h.buffer)
	h.buffer = appendText(h.buffer)
	h.gather(sum, h.buffer[start:])
}

// gather takes a message, which mustn't change before sumGathered.
func (h *Hasher) gather(sum *[32]byte, message []byte) {
	h.messages, h.targets = append(h.messages, message), append(h.targets, sum)
	if len(h.buffer) >= gatherBytes {
		h.sumGathered()
	}
}

// sumGathered hashes what was gathered, and forgets it.
func (h *Hasher) sumGathered() {
	count := len(h.messages)
	h.sums = append(h.sums[:0], make([][32]byte, count)...)
	sha256lanes.SumAll(h.sums, h.messages)
	for i, target := range h.targets {
		*target = h.sums[i]
	}
	clear(h.messages)
	clear(h.targets)
	h.messages, h.targets, h.buffer = h.messages[:0], h.targets[:0], h.buffer[:0]
}
