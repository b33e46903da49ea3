package device

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"lode/miner/gpu/protocol"
)

// fake is a Device that does in Go what scan.cl says, slowly. What goes wrong is set
// by its fields.
type fake struct {
	vector int

	mu       sync.Mutex // guards the fields below
	builds   []Variant
	launches int
	buffers  int // allocated and not freed
	wrong    func(best uint32) uint32
	build    error
	launch   func(number int) error
	entered  chan<- struct{} // told of each scan that is launched
	gate     <-chan struct{} // that scans wait for
}

func (f *fake) Info() protocol.Device {
	return protocol.Device{ID: "opencl:0:0", Backend: "opencl", Name: "fake", Kind: protocol.GPU, Units: 1}
}
func (f *fake) VectorLanes() int       { return max(1, f.vector) }
func (f *fake) NewLane() (Lane, error) { return &fakeLane{f}, nil }
func (f *fake) Close() error           { return nil }

func (f *fake) Build(v Variant) (Program, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.builds = append(f.builds, v)
	return v, f.build
}

type fakeLane struct{ device *fake }

type fakeBuffer struct{ words []uint32 }

func (l *fakeLane) count(by int) {
	l.device.mu.Lock()
	defer l.device.mu.Unlock()
	l.device.buffers += by
}

func (l *fakeLane) Alloc(words int) (Buffer, error) {
	l.count(1)
	return &fakeBuffer{make([]uint32, words)}, nil
}
func (l *fakeLane) Free(Buffer)  { l.count(-1) }
func (l *fakeLane) Close() error { return nil }

func (l *fakeLane) Write(to Buffer, words []uint32) error {
	copy(to.(*fakeBuffer).words, words)
	return nil
}

func (l *fakeLane) Read(from Buffer, words []uint32) error {
	copy(words, from.(*fakeBuffer).words)
	return nil
}

func (l *fakeLane) Launch(p Program, items, _ int, arguments ...any) error {
	numbers := make([]uint32, len(arguments))
	buffers := make([][]uint32, len(arguments))
	for i, argument := range arguments {
		switch value := argument.(type) {
		case uint32:
			numbers[i] = value
		case *fakeBuffer:
			buffers[i] = value.words
		}
	}
	v := p.(Variant)
	if v.Kernel == Enter {
		for item := range items * v.Lanes {
			fakeEnter(buffers[0], buffers[1], item, numbers[2:])
		}
		return nil
	}
	if err := l.begin(); err != nil {
		return err
	}
	for item := range items {
		fakeScan(v, buffers[0], buffers[1], buffers[2], item, numbers[3:])
	}
	if l.device.wrong != nil {
		buffers[2][0] = l.device.wrong(buffers[2][0])
	}
	return nil
}

func (l *fakeLane) begin() error {
	l.device.mu.Lock()
	l.device.launches++
	number, launch, entered, gate := l.device.launches, l.device.launch, l.device.entered, l.device.gate
	l.device.mu.Unlock()
	if entered != nil {
		entered <- struct{}{}
	}
	if gate != nil {
		<-gate
	}
	if launch != nil {
		return launch(number)
	}
	return nil
}

// fakeEnter is enter of scan.cl for one outer number.
func fakeEnter(work, states []uint32, item int, arguments []uint32) {
	stride, outerDigits, blocks, hasWords := int(arguments[0]), int(arguments[3]), int(arguments[4]), arguments[5] != 0
	outer := uint64(arguments[2])<<32 + uint64(arguments[1]) + uint64(item)
	digits := make([]uint32, 256)
	for i := outerDigits; i > 0; i-- {
		digits[i] = uint32(outer % 10)
		outer /= 10
	}
	hash, rest := [8]uint32(work), work[8:]
	word := func(block, t int) uint32 {
		base, places := rest[32*block+2*t], rest[32*block+2*t+1]
		for at := 0; at < 32; at += 8 {
			base += digits[places>>at&255] << at
		}
		return base
	}
	for block := range blocks {
		var words [16]uint32
		for t := range words {
			words[t] = word(block, t)
		}
		hash = compressed(hash, words)
	}
	for i, h := range hash {
		states[i*stride+item] = h
	}
	for t := 0; hasWords && t < 16; t++ {
		states[(8+t)*stride+item] = word(blocks, t)
	}
}

// fakeScan is scan_word and scan_table of scan.cl for one work item.
func fakeScan(v Variant, states, table, best []uint32, item int, arguments []uint32) {
	stride, values, chunk := int(arguments[0]), int(arguments[1]), int(arguments[2])
	limit, begin, end := arguments[3], arguments[4], arguments[5]
	groups := stride / v.Lanes
	from := item / groups * chunk
	for lane := range v.Lanes {
		outer := item%groups*v.Lanes + lane
		var state [8]uint32
		for i := range state {
			state[i] = states[i*stride+outer]
		}
		for value := from; value < min(from+chunk, values); value++ {
			index := uint32(outer*values + value)
			if index < begin || index >= min(end, best[0]) {
				continue
			}
			if fakeFirstWord(v, state, func(t int) uint32 { return states[(8+t)*stride+outer] }, table, value) <= limit {
				best[0] = index
			}
		}
	}
}

func fakeFirstWord(v Variant, state [8]uint32, word func(int) uint32, table []uint32, value int) uint32 {
	var words [16]uint32
	if v.Kernel == ScanWord {
		for t := range words {
			words[t] = word(t)
		}
		words[v.Word] += table[value]
	} else {
		// The block's own words are in the table's first rounds.
		for t := range words {
			words[t] = table[64*value+t] - roundConstants[t]
		}
	}
	return compressed(state, words)[0]
}

// roundConstants are the first of FIPS 180-4, 4.2.2.
var roundConstants = [16]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
}

// compressed is crypto/sha256's compression of one block.
func compressed(state [8]uint32, words [16]uint32) [8]uint32 {
	digest := sha256.New()
	saved := []byte("sha\x03")
	for _, word := range state {
		saved = binary.BigEndian.AppendUint32(saved, word)
	}
	saved = append(saved, make([]byte, 64+8)...)
	if err := digest.(encoding.BinaryUnmarshaler).UnmarshalBinary(saved); err != nil {
		panic(fmt.Sprint("crypto/sha256 keeps its state in another way: ", err))
	}
	for _, word := range words {
		digest.Write(binary.BigEndian.AppendUint32(nil, word))
	}
	after, err := digest.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err)
	}
	for i := range state {
		state[i] = binary.BigEndian.Uint32(after[4+4*i:])
	}
	return state
}

var errFake = errors.New("the fake device breaks")
