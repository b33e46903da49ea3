// Package cuda runs kernels on NVIDIA's GPUs through CUDA's driver API, whose library is
// part of the driver and loaded at run time, without cgo. The kernels are PTX, which the
// driver compiles for the GPU that is there.
package cuda

import "unsafe"

// Handles of objects of the library.
type (
	deviceID   int32
	contextID  uintptr
	moduleID   uintptr
	functionID uintptr
	streamID   uintptr
	address    uint64 // of memory on a device
)

// status is what the library's functions return: zero or an error.
type status int32

// library has the functions that are used, named as in the specification without "cu".
// Where the tag names another one, that is the function which the specification's name
// has stood for since CUDA 11.
type library struct {
	Init             func(flags uint32) status
	DriverGetVersion func(version *int32) status
	GetErrorName     func(s status, text **byte) status
	GetErrorString   func(s status, text **byte) status

	DeviceGetCount     func(count *int32) status
	DeviceGet          func(d *deviceID, ordinal int32) status
	DeviceGetName      func(text *byte, size int32, d deviceID) status
	DeviceGetAttribute func(value *int32, attribute int32, d deviceID) status
	DeviceTotalMem     func(bytes *uintptr, d deviceID) status         `symbol:"DeviceTotalMem_v2"`
	DeviceGetPCIBusID  func(text *byte, size int32, d deviceID) status `symbol:"DeviceGetPCIBusId"`

	PrimaryContextRetain   func(c *contextID, d deviceID) status `symbol:"DevicePrimaryCtxRetain"`
	PrimaryContextRelease  func(d deviceID) status               `symbol:"DevicePrimaryCtxRelease_v2"`
	PrimaryContextSetFlags func(d deviceID, flags uint32) status `symbol:"DevicePrimaryCtxSetFlags_v2"`
	ContextSetCurrent      func(c contextID) status              `symbol:"CtxSetCurrent"`

	ModuleLoadData    func(m *moduleID, image unsafe.Pointer, count uint32, options *int32, values *uintptr) status `symbol:"ModuleLoadDataEx"`
	ModuleUnload      func(m moduleID) status
	ModuleGetFunction func(f *functionID, m moduleID, name string) status

	StreamCreate      func(s *streamID, flags uint32) status
	StreamSynchronize func(s streamID) status
	StreamDestroy     func(s streamID) status `symbol:"StreamDestroy_v2"`

	MemoryAlloc    func(a *address, bytes uintptr) status                                  `symbol:"MemAlloc_v2"`
	MemoryFree     func(a address) status                                                  `symbol:"MemFree_v2"`
	CopyToDevice   func(to address, from unsafe.Pointer, bytes uintptr, s streamID) status `symbol:"MemcpyHtoDAsync_v2"`
	CopyFromDevice func(to unsafe.Pointer, from address, bytes uintptr, s streamID) status `symbol:"MemcpyDtoHAsync_v2"`

	LaunchKernel func(f functionID, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes uint32, s streamID,
		parameters *unsafe.Pointer, extra uintptr) status
}
