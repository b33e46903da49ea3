// Package opencl runs kernels through OpenCL 1.2, whose library is loaded at run time
// and without cgo.
package opencl

import "unsafe"

// Handles of objects of the library.
type (
	platformID uintptr
	deviceID   uintptr
	contextID  uintptr
	queueID    uintptr
	programID  uintptr
	kernelID   uintptr
	memoryID   uintptr
)

// status is what the library's functions return: zero or an error.
type status int32

// library has the functions that are used, named as in the OpenCL specification
// without "cl". Lists of events are never given, nor are callbacks.
type library struct {
	GetPlatformIDs  func(room uint32, ids *platformID, count *uint32) status
	GetPlatformInfo func(p platformID, name uint32, size uintptr, value unsafe.Pointer, written *uintptr) status
	GetDeviceIDs    func(p platformID, kinds uint64, room uint32, ids *deviceID, count *uint32) status
	GetDeviceInfo   func(d deviceID, name uint32, size uintptr, value unsafe.Pointer, written *uintptr) status

	CreateContext      func(properties uintptr, count uint32, devices *deviceID, notify, data uintptr, err *status) contextID
	ReleaseContext     func(contextID) status
	CreateCommandQueue func(c contextID, d deviceID, properties uint64, err *status) queueID
	ReleaseQueue       func(queueID) status `symbol:"ReleaseCommandQueue"`

	CreateProgramWithSource func(c contextID, count uint32, texts **byte, sizes *uintptr, err *status) programID
	BuildProgram            func(p programID, count uint32, devices *deviceID, options string, notify, data uintptr) status
	GetProgramBuildInfo     func(p programID, d deviceID, name uint32, size uintptr, value unsafe.Pointer, written *uintptr) status
	ReleaseProgram          func(programID) status

	CreateKernel  func(p programID, name string, err *status) kernelID
	SetKernelArg  func(k kernelID, index uint32, size uintptr, value unsafe.Pointer) status
	ReleaseKernel func(kernelID) status

	CreateBuffer  func(c contextID, flags uint64, size uintptr, host uintptr, err *status) memoryID
	ReleaseBuffer func(memoryID) status `symbol:"ReleaseMemObject"`

	EnqueueWriteBuffer   func(q queueID, b memoryID, blocking uint32, offset, size uintptr, from unsafe.Pointer, waits uint32, list, event uintptr) status
	EnqueueReadBuffer    func(q queueID, b memoryID, blocking uint32, offset, size uintptr, to unsafe.Pointer, waits uint32, list, event uintptr) status
	EnqueueNDRangeKernel func(q queueID, k kernelID, dimensions uint32, offset uintptr, items, group *uintptr, waits uint32, list, event uintptr) status
	Finish               func(queueID) status
}
