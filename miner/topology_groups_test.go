package miner

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"
)

// record is one of Windows's, with masks by group.
func record(word int, relation uint32, efficiency byte, groups ...map[uint16]uint64) []byte {
	var masks []byte
	for _, group := range groups {
		for number, mask := range group {
			masks = append(masks, binary.LittleEndian.AppendUint64(nil, mask)[:word]...)
			masks = append(binary.LittleEndian.AppendUint16(masks, number), make([]byte, 6)...)
		}
	}
	head := binary.LittleEndian.AppendUint32(nil, relation)
	head = binary.LittleEndian.AppendUint32(head, uint32(32+len(masks)))
	head = append(head, 1, efficiency)
	head = append(head, make([]byte, 20)...)
	return append(binary.LittleEndian.AppendUint16(head, uint16(len(groups))), masks...)
}

func TestReadRecords(t *testing.T) {
	for _, word := range []int{4, 8} {
		type groups = map[uint16]uint64
		cache := append(record(word, 2, 9, groups{0: 0xff}), 1, 2, 3, 4)
		cache[4] += 4
		records := slices.Concat(
			record(word, relationCore, 1, groups{0: 0b11}),
			cache, // of another kind and length
			record(word, relationSocket, 0, groups{0: 0b111}),
			record(word, relationCore, 0, groups{0: 0b100}),
			record(word, relationSocket, 0, groups{1: 1 << 31}, groups{2: 1}),
			record(word, relationCore, 1, groups{1: 1 << 31}),
		)
		want := topology{0: {0, 0, 1}, 1: {0, 0, 1}, 2: {2, 0, 0}, 95: {95, 1, 1}, 128: {128, 1, 0}}
		if got := readRecords(records, word); !maps.Equal(got, want) {
			t.Errorf("words of %d bytes: %v, want %v", word, got, want)
		}
	}
}

// TestReadDamagedRecords: what stands before the damage counts.
func TestReadDamagedRecords(t *testing.T) {
	good := record(8, relationCore, 0, map[uint16]uint64{0: 0b11})
	endless, long, greedy := slices.Clone(good), slices.Clone(good), slices.Clone(good)
	endless[recordSize], long[recordSize], greedy[recordGroupCount] = 0, 200, 200
	for name, test := range map[string]struct {
		records []byte
		want    topology
	}{
		"none":         {nil, topology{}},
		"cut":          {append(slices.Clone(good), good[:20]...), topology{0: {}, 1: {}}},
		"no length":    {slices.Concat(good, endless), topology{0: {}, 1: {}}},
		"past the end": {long, topology{}},
		"more masks":   {greedy, topology{0: {}, 1: {}}},
	} {
		if got := readRecords(test.records, 8); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestPermittedByMask(t *testing.T) {
	two := topology{0: {}, 1: {}, 63: {}, 64: {}, 129: {}}
	for name, test := range map[string]struct {
		t     topology
		mask  uint64
		group uint16
		want  []int
	}{
		"all of its group": {two, 1<<63 | 3, 0, []int{0, 1, 63, 64, 129}},
		"some":             {two, 1 << 63, 0, []int{63}},
		"another group":    {two, 1 << 1, 2, []int{0, 1, 63, 64, 129}},
		"nothing told":     {nil, 5, 1, []int{64, 66}},
	} {
		if got := permittedByMask(test.t, test.mask, test.group); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
