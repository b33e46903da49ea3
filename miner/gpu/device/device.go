// Package device scans nonces on a GPU through a back end: it plans what the device
// has to do for a kernel.Work, tests and measures the device, and serves a node on
// the other side of protocol. It runs in a program of its own, miner-gpu.
package device

import (
	"context"
	_ "embed" // for the kernels' source
	"errors"
	"fmt"

	"lode/miner/gpu/protocol"
)

// Source is the kernels in OpenCL C, and, for clang, in CUDA.
//
//go:embed scan.cl
var Source string

var (
	// ErrNoDevice is a device that isn't there.
	ErrNoDevice = errors.New("there is no such device")
	// ErrBuild is a kernel that the device's compiler refuses.
	ErrBuild = errors.New("the kernel could not be built")
	// ErrMemory is a device without room for what a scan needs.
	ErrMemory = errors.New("the device has too little memory")
	// ErrSelfTest is a device that computes wrongly.
	ErrSelfTest = errors.New("the device failed its self-test")
)

// Backend is a library that runs programs on devices.
type Backend interface {
	// Name is "opencl" or "cuda". A device's ID begins with it.
	Name() string
	// List tells which devices there are, and what was tried to find them.
	List(ctx context.Context) ([]protocol.Device, []protocol.Attempt)
	// Open opens a device by its ID; an unknown one is ErrNoDevice.
	Open(id string) (Device, error)
}

// Device is an opened one. It is safe for concurrent use.
type Device interface {
	Info() protocol.Device
	// VectorLanes is how many lanes the vectors of its kernels should have: 1 on a GPU,
	// where each work item is a lane already.
	VectorLanes() int
	// Build compiles a kernel. Errors are ErrBuild.
	Build(v Variant) (Program, error)
	NewLane() (Lane, error)
	Close() error
}

// Program is a kernel that a Device has built.
type Program any

// Buffer is memory of a device that a Lane has allocated.
type Buffer any

// ErrOutside is a copy of words that a buffer has no room for.
var ErrOutside = errors.New("words outside of the buffer")

// CheckWords returns ErrOutside for words that can't be copied to or from a buffer with
// room for so many.
func CheckWords(words []uint32, room int) error {
	if len(words) == 0 || len(words) > room {
		return fmt.Errorf("%w: %d of %d", ErrOutside, len(words), room)
	}
	return nil
}

// Lane is a queue of work of a device. It is used by one goroutine that is locked to
// its thread.
type Lane interface {
	// Alloc allocates 32-bit words. Errors are ErrMemory.
	Alloc(words int) (Buffer, error)
	// Free frees a buffer that nothing launched uses any more.
	Free(b Buffer)
	// Write writes to a buffer's beginning, behind what was launched before.
	Write(to Buffer, words []uint32) error
	// Launch runs a program over work items from 0 on, at least so many, in groups of
	// that size. An argument is a Buffer or a uint32.
	Launch(p Program, items, group int, arguments ...any) error
	// Read reads a buffer's beginning after all that was launched before.
	Read(from Buffer, words []uint32) error
	// Close frees the lane and its buffers.
	Close() error
}

// Kernel is one of the source.
type Kernel string

// The kernels; see scan.cl.
const (
	Enter     Kernel = "enter"
	ScanWord  Kernel = "scan_word"
	ScanTable Kernel = "scan_table"
)

// Variant is a kernel with its compile-time constants.
type Variant struct {
	Kernel Kernel
	Word   int // see WORD in scan.cl; 0 for Enter
	Lanes  int // see LANES in scan.cl
}

// Defines are the constants as a compiler takes them: names and values.
func (v Variant) Defines() [][2]string {
	kernel := map[Kernel]string{Enter: "ENTER", ScanWord: "SCAN_WORD", ScanTable: "SCAN_TABLE"}[v.Kernel]
	return [][2]string{{kernel, "1"}, {"WORD", fmt.Sprint(v.Word)}, {"LANES", fmt.Sprint(v.Lanes)}}
}

// String names the variant for people and files: "scan_word-12-1".
func (v Variant) String() string { return fmt.Sprintf("%s-%d-%d", v.Kernel, v.Word, v.Lanes) }

// Which rounds no variant of a last block changes, as far as there is a kernel for
// it: digits at the block's beginning or, in long proofs, at its end.
var tableWords = []int{0, 1, 2, 3, 13}

// Variants are all that a device of so many lanes may be asked to build.
func Variants(lanes int) (list []Variant) {
	list = append(list, Variant{Enter, 0, lanes})
	for word := range lengthWord {
		list = append(list, Variant{ScanWord, word, lanes})
	}
	for _, word := range tableWords {
		list = append(list, Variant{ScanTable, word, lanes})
	}
	return list
}

// lengthWord is where the message's length begins in its last block: no digit is there.
const lengthWord = 14

const blockSize = 64
