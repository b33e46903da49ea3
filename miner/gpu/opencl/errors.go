package opencl

import "fmt"

// success is the status of a call that did what it should.
const success status = 0

// The statuses that are told apart.
const (
	deviceNotFound status = -1
	outOfMemory    status = -4
	noPlatform     status = -1001
)

// statusNames are those of the specification that may come up here.
var statusNames = map[status]string{
	deviceNotFound: "CL_DEVICE_NOT_FOUND", -2: "CL_DEVICE_NOT_AVAILABLE", -3: "CL_COMPILER_NOT_AVAILABLE",
	outOfMemory: "CL_MEM_OBJECT_ALLOCATION_FAILURE", -5: "CL_OUT_OF_RESOURCES", -6: "CL_OUT_OF_HOST_MEMORY",
	-11: "CL_BUILD_PROGRAM_FAILURE", -30: "CL_INVALID_VALUE", -32: "CL_INVALID_PLATFORM", -33: "CL_INVALID_DEVICE",
	-34: "CL_INVALID_CONTEXT", -36: "CL_INVALID_COMMAND_QUEUE", -38: "CL_INVALID_MEM_OBJECT", -43: "CL_INVALID_BUILD_OPTIONS",
	-44: "CL_INVALID_PROGRAM", -45: "CL_INVALID_PROGRAM_EXECUTABLE", -46: "CL_INVALID_KERNEL_NAME", -48: "CL_INVALID_KERNEL",
	-49: "CL_INVALID_ARG_INDEX", -51: "CL_INVALID_ARG_SIZE", -52: "CL_INVALID_KERNEL_ARGS", -54: "CL_INVALID_WORK_GROUP_SIZE",
	-61: "CL_INVALID_BUFFER_SIZE", noPlatform: "CL_PLATFORM_NOT_FOUND_KHR",
}

// Error is a call of the library that failed.
type Error struct {
	Call   string // the function's name
	Status int32
}

// Error implements error.
func (e *Error) Error() string {
	if name, known := statusNames[status(e.Status)]; known {
		return fmt.Sprintf("%s: %s (%d)", e.Call, name, e.Status)
	}
	return fmt.Sprintf("%s: error %d", e.Call, e.Status)
}

// check makes an error of what a function returned.
func check(call string, s status) error {
	if s == success {
		return nil
	}
	return &Error{"cl" + call, int32(s)}
}
