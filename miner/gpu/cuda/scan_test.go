package cuda

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"lode/miner/gpu/device"
	"lode/miner/kernel"
)

// openFake opens the first device of a fake driver.
func openFake(t *testing.T) (device.Device, *fake) {
	t.Helper()
	path, f := fakeDriver(t)
	d, err := New(Config{Library: path}).Open("cuda:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if live := f.Live(); live != 0 {
			t.Errorf("%d objects were not given back", live)
		}
	})
	return d, f
}

// onLane runs f with a scanner, in a goroutine that is locked to its thread.
func onLane(d device.Device, p *device.Programs, f func(*device.Scanner) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // not unlocked: the thread ends with the goroutine
		s, err := device.NewScanner(d, p, device.Config{})
		if err == nil {
			err = errors.Join(f(s), s.Close())
		}
		done <- err
	}()
	return <-done
}

// layout is a way in which digits lie, and the variant that scans it.
type layout struct {
	prefix  int
	digits  kernel.Digits
	variant string
}

// layouts use every variant but Enter's, which all use.
var layouts = []layout{
	{64, kernel.Plain(4), "scan_word-0-1"},
	{64, kernel.Plain(8), "scan_word-1-1"},
	{66, kernel.Plain(10), "scan_word-2-1"},
	{67, kernel.Plain(13), "scan_word-3-1"},
	{64 + 16, kernel.Plain(4), "scan_word-4-1"},
	{64 + 20, kernel.Plain(4), "scan_word-5-1"},
	{64 + 20, kernel.Plain(8), "scan_word-6-1"},
	{64 + 24, kernel.Plain(8), "scan_word-7-1"},
	{32, kernel.Plain(4), "scan_word-8-1"},
	{32, kernel.Plain(8), "scan_word-9-1"},
	{39, kernel.Plain(5), "scan_word-10-1"},
	{40, kernel.Plain(8), "scan_word-11-1"},
	{44, kernel.Plain(8), "scan_word-12-1"},
	{46, kernel.Plain(9), "scan_word-13-1"},
	{50, kernel.Plain(7), "scan_table-0-1"}, // two blocks
	{60, kernel.Plain(7), "scan_table-0-1"},
	{60, kernel.Digits{High: 4, Middle: "0000", Low: 3}, "scan_table-1-1"},
	{60, kernel.Digits{High: 4, Middle: "00000000", Low: 2}, "scan_table-2-1"},
	{60, kernel.Digits{High: 4, Middle: strings.Repeat("0", 12), Low: 3}, "scan_table-3-1"},
	{55, kernel.Digits{High: 9, Middle: strings.Repeat("0", 52), Low: 3}, "scan_table-13-1"},
	{60, kernel.Digits{High: 5, Middle: strings.Repeat("0", 20), Low: 3}, "scan_table-3-1"},
}

// A hit in about 4,096 candidates.
const scanDifficulty = 3

func (l layout) work() *kernel.Work {
	return kernel.NewWork([]byte(strings.Repeat("a block's prefix ", 6)[:l.prefix]), l.digits, scanDifficulty)
}

// hits are the first hits in a few ranges, by that function.
func (l layout) hits(scan func(w *kernel.Work, first, count uint64) (int64, error)) (list []int64, err error) {
	w := l.work()
	for _, first := range []uint64{0, 1, 4_999, w.Candidates() / 3} {
		hit, err := scan(w, first, min(12_345, w.Candidates()-first))
		if err != nil {
			return nil, err
		}
		list = append(list, hit)
	}
	return list, nil
}

func generic(w *kernel.Work, first, count uint64) (int64, error) {
	s := kernel.Generic().NewScanner(w)
	for at := uint64(0); at < count; at += kernel.MaxBatch {
		if i := s.Scan(first+at, int(min(kernel.MaxBatch, count-at))); i >= 0 {
			return int64(at) + int64(i), nil
		}
	}
	return -1, nil
}

// Two lanes at a time find what portable code finds, whatever the layout, and every
// variant passes its self-test on the way.
func TestScansFindTheSameHits(t *testing.T) {
	d, f := openFake(t)
	var mu sync.Mutex
	var built []string
	programs := device.NewPrograms(d, false, func(what string) {
		if name, building := strings.CutPrefix(what, "building "); building {
			mu.Lock()
			defer mu.Unlock()
			built = append(built, name)
		}
	}, nil)
	var lanes sync.WaitGroup
	for lane := range 2 {
		lanes.Go(func() {
			err := onLane(d, programs, func(s *device.Scanner) error {
				for i := range layouts {
					l := layouts[(i+lane*len(layouts)/2)%len(layouts)]
					if err := compare(t, s, l); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	lanes.Wait()
	var want []string
	for _, v := range device.Variants(1) {
		want = append(want, v.String())
	}
	slices.Sort(built)
	slices.Sort(want)
	if !slices.Equal(built, want) {
		t.Errorf("built %q instead of each variant once", built)
	}
	if f.Launches() == 0 {
		t.Error("nothing was launched")
	}
}

func compare(t *testing.T, s *device.Scanner, l layout) error {
	got, err := l.hits(func(w *kernel.Work, first, count uint64) (int64, error) {
		return s.Scan(t.Context(), w, first, count, func(uint64) {})
	})
	if err != nil {
		return err
	}
	want, _ := l.hits(generic)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %+v: the hits are %d instead of %d", l.variant, l, got, want)
	}
	return nil
}

// Lanes run at the same time: each kernel of the fake driver waits until the other
// lane's is there.
func TestLanesOverlap(t *testing.T) {
	d, f := openFake(t)
	programs := device.NewPrograms(d, false, func(string) {}, nil)
	work := layouts[0].work()
	scan := func(s *device.Scanner) error {
		_, err := s.Scan(t.Context(), work, 0, work.Candidates(), func(uint64) {})
		return err
	}
	if err := onLane(d, programs, scan); err != nil { // builds and tests the kernels
		t.Fatal(err)
	}
	f.Meet(2)
	var lanes sync.WaitGroup
	for range 2 {
		lanes.Go(func() {
			if err := onLane(d, programs, scan); err != nil {
				t.Error(err)
			}
		})
	}
	lanes.Wait()
}
