package opencl

import (
	"bytes"
	"fmt"
	"unsafe"

	"lode/miner/gpu/protocol"
)

// What is asked of platforms and devices; the values are those of the specification
// and of the extensions cl_khr_pci_bus_info and cl_nv_device_attribute_query.
const (
	platformName = 0x0902

	deviceType              = 0x1000
	deviceUnits             = 0x1002
	deviceGroupSize         = 0x1004
	deviceMemory            = 0x101F
	deviceAvailable         = 0x1027
	deviceCompilerAvailable = 0x1028
	deviceName              = 0x102B
	deviceVendor            = 0x102C
	driverVersion           = 0x102D
	deviceIntegerLanes      = 0x1038
	devicePCI               = 0x410F
	devicePCIBusNvidia      = 0x4008
	devicePCISlotNvidia     = 0x4009

	typeCPU         = 1 << 1
	typeGPU         = 1 << 2
	typeAll         = 0xFFFFFFFF
	programBuildLog = 0x1183
)

// text asks for a string; empty if there is none.
func text(ask func(size uintptr, value unsafe.Pointer, written *uintptr) status) string {
	var size uintptr
	if ask(0, nil, &size) != success || size == 0 {
		return ""
	}
	value := make([]byte, size)
	if ask(size, unsafe.Pointer(&value[0]), nil) != success {
		return ""
	}
	value, _, _ = bytes.Cut(value, []byte{0})
	return string(bytes.TrimSpace(value))
}

func (l *library) deviceText(d deviceID, name uint32) string {
	return text(func(size uintptr, value unsafe.Pointer, written *uintptr) status {
		return l.GetDeviceInfo(d, name, size, value, written)
	})
}

// deviceValue asks for a value of a type that the specification gives it; false if
// the device has none.
func deviceValue[T uint32 | uint64 | [4]uint32](l *library, d deviceID, name uint32) (value T, ok bool) {
	s := l.GetDeviceInfo(d, name, unsafe.Sizeof(value), unsafe.Pointer(&value), nil)
	return value, s == success
}

// describe is what is known of a device.
func (l *library) describe(id string, d deviceID) protocol.Device {
	memory, _ := deviceValue[uint64](l, d, deviceMemory)
	units, _ := deviceValue[uint32](l, d, deviceUnits)
	return protocol.Device{
		ID: id, Backend: Name, Name: l.deviceText(d, deviceName), Vendor: l.deviceText(d, deviceVendor),
		Driver: l.deviceText(d, driverVersion), Kind: l.kind(d), MemoryBytes: memory, Units: int(units),
		PCI: l.pci(d), Problem: l.problem(d),
	}
}

func (l *library) kind(d deviceID) string {
	kinds, _ := deviceValue[uint64](l, d, deviceType)
	switch {
	case kinds&typeGPU != 0:
		return protocol.GPU
	case kinds&typeCPU != 0:
		return protocol.CPU
	}
	return protocol.Accelerator
}

// pci is a device's address on the bus, as far as it tells.
func (l *library) pci(d deviceID) string {
	if at, ok := deviceValue[[4]uint32](l, d, devicePCI); ok {
		return fmt.Sprintf("%04x:%02x:%02x.%x", at[0], at[1], at[2], at[3])
	}
	bus, hasBus := deviceValue[uint32](l, d, devicePCIBusNvidia)
	slot, hasSlot := deviceValue[uint32](l, d, devicePCISlotNvidia)
	if !hasBus || !hasSlot {
		return ""
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", 0, bus, slot>>3, slot&7)
}

func (l *library) problem(d deviceID) string {
	if available, ok := deviceValue[uint32](l, d, deviceAvailable); ok && available == 0 {
		return "the driver says that it isn't available"
	}
	if compiler, ok := deviceValue[uint32](l, d, deviceCompilerAvailable); ok && compiler == 0 {
		return "its driver has no compiler"
	}
	return ""
}
