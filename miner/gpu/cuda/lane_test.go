package cuda

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"lode/miner/gpu/device"
)

// word12 is any variant.
var word12 = device.Variant{Kernel: device.ScanWord, Word: 12, Lanes: 1}

// statusOf is that of the library's error; -1 if it is another one.
func statusOf(err error) int32 {
	if failed, ok := errors.AsType[*Error](err); ok {
		return failed.Status
	}
	return -1
}

// newLane is a lane for this test's goroutine, closed at its end.
func newLane(t *testing.T, d device.Device) device.Lane {
	t.Helper()
	runtime.LockOSThread()
	lane, err := d.NewLane()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lane.Close(); err != nil {
			t.Error(err)
		}
		runtime.UnlockOSThread()
	})
	return lane
}

func alloc(t *testing.T, l device.Lane, words int) device.Buffer {
	t.Helper()
	b, err := l.Alloc(words)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWriteRead(t *testing.T) {
	d, _ := openFake(t)
	l := newLane(t, d)
	b := alloc(t, l, 3)
	words := []uint32{1, 2, 3}
	if err := l.Write(b, words); err != nil {
		t.Fatal(err)
	}
	words[0] = 9 // which Write allows
	got := make([]uint32, 2)
	if err := l.Read(b, got); err != nil || !slices.Equal(got, []uint32{1, 2}) {
		t.Errorf("%d, %v", got, err)
	}
	for _, words := range [][]uint32{nil, make([]uint32, 4)} {
		if err := l.Write(b, words); !errors.Is(err, device.ErrOutside) {
			t.Errorf("writing %d words: %v", len(words), err)
		}
		if err := l.Read(b, words); !errors.Is(err, device.ErrOutside) {
			t.Errorf("reading %d words: %v", len(words), err)
		}
	}
	l.Free(b)
	l.Free(b)
	if err := l.Write(b, words); statusOf(err) != 1 {
		t.Errorf("writing to freed memory: %v", err)
	}
}

func TestNoMemory(t *testing.T) {
	d, f := openFake(t)
	l := newLane(t, d)
	f.Plan("cuMemAlloc_v2", int32(outOfMemory))
	if _, err := l.Alloc(1 << 20); !errors.Is(err, device.ErrMemory) || !strings.Contains(err.Error(), "4194304 bytes") {
		t.Error(err)
	}
}

func TestArguments(t *testing.T) {
	d, _ := openFake(t)
	l := newLane(t, d)
	p, err := d.Build(word12)
	if err != nil {
		t.Fatal(err)
	}
	b, n := alloc(t, l, 64), uint32(1)
	for name, arguments := range map[string][]any{
		"none": nil, "too few": {b, b, b, n, n, n, n, n}, "too many": {b, b, b, n, n, n, n, n, n, n},
		"a number for a buffer": {b, b, n, n, n, n, n, n, n}, "a buffer for a number": {b, b, b, n, n, n, n, n, b},
		"an int": {b, b, b, n, n, n, n, n, 1},
	} {
		if err := l.Launch(p, 1, 1, arguments...); !errors.Is(err, errArguments) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGroupTooLarge(t *testing.T) {
	d, _ := openFake(t)
	l := newLane(t, d)
	p, err := d.Build(word12)
	if err != nil {
		t.Fatal(err)
	}
	b, n := alloc(t, l, 64), uint32(1)
	if err := l.Launch(p, 1, 2048, b, b, b, n, n, n, n, n, n); statusOf(err) != 1 {
		t.Error(err)
	}
}

// The fake driver notices what a real one would: without it the other tests of this
// package would say less.
func TestOtherThread(t *testing.T) {
	d, _ := openFake(t)
	l := newLane(t, d)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // a thread that ends with this goroutine, and has no context
		_, err := l.Alloc(1)
		done <- err
	}()
	if err := <-done; statusOf(err) != 201 {
		t.Error(err)
	}
}

func TestBuildAtTheSameTime(t *testing.T) {
	d, _ := openFake(t)
	var builders sync.WaitGroup
	for _, v := range device.Variants(1) {
		builders.Go(func() {
			if _, err := d.Build(v); err != nil {
				t.Error(err)
			}
		})
	}
	builders.Wait()
}

func TestCompilerRefuses(t *testing.T) {
	d, f := openFake(t)
	f.Plan("cuModuleLoadDataEx", 218)
	_, err := d.Build(word12)
	const log = "ptxas: line 7: what is that? compiled for sm_fake"
	if !errors.Is(err, device.ErrBuild) || statusOf(err) != 218 || !strings.Contains(err.Error(), log) {
		t.Error(err)
	}
}

func TestKernelMissing(t *testing.T) {
	d, f := openFake(t) // which checks that the module is given back
	f.Plan("cuModuleGetFunction", 500)
	if _, err := d.Build(word12); !errors.Is(err, device.ErrBuild) || statusOf(err) != 500 {
		t.Error(err)
	}
}

func TestUnknownVariant(t *testing.T) {
	d, _ := openFake(t)
	if _, err := d.Build(device.Variant{Kernel: device.ScanTable, Word: 7, Lanes: 1}); !errors.Is(err, device.ErrBuild) {
		t.Error(err)
	}
}

// After a kernel that failed nothing works any more, and all of it says so.
func TestLaunchFails(t *testing.T) {
	path, f := fakeDriver(t)
	d, err := New(Config{Library: path}).Open("cuda:0")
	if err != nil {
		t.Fatal(err)
	}
	programs := device.NewPrograms(d, false, func(string) {}, nil)
	work := layouts[0].work()
	err = onLane(d, programs, func(s *device.Scanner) error {
		if _, err := s.Scan(t.Context(), work, 0, 1000, func(uint64) {}); err != nil {
			return err
		}
		f.Plan("kernel", 700)
		for range 2 {
			hit, err := s.Scan(t.Context(), work, 0, 1000, func(uint64) {})
			if hit != -1 || statusOf(err) != 700 {
				t.Errorf("%d, %v", hit, err)
			}
			f.Plan("kernel", 0)
		}
		return nil
	})
	if statusOf(err) != 700 {
		t.Errorf("closing the lane: %v", err)
	}
	if err := d.Close(); statusOf(err) != 700 {
		t.Errorf("closing the device: %v", err)
	}
}
