package miner

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The values of SetThreadPriority: the class's own is 0.
const (
	threadPriorityIdle   = -15
	threadPriorityLowest = -2
)

// relationAll asks GetLogicalProcessorInformationEx for everything.
const relationAll = 0xffff

// groupAffinity is GROUP_AFFINITY: CPUs of one processor group.
type groupAffinity struct {
	mask  uintptr
	group uint16
	_     [3]uint16
}

// machine reads what this process may use.
func machine() resources {
	r := resources{topology: readRecords(processorRecords(), int(unsafe.Sizeof(uintptr(0)))), reported: reportedCounts(), pins: true}
	if affinity, err := threadAffinity(); err == nil {
		r.cpus = permittedByMask(r.topology, uint64(affinity.mask), affinity.group)
	}
	if len(r.cpus) == 0 { // the system doesn't tell
		r.cpus = upTo(runtime.NumCPU())
	}
	return r
}

// threadAffinity is the calling thread's, which is its process's unless it has
// been pinned.
func threadAffinity() (affinity groupAffinity, err error) {
	_, err = call("GetThreadGroupAffinity", uintptr(windows.CurrentThread()), uintptr(unsafe.Pointer(&affinity)))
	return affinity, err
}

// processorRecords are empty if the system doesn't tell.
func processorRecords() []byte {
	var size uint32
	_, err := call("GetLogicalProcessorInformationEx", relationAll, 0, uintptr(unsafe.Pointer(&size)))
	if !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) || size == 0 {
		return nil
	}
	records := make([]byte, size)
	_, err = call("GetLogicalProcessorInformationEx", relationAll, uintptr(unsafe.Pointer(&records[0])), uintptr(unsafe.Pointer(&size)))
	if err != nil {
		return nil
	}
	return records[:size]
}

// placementNote says what this system can't do for a worker's thread: nothing.
func placementNote() string { return "" }

// PlaceThread pins the calling thread to a CPU, unless it is -1, and sets its
// priority.
func PlaceThread(cpu int, priority Priority) error {
	var pinned error
	if cpu >= 0 {
		affinity := groupAffinity{mask: 1 << (cpu % groupSize), group: uint16(cpu / groupSize)}
		if _, err := call("SetThreadGroupAffinity", uintptr(windows.CurrentThread()), uintptr(unsafe.Pointer(&affinity)), 0); err != nil {
			pinned = fmt.Errorf("pinning to CPU %d: %w", cpu, err)
		}
	}
	return errors.Join(pinned, setPriority(priority))
}

func setPriority(priority Priority) error {
	level := 0
	switch priority {
	case Idle:
		level = threadPriorityIdle
	case Low:
		level = threadPriorityLowest
	default:
		return nil
	}
	if _, err := call("SetThreadPriority", uintptr(windows.CurrentThread()), uintptr(level)); err != nil {
		return fmt.Errorf("setting the thread priority %d: %w", level, err)
	}
	return nil
}

// call calls a function of the system that returns 0 when it fails.
//
//go:uintptrescapes
func call(name string, arguments ...uintptr) (uintptr, error) {
	procedure := windows.NewLazySystemDLL("kernel32.dll").NewProc(name)
	if err := procedure.Find(); err != nil {
		return 0, err
	}
	result, _, err := procedure.Call(arguments...)
	if result == 0 {
		return 0, err
	}
	return result, nil
}
