package opencl

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"lode/miner/gpu/device"
	"lode/miner/gpu/protocol"
)

// opened implements device.Device.
type opened struct {
	library *library
	id      deviceID
	info    protocol.Device
	lanes   int // of a vector
	group   int // the most work items in a group
	context contextID

	mu    sync.Mutex // guards the field below
	built []*program
}

// program is a device.Program.
type program struct {
	kernel device.Kernel
	id     programID
}

func (l *library) open(info protocol.Device, d deviceID) (*opened, error) {
	var err status
	context := l.CreateContext(0, 1, &d, 0, 0, &err)
	if err != success {
		return nil, fmt.Errorf("opening %s: %w", info.Name, check("CreateContext", err))
	}
	group, _ := deviceValue[uint32](l, d, deviceGroupSize)
	return &opened{library: l, id: d, info: info, lanes: l.vectorLanes(info, d), group: max(1, int(group)), context: context}, nil
}

// maxLanes is the widest vector of a CPU that the kernels are built for: there are
// registers for the state and the schedule of so many.
const maxLanes = 16

// vectorLanes is how many lanes a vector of a CPU has, as its driver says. Work items
// of a GPU are lanes already.
func (l *library) vectorLanes(info protocol.Device, d deviceID) int {
	native, ok := deviceValue[uint32](l, d, deviceIntegerLanes)
	if info.Kind != protocol.CPU || !ok {
		return 1
	}
	lanes := 1
	for lanes < maxLanes && lanes*2 <= int(native) {
		lanes *= 2
	}
	return lanes
}

// Info implements device.Device.
func (o *opened) Info() protocol.Device { return o.info }

// VectorLanes implements device.Device.
func (o *opened) VectorLanes() int { return o.lanes }

// Build implements device.Device.
func (o *opened) Build(v device.Variant) (device.Program, error) {
	id, err := o.create()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", device.ErrBuild, err)
	}
	if s := o.library.BuildProgram(id, 1, &o.id, buildOptions(v), 0, 0); s != success {
		err := fmt.Errorf("%w: %s: %w: %s", device.ErrBuild, v, check("BuildProgram", s), o.buildLog(id))
		o.library.ReleaseProgram(id)
		return nil, err
	}
	p := &program{v.Kernel, id}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.built = append(o.built, p)
	return p, nil
}

// create makes a program of the source.
func (o *opened) create() (programID, error) {
	text := []byte(device.Source)
	first, size := &text[0], uintptr(len(text))
	var pinned runtime.Pinner // the library reads a pointer to a pointer
	pinned.Pin(first)
	defer pinned.Unpin()
	var err status
	id := o.library.CreateProgramWithSource(o.context, 1, &first, &size, &err)
	return id, check("CreateProgramWithSource", err)
}

func buildOptions(v device.Variant) string {
	options := []string{"-cl-std=CL1.2"}
	for _, define := range v.Defines() {
		options = append(options, "-D", define[0]+"="+define[1])
	}
	return strings.Join(options, " ")
}

func (o *opened) buildLog(id programID) string {
	return protocol.Printable(text(func(size uintptr, value unsafe.Pointer, written *uintptr) status {
		return o.library.GetProgramBuildInfo(id, o.id, programBuildLog, size, value, written)
	}), 1000)
}

// NewLane implements device.Device.
func (o *opened) NewLane() (device.Lane, error) {
	var err status
	queue := o.library.CreateCommandQueue(o.context, o.id, 0, &err)
	if err != success {
		return nil, check("CreateCommandQueue", err)
	}
	return &lane{opened: o, queue: queue, kernels: map[*program]kernelID{}, buffers: map[*buffer]bool{}}, nil
}

// Close implements device.Device.
func (o *opened) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.built {
		o.library.ReleaseProgram(p.id)
	}
	o.built = nil
	return check("ReleaseContext", o.library.ReleaseContext(o.context))
}
