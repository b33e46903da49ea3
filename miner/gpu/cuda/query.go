package cuda

import (
	"bytes"
	"fmt"
	"strings"

	"lode/miner/gpu/protocol"
)

// What is asked of devices; the values are those of the specification.
const (
	attributeUnits       = 16
	attributeComputeMode = 20
	attributeMajor       = 75
	attributeMinor       = 76

	computeModeProhibited = 2
)

// leastMajor is the compute capability that the PTX is made for.
const leastMajor = 7

// vendor is who makes all devices, named as through OpenCL.
const vendor = "NVIDIA Corporation"

// describe is what is known of a device.
func (l *library) describe(number int, d deviceID) protocol.Device {
	var memory uintptr
	_ = l.DeviceTotalMem(&memory, d) // what can't be told is left out
	return protocol.Device{
		ID: fmt.Sprintf("%s:%d", Name, number), Backend: Name, Name: deviceText(l.DeviceGetName, d), Vendor: vendor,
		Driver: l.version(), Kind: protocol.GPU, MemoryBytes: uint64(memory), Units: max(0, l.attribute(d, attributeUnits)),
		PCI: strings.ToLower(deviceText(l.DeviceGetPCIBusID, d)), Problem: l.problem(d),
	}
}

// deviceText asks for a text; empty if there is none.
func deviceText(ask func(text *byte, size int32, d deviceID) status, d deviceID) string {
	room := make([]byte, 256)
	if ask(&room[0], int32(len(room)), d) != success {
		return ""
	}
	text, _, _ := bytes.Cut(room, []byte{0})
	return string(bytes.TrimSpace(text))
}

// attribute is -1 if the driver doesn't tell it.
func (l *library) attribute(d deviceID, which int32) int {
	var value int32
	if l.DeviceGetAttribute(&value, which, d) != success {
		return -1
	}
	return int(value)
}

func (l *library) problem(d deviceID) string {
	if major := l.attribute(d, attributeMajor); major >= 0 && major < leastMajor {
		return fmt.Sprintf("its compute capability is %d.%d, and the kernels need %d.0 (2017: Volta, Turing) or later; try it through OpenCL",
			major, l.attribute(d, attributeMinor), leastMajor)
	}
	if l.attribute(d, attributeComputeMode) == computeModeProhibited {
		return "its compute mode forbids programs: nvidia-smi --compute-mode=0 allows them"
	}
	return ""
}
