package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"lode/miner/gpu/device"
)

// lane implements device.Lane. The device's context is current on its thread.
type lane struct {
	opened  *opened
	stream  streamID
	buffers map[*buffer]bool
}

// nonBlocking is a stream that neither waits for the default stream nor makes it wait.
const nonBlocking = 1

// buffer is a device.Buffer.
type buffer struct {
	at    address
	words int
}

const wordBytes = 4

// Alloc implements device.Lane.
func (l *lane) Alloc(words int) (device.Buffer, error) {
	b := &buffer{words: words}
	if err := l.check("MemAlloc", l.opened.library.MemoryAlloc(&b.at, uintptr(words)*wordBytes)); err != nil {
		return nil, fmt.Errorf("%w: %d bytes: %w", device.ErrMemory, words*wordBytes, err)
	}
	l.buffers[b] = true
	return b, nil
}

func (l *lane) check(call string, s status) error { return l.opened.library.check(call, s) }

// Free implements device.Lane.
func (l *lane) Free(b device.Buffer) {
	_ = l.free(b.(*buffer)) // an error is of the device, and comes up again
}

func (l *lane) free(b *buffer) error {
	if !l.buffers[b] {
		return nil
	}
	delete(l.buffers, b)
	return l.check("MemFree", l.opened.library.MemoryFree(b.at))
}

// Write implements device.Lane.
func (l *lane) Write(to device.Buffer, words []uint32) error {
	b, err := within(to, words)
	if err != nil {
		return err
	}
	var pinned runtime.Pinner // until the copy is made
	pinned.Pin(&words[0])
	defer pinned.Unpin()
	s := l.opened.library.CopyToDevice(b.at, unsafe.Pointer(&words[0]), uintptr(len(words))*wordBytes, l.stream)
	if err := l.check("MemcpyHtoDAsync", s); err != nil {
		return err
	}
	return l.wait()
}

// Read implements device.Lane. It waits before the copy, too, since the driver would
// spin if it had to.
func (l *lane) Read(from device.Buffer, words []uint32) error {
	b, err := within(from, words)
	if err == nil {
		err = l.wait()
	}
	if err != nil {
		return err
	}
	var pinned runtime.Pinner
	pinned.Pin(&words[0])
	defer pinned.Unpin()
	s := l.opened.library.CopyFromDevice(unsafe.Pointer(&words[0]), b.at, uintptr(len(words))*wordBytes, l.stream)
	if err := l.check("MemcpyDtoHAsync", s); err != nil {
		return err
	}
	return l.wait()
}

func (l *lane) wait() error {
	return l.check("StreamSynchronize", l.opened.library.StreamSynchronize(l.stream))
}

func within(b device.Buffer, words []uint32) (*buffer, error) {
	known := b.(*buffer)
	return known, device.CheckWords(words, known.words)
}

// Launch implements device.Lane.
func (l *lane) Launch(p device.Program, items, group int, arguments ...any) error {
	known := p.(*program)
	values, err := known.values(arguments)
	if err != nil {
		return err
	}
	addresses := make([]unsafe.Pointer, len(values))
	for i := range values {
		addresses[i] = unsafe.Pointer(&values[i])
	}
	var pinned runtime.Pinner // the driver is given a list of addresses
	pinned.Pin(&values[0])
	pinned.Pin(&addresses[0])
	defer pinned.Unpin()
	groups := (items + group - 1) / group
	return l.check("LaunchKernel", l.opened.library.LaunchKernel(known.function, uint32(groups), 1, 1, uint32(group), 1, 1, 0, l.stream, &addresses[0], 0))
}

var errArguments = errors.New("arguments that the kernel doesn't take")

// values are arguments in 8 bytes each, of which the driver reads as many as the
// parameter has: all systems that CUDA runs on are little-endian.
func (p *program) values(arguments []any) ([]uint64, error) {
	if len(arguments) == 0 || len(arguments) != len(p.parameters) {
		return nil, fmt.Errorf("%w: %d instead of %d", errArguments, len(arguments), len(p.parameters))
	}
	values := make([]uint64, len(arguments))
	for i, argument := range arguments {
		size := 0
		switch value := argument.(type) {
		case uint32:
			values[i], size = uint64(value), 4
		case *buffer:
			values[i], size = uint64(value.at), 8
		}
		if size != p.parameters[i] {
			return nil, fmt.Errorf("%w: number %d is a %T and has %d bytes", errArguments, i, argument, p.parameters[i])
		}
	}
	return values, nil
}

// Close implements device.Lane.
func (l *lane) Close() error {
	err := l.wait()
	for b := range l.buffers {
		err = errors.Join(err, l.free(b))
	}
	return errors.Join(err, l.check("StreamDestroy", l.opened.library.StreamDestroy(l.stream)))
}
