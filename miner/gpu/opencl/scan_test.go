package opencl

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"lode/miner/gpu/device"
	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// openFirst opens the first device, which CI has.
func openFirst(t testing.TB) device.Device {
	t.Helper()
	b := New(Config{})
	t.Cleanup(b.Close)
	devices, tried := b.List(t.Context())
	if len(devices) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("no OpenCL device: ", tried)
		}
		t.Skip("no OpenCL device (Debian: pocl-opencl-icd ocl-icd-libopencl1): ", tried)
	}
	d, err := b.Open(devices[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func newScanner(t testing.TB, d device.Device, programs *device.Programs) *device.Scanner {
	t.Helper()
	s, err := device.NewScanner(d, programs, device.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// The kernels find what portable code finds, behind each length of prefix, in each
// way in which digits lie. Each kernel passes its self-test on the way.
func TestScanFindsWhatPortableCodeFinds(t *testing.T) {
	d := openFirst(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := newScanner(t, d, device.NewPrograms(d, false, func(what string) { t.Log(what) }, nil))
	random := rand.New(rand.NewPCG(5, 12))
	for length := range 130 {
		prefix := make([]byte, length)
		for i := range prefix {
			prefix[i] = byte(random.Uint32())
		}
		for _, digits := range layouts(length) {
			w := kernel.NewWork(prefix, digits, 2)
			all := w.Candidates()
			for _, first := range []uint64{0, all / 10 * 9, all - min(all, 1100)} {
				first -= min(first, uint64(random.IntN(900))) // across a rollover
				compare(t, s, w, first, min(all-first, 1500))
			}
		}
	}
}

// layouts are digits of each kind: as in safe proofs, up to a block's border and few
// behind it, and as in long proofs.
func layouts(length int) []kernel.Digits {
	border := 64 - length%64
	list := []kernel.Digits{kernel.Plain(1), kernel.Plain(5), kernel.Plain(16)}
	if border <= 16 {
		list = append(list, kernel.Digits{High: border, Middle: strings.Repeat("0", max(0, 13-border)), Low: min(3, 19-border)})
	}
	if border >= 4 {
		list = append(list, kernel.Digits{Head: strings.Repeat("1", border-3), High: 3, Middle: strings.Repeat("0", 52), Low: 3})
	}
	return list
}

// compare wants all hits of a range to be found in turn.
func compare(t *testing.T, s *device.Scanner, w *kernel.Work, first, count uint64) {
	t.Helper()
	generic := kernel.Generic().NewScanner(w)
	var want, got []uint64
	for at := first; at < first+count; at++ {
		if generic.Scan(at, 1) == 0 {
			want = append(want, at)
		}
	}
	for from := uint64(0); from < count; {
		hit, err := s.Scan(t.Context(), w, first+from, count-from, func(uint64) {})
		if err != nil {
			t.Fatal(err)
		}
		if hit < 0 {
			break
		}
		got = append(got, first+from+uint64(hit))
		from += uint64(hit) + 1
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%+v, %+v, %d from %d on: hits %d, want %d", w.Beginning(), w.Digits, count, first, got, want)
	}
}

// Two lanes scan at the same time and don't disturb each other.
func TestLanesAtTheSameTime(t *testing.T) {
	d := openFirst(t)
	programs := device.NewPrograms(d, false, func(string) {}, nil)
	var lanes sync.WaitGroup
	for lane := range 2 {
		lanes.Go(func() {
			runtime.LockOSThread() // the thread ends with the goroutine
			s, err := device.NewScanner(d, programs, device.Config{})
			if err != nil {
				t.Error(err)
				return
			}
			w := kernel.NewWork([]byte(strings.Repeat("lane", 1+lane)), kernel.Plain(8), 5)
			want := int64(kernel.Generic().NewScanner(w).Scan(0, 1))
			generic := kernel.Generic().NewScanner(w)
			for at := uint64(0); want < 0; at += kernel.MaxBatch {
				if i := generic.Scan(at, kernel.MaxBatch); i >= 0 {
					want = int64(at) + int64(i)
				}
			}
			if hit, err := s.Scan(t.Context(), w, 0, w.Candidates(), func(uint64) {}); hit != want || err != nil {
				t.Errorf("lane %d: hit %d, error %v, want %d", lane, hit, err, want)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	lanes.Wait()
}

func TestOpenUnknown(t *testing.T) {
	b := New(Config{})
	defer b.Close()
	for _, id := range []string{"", "opencl", "opencl:0", "opencl:9:0", "opencl:0:9", "cuda:0:0", "opencl:-1:0", "opencl:0:0:0", "opencl:99999999999999999999:0"} {
		if _, err := b.Open(id); !errors.Is(err, device.ErrNoDevice) {
			t.Errorf("%q: error %v, want ErrNoDevice", id, err)
		}
	}
}

// result is what was noted of an attempt; empty if it was not tried.
func result(tried []protocol.Attempt, what string) string {
	for _, a := range tried {
		if a.What == what {
			return a.Result
		}
	}
	return ""
}

func TestNoLibrary(t *testing.T) {
	folder := t.TempDir()
	broken := filepath.Join(folder, "libBroken.so")
	if err := os.WriteFile(broken, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := New(Config{Libraries: []string{"libMissing.so.7", broken}, Vendors: folder})
	defer b.Close()
	devices, tried := b.List(t.Context())
	if len(devices) > 0 || !strings.Contains(result(tried, "library libMissing.so.7"), "No such file") ||
		!strings.Contains(result(tried, "library "+broken), "file too short") {
		t.Errorf("devices %v, tried %v", devices, tried)
	}
	if _, err := b.Open("opencl:0:0"); !errors.Is(err, device.ErrNoDevice) {
		t.Errorf("error %v, want ErrNoDevice", err)
	}
}

// A library that isn't OpenCL's is found out by the function that it lacks.
func TestWrongLibrary(t *testing.T) {
	b := New(Config{Libraries: []string{"libc.so.6"}, Vendors: t.TempDir()})
	defer b.Close()
	if _, tried := b.List(t.Context()); !strings.Contains(result(tried, "library libc.so.6"), "no function clGetPlatformIDs") {
		t.Errorf("tried %v", tried)
	}
}

// The folder of ICD files is missing, empty, or has one that names nothing.
func TestVendors(t *testing.T) {
	folder := t.TempDir()
	missing := filepath.Join(folder, "missing")
	none := New(Config{Libraries: []string{"none"}, Vendors: missing})
	none.List(t.Context())
	if got := result(none.tried, "ICD files in "+missing); got != "there is no such folder" {
		t.Errorf("a missing folder: %q", got)
	}
	empty := New(Config{Libraries: []string{"none"}, Vendors: folder})
	empty.List(t.Context())
	if got := result(empty.tried, "ICD files in "+folder); got != "there are none" {
		t.Errorf("an empty folder: %q", got)
	}
	file := filepath.Join(folder, "broken.icd")
	if err := os.WriteFile(file, []byte("libNowhere.so.1\nrest\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := New(Config{Libraries: []string{"none"}, Vendors: folder})
	broken.List(t.Context())
	if got := result(broken.tried, "ICD file "+file); !strings.Contains(got, "names libNowhere.so.1: ") || !strings.Contains(got, "No such file") {
		t.Errorf("a broken file: %q", got)
	}
}

// Where the user's cache can't be written, drivers get another folder for this run.
func TestCacheFolder(t *testing.T) {
	t.Setenv(cacheVariable, "") // restored after the test
	os.Unsetenv(cacheVariable)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", file) // no folder
	b := New(Config{Libraries: []string{"none"}, Vendors: t.TempDir()})
	b.List(t.Context())
	folder := os.Getenv(cacheVariable)
	if _, err := os.Stat(folder); folder == "" || err != nil {
		t.Fatalf("the folder %q: %v; tried %v", folder, err, b.tried)
	}
	b.Close()
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("the folder %q is left behind", folder)
	}
}

// A driver that no ICD file names gets one beside the others, for this run.
func TestDriverWithoutVendorFile(t *testing.T) {
	t.Setenv(vendorsVariable, "") // restored after the test
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "other.icd"), []byte("libOther.so.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := New(Config{Libraries: []string{"none"}, Vendors: folder})
	b.addVendor(folder, nvidiaLibrary)
	named := map[string]bool{}
	for _, file := range []string{"other.icd", nvidiaLibrary + ".icd"} {
		name, err := readVendor(filepath.Join(os.Getenv(vendorsVariable), file))
		if err != nil {
			t.Error(err)
		}
		named[name] = true
	}
	if !named["libOther.so.1"] || !named[nvidiaLibrary] {
		t.Errorf("named %v", named)
	}
	if got := result(b.tried, "ICD file for "+nvidiaLibrary); !strings.HasPrefix(got, "made for this run") {
		t.Errorf("tried %v", b.tried)
	}
	b.Close()
	if _, err := os.Stat(os.Getenv(vendorsVariable)); err == nil {
		t.Error("the folder is left behind")
	}
}
