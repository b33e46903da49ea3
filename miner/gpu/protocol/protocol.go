// Package protocol is what the node and the program that talks to GPUs,
// miner-gpu, say to each other: one JSON object a line on the program's stdin and
// stdout, and the list of devices that it prints.
//
// Both ends are built from this package, so there is one way to write each message,
// and a line that is written in another way is refused. What is decoded is safe to
// use: numbers are in range, texts are short and printable, and a Work can be resumed.
package protocol

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"lode/miner/kernel"
)

// Version is that of the lines and of the list. Another one is refused.
const Version = 1

// KeptWorks is how many works the program remembers at least: a scan may name one of
// the last that were announced, that many.
const KeptWorks = 16

// MaxLanes is the most scans that a device may want at a time.
const MaxLanes = 64

var (
	// ErrLine is a line that is no JSON object, or not written as Encode writes it:
	// fields that are unknown, missing, repeated or in another order.
	ErrLine = errors.New("not a line of the protocol")
	// ErrType is a message that this end doesn't know.
	ErrType = errors.New("a message of an unknown type")
	// ErrVersion is a program of another version.
	ErrVersion = errors.New("another version of the protocol")
	// ErrValue is a value that makes no sense.
	ErrValue = errors.New("a value out of range")
	// ErrTooLong is a line of more than MaxLine bytes.
	ErrTooLong = fmt.Errorf("a line of more than %d bytes", MaxLine)
)

// Message is one line. Hello, State, Ready, Done, Cancelled, Progress, Failed and
// Fatal come from the program; Work, Scan and Cancel from the node.
type Message interface {
	// Type is what the line has as "type".
	Type() string
	// check returns ErrValue for values that nobody may send.
	check() error
	// cleaned is the message with short, printable texts.
	cleaned() Message
}

// Kinds of devices.
const (
	GPU         = "gpu"
	CPU         = "cpu"
	Accelerator = "accelerator"
)

// Device is what is known of a device before it has done anything.
type Device struct {
	ID          string `json:"id"`      // "cuda:0": the back end, and its own number or name
	Backend     string `json:"backend"` // "cuda" or "opencl"
	Name        string `json:"name"`
	Vendor      string `json:"vendor"`
	Driver      string `json:"driver"`       // its version
	Kind        string `json:"kind"`         // GPU, CPU or Accelerator
	MemoryBytes uint64 `json:"memory_bytes"` // of the device
	Units       int    `json:"units"`        // compute units, multiprocessors
	PCI         string `json:"pci"`          // "0000:17:00.0"; empty if it has or tells none
	Problem     string `json:"problem"`      // why it can't be used; empty if nothing is known against it
}

func (d Device) check() error {
	backend, number, _ := strings.Cut(d.ID, ":")
	switch {
	case d.Backend == "" || backend != d.Backend || number == "":
		return fmt.Errorf("%w: the device %q of the back end %q", ErrValue, d.ID, d.Backend)
	case !slices.Contains([]string{GPU, CPU, Accelerator}, d.Kind):
		return fmt.Errorf("%w: a device of the kind %q", ErrValue, d.Kind)
	case d.Units < 0:
		return fmt.Errorf("%w: a device of %d units", ErrValue, d.Units)
	}
	return nil
}

func (d Device) cleaned() Device {
	for _, text := range []*string{&d.ID, &d.Backend, &d.Name, &d.Vendor, &d.Driver, &d.PCI, &d.Problem} {
		*text = clean(*text)
	}
	return d
}

// Attempt is one thing that was tried on the way to devices, for people who ask why
// theirs is not there.
type Attempt struct {
	Backend string `json:"backend"`
	What    string `json:"what"`   // "library libOpenCL.so.1"
	Result  string `json:"result"` // "loaded"
}

// Hello is the program's first line.
type Hello struct {
	Version int    `json:"version"`
	Device  Device `json:"device"`
}

// State says that something begins that may take long, such as a compilation.
type State struct {
	Doing string `json:"doing"`
}

// Ready says that the device takes scans.
type Ready struct {
	Rate     float64 `json:"rate"`  // hashes a second, as just measured
	Lanes    int     `json:"lanes"` // how many scans at a time keep the device busy
	SelfTest string  `json:"self_test"`
}

// SelfTestPassed is what Ready has of a self-test without a mistake. Other ones begin
// with SelfTestFailed, and are forced.
const (
	SelfTestPassed = "passed"
	SelfTestFailed = "failed: "
)

// Done answers a Scan.
type Done struct {
	Scan        uint64 `json:"scan"`
	Hit         int64  `json:"hit"`         // the first hit's index in the scan's candidates; -1 if there is none
	Hashes      uint64 `json:"hashes"`      // computed for it
	Nanoseconds int64  `json:"nanoseconds"` // that the device spent on it
}

// Cancelled answers a Scan that a Cancel has ended. Nothing is known of its candidates.
type Cancelled struct {
	Scan   uint64 `json:"scan"`
	Hashes uint64 `json:"hashes"`
}

// Progress says that a scan goes on, every 250 ms at least.
type Progress struct {
	Scan   uint64 `json:"scan"`
	Hashes uint64 `json:"hashes"` // so far
}

// Failed answers a Scan that could not be done. Others may be.
type Failed struct {
	Scan    uint64 `json:"scan"`
	Message string `json:"message"`
}

