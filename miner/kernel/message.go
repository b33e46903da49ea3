package kernel

import "encoding/binary"

// maxBlocks is how many blocks the digits and the padding can reach over.
const maxBlocks = 4

// message is the rest of the hashed message behind the midstate, with the
// padding of FIPS 180-4, section 5.1.1.
type message struct {
	bytes [maxBlocks * blockSize]byte
	size  int // a multiple of blockSize
	end   int // of the digits

	varying int
	at      [MaxDigits]uint8 // where the digits that vary are
}

func (m *message) init(w *Work) {
	d := w.Digits
	m.end = copy(m.bytes[:], w.start.tail)
	m.vary(d.High)
	m.end += copy(m.bytes[m.end:], d.Middle)
	m.vary(d.Low)
	m.size = blockSize * w.Layout().Blocks
	m.bytes[m.end] = 0x80
	bits := 8 * (w.bytes + uint64(d.Size()))
	binary.BigEndian.PutUint64(m.bytes[m.size-8:m.size], bits)
}

func (m *message) vary(digits int) {
	for range digits {
		m.bytes[m.end] = '0'
		m.at[m.varying] = uint8(m.end)
		m.varying++
		m.end++
	}
}

// set writes a candidate into the digits.
func (m *message) set(candidate uint64) {
	for i := m.varying - 1; i >= 0; i-- {
		m.bytes[m.at[i]] = '0' + byte(candidate%10)
		candidate /= 10
	}
}

// increment goes to the next candidate and tells where the first digit is that
// changed. Nothing lies beyond the last candidate; it wraps to zero.
func (m *message) increment() int {
	for i := m.varying - 1; i >= 0; i-- {
		digit := &m.bytes[m.at[i]]
		if *digit != '9' {
			*digit++
			return int(m.at[i])
		}
		*digit = '0'
	}
	return 0
}

// last is the last block.
func (m *message) last() *[blockSize]byte { return m.block(m.size - blockSize) }

// block is the one that begins there.
func (m *message) block(at int) *[blockSize]byte { return (*[blockSize]byte)(m.bytes[at:]) }

// words are those of the block that begins there.
func (m *message) words(at int) (words [16]uint32) {
	for t := range words {
		words[t] = binary.BigEndian.Uint32(m.bytes[at+4*t:])
	}
	return words
}

// lastWords are those of the last block.
func (m *message) lastWords() [16]uint32 { return m.words(m.size - blockSize) }
