//go:build !purego

package sha256lanes

import (
	"crypto/fips140"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/klauspost/cpuid/v2"
)

// supported is false in the mode FIPS 140-3, which asks for Go's own module. AVX is for
// its instructions with three operands.
var supported = cpuid.CPU.Supports(cpuid.SHA, cpuid.AVX) && !fips140.Enabled()

// wide tells whether 16 messages at a time go by AVX-512, which takes half as long as two at
// a time.
var wide = supported && cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW)

const (
	wideLanes = 16
	// wideLeast is how many messages take as long two by two as in 16 lanes.
	wideLeast = 9

	blockSize = sha256.BlockSize
	// maxBlocks bounds a call to less than 0.1 ms: assembly can't be interrupted, and the
	// garbage collector waits for it.
	maxBlocks = 256
)

// hashValues are the words A to H, each of all lanes.
type hashValues [8][wideLanes]uint32

// pairOrder is how the SHA instructions want a hash value: F, E, B, A, H, G, D, C.
var pairOrder = [8]int{5, 4, 1, 0, 7, 6, 3, 2}

// initial is the hash value that SHA-256 begins with (FIPS 180-4, section 5.3.3).
var initial = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

// compressWide applies the compression function to as many blocks of 16 messages, at
// least one.
//
//go:noescape
func compressWide(values *hashValues, messages *[wideLanes]*byte, blocks int)

// compressPair does it with two messages, whose hash values are in pairOrder.
//
//go:noescape
func compressPair(values *[2][8]uint32, message0, message1 *byte, blocks int)

// compressOne does it with one message.
//
//go:noescape
func compressOne(value *[8]uint32, message *byte, blocks int)

// lane is the message that a lane has: its whole blocks come first, then its padded rest.
type lane struct {
	index  int  // of the message
	ending bool // in its rest
	size   int  // of the padded rest
	rest   [2 * blockSize]byte
}

// group is messages on their way, each in a lane of its own, and those that follow.
type group struct {
	sums     [][sha256.Size]byte
	messages [][]byte
	begun    int // of the messages
	busy     int // lanes
	lanes    [wideLanes]lane
	next     [wideLanes][]byte // blocks that each lane does next; none if it has no message
	values   hashValues
	heads    [wideLanes]*byte // of next, for compressWide
}

var groups = sync.Pool{New: func() any { return new(group) }}

// sumTogether is SumAll with several messages at a time. A lane whose message has ended
// takes the next one, so that messages of different lengths keep the lanes busy.
func sumTogether(sums [][sha256.Size]byte, messages [][]byte) {
	g := groups.Get().(*group)
	defer groups.Put(g)
	g.sums, g.messages, g.begun, g.busy = sums, messages, 0, 0
	for i := range g.lanes {
		g.begin(i)
	}
	for wide && g.busy > wideLeast {
		g.stepWide()
	}
	for g.busy > 0 {
		g.stepPair()
	}
	g.sums, g.messages = nil, nil
	clear(g.heads[:])
}

// begin gives a lane the next message, if there is one.
func (g *group) begin(i int) {
	if g.begun == len(g.messages) {
		return
	}
	message, l := g.messages[g.begun], &g.lanes[i]
	whole := len(message) / blockSize * blockSize
	l.index, l.ending, l.size = g.begun, false, pad(&l.rest, message[whole:], len(message))
	g.next[i] = message[:whole]
	for word, value := range initial {
		g.values[word][i] = value
	}
	g.begun++
	g.busy++
	if whole == 0 {
		g.advance(i)
	}
}

// skip goes on behind bytes that were compressed in a lane.
func (g *group) skip(i, size int) {
	if g.next[i] = g.next[i][size:]; len(g.next[i]) == 0 {
		g.advance(i)
	}
}

// advance goes on from a message's blocks to its rest, and from there to the next message.
func (g *group) advance(i int) {
	l := &g.lanes[i]
	if !l.ending {
		l.ending, g.next[i] = true, l.rest[:l.size]
		return
	}
	sum := &g.sums[l.index]
	for word := range g.values {
		binary.BigEndian.PutUint32(sum[4*word:], g.values[word][i])
	}
	g.busy--
	g.begin(i)
}

// stepWide goes on with all lanes until a message's blocks end. Lanes without a message do
// what the first one with a message does, and what comes out isn't used.
func (g *group) stepWide() {
	size := maxBlocks * blockSize
	some := &g.next[g.nextBusy(0)][0]
	for i, next := range g.next {
		if g.heads[i] = some; len(next) > 0 {
			g.heads[i], size = &next[0], min(size, len(next))
		}
	}
	compressWide(&g.values, &g.heads, size/blockSize)
	for i, next := range g.next {
		if len(next) > 0 {
			g.skip(i, size)
		}
	}
}

// stepPair goes on with the first two busy lanes, or with the only one.
func (g *group) stepPair() {
	first := g.nextBusy(0)
	next := g.next[first]
	size := min(maxBlocks*blockSize, len(next))
	var values [2][8]uint32
	g.load(&values[0], first)
	if g.busy == 1 {
		compressOne(&values[0], &next[0], size/blockSize)
		g.store(&values[0], first)
		g.skip(first, size)
		return
	}
	second := g.nextBusy(first + 1)
	other := g.next[second]
	size = min(size, len(other))
	g.load(&values[1], second)
	compressPair(&values, &next[0], &other[0], size/blockSize)
	g.store(&values[0], first)
	g.store(&values[1], second)
	g.skip(first, size)
	g.skip(second, size)
}

// nextBusy is the first lane from i on that has a message.
func (g *group) nextBusy(i int) int {
	for len(g.next[i]) == 0 {
		i++
	}
	return i
}

// load takes a lane's hash value in pairOrder.
func (g *group) load(value *[8]uint32, lane int) {
	for to, word := range pairOrder {
		value[to] = g.values[word][lane]
	}
}

// store is the opposite of load.
func (g *group) store(value *[8]uint32, lane int) {
	for from, word := range pairOrder {
		g.values[word][lane] = value[from]
	}
}

// pad makes the last blocks of a message of size bytes from the bytes that fill no block
// (FIPS 180-4, section 5.1.1), and returns how many bytes they take.
func pad(buffer *[2 * blockSize]byte, rest []byte, size int) int {
	const lengthSize = 8
	padded := blockSize
	if len(rest)+1+lengthSize > blockSize {
		padded = 2 * blockSize
	}
	used := copy(buffer[:], rest)
	buffer[used] = 0x80
	clear(buffer[used+1 : padded])
	binary.BigEndian.PutUint64(buffer[padded-lengthSize:], uint64(size)*8)
	return padded
}
