package cuda

import (
	"fmt"
	"unsafe"
)

// success is the status of a call that did what it should.
const success status = 0

// The statuses that are told apart; the values are those of the specification.
const (
	outOfMemory     status = 2
	stubLibrary     status = 34
	unavailable     status = 46
	noDevice        status = 100
	invalidImage    status = 200
	contextActive   status = 708
	notReady        status = 802
	driverMismatch  status = 803
	compatibility   status = 804
	operatingSystem status = 304
	mpsNotReachable status = 805
	unknownError    status = 999
)

// hints say what to do about errors of which the driver says too little.
var hints = map[status]string{
	stubLibrary:     "this libcuda is the one that programs are linked with, not the driver's: take the folder of stubs out of LD_LIBRARY_PATH",
	unavailable:     "another program has the GPU for itself: nvidia-smi shows its compute mode",
	noDevice:        "the driver has no GPU: nvidia-smi should list one, CUDA_VISIBLE_DEVICES may hide it, and a container has to be given it (--gpus all)",
	operatingSystem: "the device files /dev/nvidia* can't be opened: look at their permissions, or at what the container is given",
	notReady:        "GPUs with NVSwitch need the service nvidia-fabricmanager, of the driver's version",
	driverMismatch:  "the driver's library and kernel module have different versions: reboot after an update; in a container use the host's library",
	compatibility:   "the library is of a compatibility package that this GPU can't use: take its folder out of LD_LIBRARY_PATH",
	mpsNotReachable: "the MPS server does not answer: start it, or take CUDA_MPS_PIPE_DIRECTORY out of the environment",
	unknownError:    "often the kernel module nvidia_uvm isn't loaded, or doesn't work after the machine was suspended: nvidia-modprobe -u, or reload it",
}

// Error is a call of the library that failed.
type Error struct {
	Call   string // the function's name
	Status int32
	Text   string // the driver's own name and description of the status
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Call, e.Text)
	if e.Text == "" {
		text = fmt.Sprintf("%s: error %d", e.Call, e.Status)
	}
	if hint, known := hints[status(e.Status)]; known {
		text += "; " + hint
	}
	return text
}

// check makes an error of what a function returned.
func (l *library) check(call string, s status) error {
	if s == success {
		return nil
	}
	return &Error{"cu" + call, int32(s), l.describeStatus(s)}
}

func (l *library) describeStatus(s status) string {
	var name, description *byte
	if l.GetErrorName(s, &name) != success || l.GetErrorString(s, &description) != success {
		return ""
	}
	return fmt.Sprintf("%s (%d): %s", text(name), s, text(description))
}

// maxText bounds texts of the library: they end with a zero byte.
const maxText = 1024

// text copies a text of the library's own.
func text(at *byte) string {
	if at == nil {
		return ""
	}
	size := 0
	for size < maxText && *(*byte)(unsafe.Add(unsafe.Pointer(at), size)) != 0 {
		size++
	}
	return string(unsafe.Slice(at, size))
}
