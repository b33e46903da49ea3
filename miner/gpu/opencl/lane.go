package opencl

import (
	"errors"
	"fmt"
	"unsafe"

	"lode/miner/gpu/device"
)

// lane implements device.Lane. Its kernels are its own, since their arguments are
// part of them.
type lane struct {
	opened  *opened
	queue   queueID
	kernels map[*program]kernelID
	buffers map[*buffer]bool
}

// buffer is a device.Buffer.
type buffer struct {
	id    memoryID
	words int
}

const blocking = 1

// Alloc implements device.Lane.
func (l *lane) Alloc(words int) (device.Buffer, error) {
	var err status
	id := l.opened.library.CreateBuffer(l.opened.context, 0, uintptr(words)*4, 0, &err)
	if err != success {
		return nil, fmt.Errorf("%w: %d bytes: %w", device.ErrMemory, 4*words, check("CreateBuffer", err))
	}
	b := &buffer{id, words}
	l.buffers[b] = true
	return b, nil
}

// Free implements device.Lane.
func (l *lane) Free(b device.Buffer) {
	freed := b.(*buffer)
	if l.buffers[freed] {
		delete(l.buffers, freed)
		l.opened.library.ReleaseBuffer(freed.id)
	}
}

// Write implements device.Lane.
func (l *lane) Write(to device.Buffer, words []uint32) error {
	b, err := within(to, words)
	if err != nil {
		return err
	}
	return check("EnqueueWriteBuffer", l.opened.library.EnqueueWriteBuffer(l.queue, b.id, blocking, 0, uintptr(len(words))*4, unsafe.Pointer(&words[0]), 0, 0, 0))
}

// Read implements device.Lane.
func (l *lane) Read(from device.Buffer, words []uint32) error {
	b, err := within(from, words)
	if err != nil {
		return err
	}
	return check("EnqueueReadBuffer", l.opened.library.EnqueueReadBuffer(l.queue, b.id, blocking, 0, uintptr(len(words))*4, unsafe.Pointer(&words[0]), 0, 0, 0))
}

func within(b device.Buffer, words []uint32) (*buffer, error) {
	known := b.(*buffer)
	return known, device.CheckWords(words, known.words)
}

// Launch implements device.Lane.
func (l *lane) Launch(p device.Program, items, group int, arguments ...any) error {
	k, err := l.kernel(p.(*program))
	if err != nil {
		return err
	}
	for i, argument := range arguments {
		if err := l.set(k, uint32(i), argument); err != nil {
			return err
		}
	}
	size := uintptr(min(group, l.opened.group))
	all := (uintptr(items) + size - 1) / size * size
	return check("EnqueueNDRangeKernel", l.opened.library.EnqueueNDRangeKernel(l.queue, k, 1, 0, &all, &size, 0, 0, 0))
}

// kernel is the lane's own one of a program.
func (l *lane) kernel(p *program) (kernelID, error) {
	if k, made := l.kernels[p]; made {
		return k, nil
	}
	var err status
	k := l.opened.library.CreateKernel(p.id, string(p.kernel), &err)
	if err != success {
		return 0, fmt.Errorf("%w: %s: %w", device.ErrBuild, p.kernel, check("CreateKernel", err))
	}
	l.kernels[p] = k
	return k, nil
}

func (l *lane) set(k kernelID, index uint32, argument any) error {
	size, at := unsafe.Sizeof(uint32(0)), unsafe.Pointer(nil)
	switch value := argument.(type) {
	case uint32:
		at = unsafe.Pointer(&value)
	case *buffer:
		size, at = unsafe.Sizeof(value.id), unsafe.Pointer(&value.id)
	default:
		return fmt.Errorf("argument %d is a %T", index, argument)
	}
	return check("SetKernelArg", l.opened.library.SetKernelArg(k, index, size, at))
}

// Close implements device.Lane.
func (l *lane) Close() error {
	err := check("Finish", l.opened.library.Finish(l.queue))
	for b := range l.buffers {
		l.Free(b)
	}
	for _, k := range l.kernels {
		l.opened.library.ReleaseKernel(k)
	}
	return errors.Join(err, check("ReleaseCommandQueue", l.opened.library.ReleaseQueue(l.queue)))
}
