package cuda

import (
	"errors"
	"fmt"
	"runtime"
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
	context contextID // the device's primary one

	mu    sync.Mutex // guards the field below
	built []*program
}

// program is a device.Program.
type program struct {
	module     moduleID
	function   functionID
	parameters []int // their sizes in bytes
}

// blockingSync has a thread that waits for the device sleep: a spinning one would take a
// CPU from the workers.
const blockingSync = 4

func (l *library) open(info protocol.Device, d deviceID) (*opened, error) {
	o := &opened{library: l, id: d, info: info}
	if s := l.PrimaryContextSetFlags(d, blockingSync); s != success && s != contextActive {
		return nil, fmt.Errorf("opening %s: %w", info.Name, l.check("DevicePrimaryCtxSetFlags", s))
	}
	if err := l.check("DevicePrimaryCtxRetain", l.PrimaryContextRetain(&o.context, d)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", info.Name, err)
	}
	return o, nil
}

// Info implements device.Device.
func (o *opened) Info() protocol.Device { return o.info }

// VectorLanes implements device.Device: each thread of a GPU is a lane.
func (o *opened) VectorLanes() int { return 1 }

// within runs f on a thread on which the device's context is current.
func (o *opened) within(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := o.library.check("CtxSetCurrent", o.library.ContextSetCurrent(o.context)); err != nil {
		return err
	}
	return f()
}

// Build implements device.Device.
func (o *opened) Build(v device.Variant) (device.Program, error) {
	text, err := image(v)
	if err != nil {
		return nil, err
	}
	p := &program{parameters: parameterBytes(text)}
	err = o.within(func() error { return o.load(p, text, string(v.Kernel)) })
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", device.ErrBuild, v, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.built = append(o.built, p)
	return p, nil
}

// load has the driver compile PTX and finds the kernel in it.
func (o *opened) load(p *program, image []byte, kernel string) error {
	if err := o.compile(p, image); err != nil {
		return err
	}
	if err := o.library.check("ModuleGetFunction", o.library.ModuleGetFunction(&p.function, p.module, kernel)); err != nil {
		return errors.Join(err, o.library.check("ModuleUnload", o.library.ModuleUnload(p.module)))
	}
	return nil
}

// Options of the driver's compiler.
const (
	optionInfoLog      = 3
	optionInfoLogSize  = 4
	optionErrorLog     = 5
	optionErrorLogSize = 6

	logBytes = 8 << 10
)

func (o *opened) compile(p *program, image []byte) error {
	info, failure := make([]byte, logBytes), make([]byte, logBytes)
	var pinned runtime.Pinner // the driver is given a list of addresses
	pinned.Pin(&info[0])
	pinned.Pin(&failure[0])
	defer pinned.Unpin()
	options := [...]int32{optionInfoLog, optionInfoLogSize, optionErrorLog, optionErrorLogSize}
	values := [...]uintptr{uintptr(unsafe.Pointer(&info[0])), logBytes, uintptr(unsafe.Pointer(&failure[0])), logBytes}
	err := o.library.check("ModuleLoadDataEx", o.library.ModuleLoadData(&p.module, unsafe.Pointer(&image[0]), uint32(len(options)), &options[0], &values[0]))
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", err, protocol.Printable(text(&failure[0])+" "+text(&info[0]), maxText))
}

// NewLane implements device.Device. The device's context is current on the thread then.
func (o *opened) NewLane() (device.Lane, error) {
	l := &lane{opened: o, buffers: map[*buffer]bool{}}
	err := o.within(func() error {
		return o.library.check("StreamCreate", o.library.StreamCreate(&l.stream, nonBlocking))
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Close implements device.Device.
func (o *opened) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.within(func() (err error) {
		for _, p := range o.built {
			err = errors.Join(err, o.library.check("ModuleUnload", o.library.ModuleUnload(p.module)))
		}
		return err
	})
	o.built = nil
	return errors.Join(err, o.library.check("DevicePrimaryCtxRelease", o.library.PrimaryContextRelease(o.id)))
}