// Fatal is the program's last line, if it ends by itself.
type Fatal struct {
	Message string `json:"message"`
	Kind    string `json:"kind"`
}

// Kinds of Fatal. A device that is not there, or that computes wrongly, is not tried
// again.
const (
	FatalNoDevice = "no-device"
	FatalSelfTest = "self-test"
	FatalBuild    = "build"
	FatalMemory   = "memory"
	FatalDevice   = "device"   // it stopped working
	FatalProtocol = "protocol" // the node's lines make no sense
)

// Work announces a kernel.Work under a number; see NewWork and Resume. The prefix
// itself is not sent.
type Work struct {
	Number     uint64   `json:"work"`
	Midstate   Midstate `json:"midstate"`
	Tail       Bytes    `json:"tail"`
	Bytes      uint64   `json:"bytes"` // of the prefix
	Difficulty int      `json:"difficulty"`
	Head       string   `json:"head"` // this and the next three: kernel.Digits
	High       int      `json:"high"`
	Middle     string   `json:"middle"`
	Low        int      `json:"low"`
}

// Scan asks for the first hit among Count candidates of a Work, from First on.
type Scan struct {
	Number uint64 `json:"scan"`
	Work   uint64 `json:"work"`
	First  uint64 `json:"first"`
	Count  uint64 `json:"count"`
}

// Cancel ends a scan, which is then answered soon, by whatever answer.
type Cancel struct {
	Scan uint64 `json:"scan"`
}

// Type implements Message.
func (Hello) Type() string { return "hello" }

// Type implements Message.
func (State) Type() string { return "state" }

// Type implements Message.
func (Ready) Type() string { return "ready" }

// Type implements Message.
func (Done) Type() string { return "done" }

// Type implements Message.
func (Cancelled) Type() string { return "cancelled" }

// Type implements Message.
func (Progress) Type() string { return "progress" }

// Type implements Message.
func (Failed) Type() string { return "error" }

// Type implements Message.
func (Fatal) Type() string { return "fatal" }

// Type implements Message.
func (Work) Type() string { return "work" }

// Type implements Message.
func (Scan) Type() string { return "scan" }

// Type implements Message.
func (Cancel) Type() string { return "cancel" }

func (m Hello) cleaned() Message {
	m.Device = m.Device.cleaned()
	return m
}

func (m State) cleaned() Message {
	m.Doing = clean(m.Doing)
	return m
}

func (m Ready) cleaned() Message {
	m.SelfTest = clean(m.SelfTest)
	return m
}

func (m Failed) cleaned() Message {
	m.Message = clean(m.Message)
	return m
}

func (m Fatal) cleaned() Message {
	m.Message, m.Kind = clean(m.Message), clean(m.Kind)
	return m
}

func (m Done) cleaned() Message      { return m }
func (m Cancelled) cleaned() Message { return m }
func (m Progress) cleaned() Message  { return m }
func (m Work) cleaned() Message      { return m }
func (m Scan) cleaned() Message      { return m }
func (m Cancel) cleaned() Message    { return m }

func (m Hello) check() error {
	if m.Version != Version {
		return fmt.Errorf("%w: %d instead of %d", ErrVersion, m.Version, Version)
	}
	return m.Device.check()
}

func (m State) check() error {
	if m.Doing == "" {
		return fmt.Errorf("%w: a state without words", ErrValue)
	}
	return nil
}

func (m Ready) check() error {
	switch {
	case !(m.Rate > 0) || math.IsInf(m.Rate, 0): // nor NaN
		return fmt.Errorf("%w: a rate of %g hashes a second", ErrValue, m.Rate)
	case m.Lanes < 1 || m.Lanes > MaxLanes:
		return fmt.Errorf("%w: %d lanes, and not from 1 to %d", ErrValue, m.Lanes, MaxLanes)
	case m.SelfTest != SelfTestPassed && !strings.HasPrefix(m.SelfTest, SelfTestFailed):
		return fmt.Errorf("%w: a self-test that %q", ErrValue, m.SelfTest)
	}
	return nil
}

func (m Done) check() error {
	if m.Hit < -1 || m.Nanoseconds < 0 {
		return fmt.Errorf("%w: the hit %d after %d ns", ErrValue, m.Hit, m.Nanoseconds)
	}
	return nil
}

func (Cancelled) check() error { return nil }
func (Progress) check() error  { return nil }
func (Failed) check() error    { return nil }
func (Cancel) check() error    { return nil }

func (m Fatal) check() error {
	if m.Kind == "" {
		return fmt.Errorf("%w: an end without its kind", ErrValue)
	}
	return nil
}

// maxCandidates is 10^kernel.MaxDigits.
const maxCandidates = 10_000_000_000_000_000_000

func (m Scan) check() error {
	if m.Count < 1 || m.Count > math.MaxInt64 || m.First > maxCandidates || m.Count > maxCandidates-m.First {
		return fmt.Errorf("%w: a scan of %d candidates from %d on", ErrValue, m.Count, m.First)
	}
	return nil
}

// Within returns ErrValue if w has not all of the scan's candidates.
func (m Scan) Within(w *kernel.Work) error {
	if all := w.Candidates(); m.First > all || m.Count > all-m.First {
		return fmt.Errorf("%w: a scan of %d candidates from %d on, of a work that has %d", ErrValue, m.Count, m.First, all)
	}
	return nil
}
