package miner

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// groupSize is the most CPUs in one of Windows's processor groups; CPU n is
// number n%64 of group n/64.
const groupSize = 64

// What a record of GetLogicalProcessorInformationEx describes.
const (
	relationCore   = 0
	relationSocket = 3
)

// Where the fields of a record are that describes a core or a socket:
// SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX with a PROCESSOR_RELATIONSHIP.
const (
	recordRelation   = 0  // uint32
	recordSize       = 4  // uint32, of the whole record
	recordEfficiency = 9  // uint8, greater for faster cores
	recordGroupCount = 30 // uint16
	recordGroups     = 32 // a mask of one word, a uint16 group and 6 bytes for each
)

// readRecords reads what Windows tells of its CPUs, in the byte order that it
// has everywhere; word is the size of a pointer in bytes.
func readRecords(records []byte, word int) topology {
	t := topology{}
	sockets := 0
	for len(records) >= recordGroups {
		size := int(binary.LittleEndian.Uint32(records[recordSize:]))
		if size < recordGroups || size > len(records) {
			break // damaged
		}
		record := records[:size]
		records = records[size:]
		cpus := groupCPUs(record, word)
		switch binary.LittleEndian.Uint32(record[recordRelation:]) {
		case relationCore:
			for _, cpu := range cpus {
				t[cpu] = site{core: cpus[0], socket: t[cpu].socket, capacity: int(record[recordEfficiency])}
			}
		case relationSocket:
			for _, cpu := range cpus {
				t[cpu] = site{core: t.at(cpu).core, socket: sockets, capacity: t[cpu].capacity}
			}
			sockets++
		}
	}
	return t
}

// groupCPUs are the CPUs of a record's masks.
func groupCPUs(record []byte, word int) (cpus []int) {
	groups := record[recordGroups:]
	for range binary.LittleEndian.Uint16(record[recordGroupCount:]) {
		if len(groups) < word+8 {
			return cpus // damaged
		}
		mask := uint64(binary.LittleEndian.Uint32(groups))
		if word == 8 {
			mask = binary.LittleEndian.Uint64(groups)
		}
		cpus = append(cpus, maskCPUs(mask, binary.LittleEndian.Uint16(groups[word:]))...)
		groups = groups[word+8:]
	}
	return cpus
}

// maskCPUs are the CPUs of a mask of one group.
func maskCPUs(mask uint64, group uint16) (cpus []int) {
	for ; mask != 0; mask &= mask - 1 {
		cpus = append(cpus, int(group)*groupSize+bits.TrailingZeros64(mask))
	}
	return cpus
}

// permittedByMask is the CPUs of the process's mask in its group. Windows has no
// mask for other groups: a process that may use all of its own may use those too.
func permittedByMask(t topology, mask uint64, group uint16) []int {
	own := maskCPUs(mask, group)
	var all []int
	for cpu := range t {
		if cpu/groupSize == int(group) && mask>>(cpu%groupSize)&1 == 0 {
			return own
		}
		all = append(all, cpu)
	}
	if len(all) == 0 {
		return own
	}
	slices.Sort(all)
	return all
}
