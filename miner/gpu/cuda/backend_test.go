package cuda

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lode/miner/gpu/device"
	"lode/miner/gpu/dynamic"
	"lode/miner/gpu/protocol"
)

// results are what was tried, as "what: result".
func results(tried []protocol.Attempt) (list []string) {
	for _, a := range tried {
		list = append(list, a.What+": "+a.Result)
	}
	return list
}

func TestList(t *testing.T) {
	t.Setenv(visibleVariable, "0,1")
	t.Setenv(orderVariable, "")
	path, f := fakeDriver(t)
	devices, tried := New(Config{Library: path}).List(t.Context())
	want := []protocol.Device{
		{ID: "cuda:0", Backend: "cuda", Name: "NVIDIA Fake 0", Vendor: "NVIDIA Corporation", Driver: "12.4", Kind: "gpu", MemoryBytes: 85 << 30, Units: 1, PCI: "0000:1a:00.0"},
		{ID: "cuda:1", Backend: "cuda", Name: "NVIDIA Fake 1", Vendor: "NVIDIA Corporation", Driver: "12.4", Kind: "gpu", MemoryBytes: 85 << 30, Units: 1, PCI: "0000:1b:00.0",
			Problem: "its compute capability is 6.1, and the kernels need 7.0 (2017: Volta, Turing) or later; try it through OpenCL"},
	}
	if !reflect.DeepEqual(devices, want) {
		t.Errorf("the devices are\n%+v instead of\n%+v", devices, want)
	}
	wantTried := []string{`environment CUDA_VISIBLE_DEVICES: "0,1": others are hidden`, "library " + path + ": loaded", "driver: CUDA 12.4", "devices: 2"}
	if got := results(tried); !reflect.DeepEqual(got, wantTried) {
		t.Errorf("tried\n%q instead of\n%q", got, wantTried)
	}
	if f.ByBus() == 0 {
		t.Error("the driver doesn't number devices by their places on the bus")
	}
}

// unusable checks that there is no device, and that people are told why.
func unusable(t *testing.T, path, what, why string) error {
	t.Helper()
	b := New(Config{Library: path})
	devices, tried := b.List(t.Context())
	if len(devices) != 0 {
		t.Errorf("devices %+v", devices)
	}
	last := protocol.Attempt{}
	if len(tried) > 0 {
		last = tried[len(tried)-1]
	}
	if last.Backend != Name || last.What != what || !strings.Contains(last.Result, why) {
		t.Errorf("the last attempt is %+v, and should be %q with %q", last, what, why)
	}
	_, err := b.Open("cuda:0")
	if !errors.Is(err, device.ErrNoDevice) {
		t.Errorf("opening: %v", err)
	}
	return err
}

func TestNoLibrary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "libcuda.so.1")
	_ = unusable(t, path, "library "+path, "cannot open shared object file")
}

func TestOldDriver(t *testing.T) {
	path := copied(t, oldLibrary)
	err := unusable(t, path, "library "+path, "it has no function cuDevicePrimaryCtxSetFlags_v2")
	if !errors.Is(err, dynamic.ErrMissing) || !strings.Contains(err.Error(), "CUDA 11.0 (a driver of version 450) or later is needed") {
		t.Error(err)
	}
}

func TestDriverDoesNotStart(t *testing.T) {
	for s, why := range map[status]string{
		noDevice:       "CUDA_ERROR_FAKE_100 (100): as planned; the driver has no GPU: nvidia-smi should list one",
		driverMismatch: "reboot after an update",
		unknownError:   "nvidia_uvm",
		7:              "cuInit: CUDA_ERROR_FAKE_7 (7): as planned",
	} {
		path, f := fakeDriver(t)
		f.Plan("cuInit", int32(s))
		err := unusable(t, path, "driver", why)
		if failed, ok := errors.AsType[*Error](err); !ok || failed.Status != int32(s) || failed.Call != "cuInit" {
			t.Errorf("%d: %v", s, err)
		}
	}
}

func TestErrorWithoutText(t *testing.T) {
	path, f := fakeDriver(t)
	f.Plan("cuInit", 7)
	f.Plan("cuGetErrorName", 1)
	_ = unusable(t, path, "driver", "cuInit: error 7")
}

func TestDevicesCannotBeCounted(t *testing.T) {
	path, f := fakeDriver(t)
	f.Plan("cuDeviceGetCount", 999)
	_ = unusable(t, path, "devices", "cuDeviceGetCount: CUDA_ERROR_FAKE_999")
}

func TestSystemLibrary(t *testing.T) {
	for system, want := range map[string]string{"linux": "libcuda.so.1", "windows": "nvcuda.dll"} {
		if got := systemLibrary(system); got != want {
			t.Errorf("%s: %s", system, got)
		}
	}
}

func TestUnknownDevices(t *testing.T) {
	path, _ := fakeDriver(t)
	b := New(Config{Library: path})
	for _, id := range []string{"", "cuda", "cuda:", "cuda:2", "cuda:-1", "cuda:x", "cuda:0:0", "opencl:0:0", "cuda:65536"} {
		if d, err := b.Open(id); !errors.Is(err, device.ErrNoDevice) {
			t.Errorf("%q: %v, %v", id, d, err)
		}
	}
}

// A thread that waits for the device must sleep, whoever else has the device open.
func TestOpenTwice(t *testing.T) {
	path, f := fakeDriver(t)
	b := New(Config{Library: path})
	var opened []device.Device
	for range 2 {
		d, err := b.Open("cuda:0")
		if err != nil {
			t.Fatal(err)
		}
		opened = append(opened, d)
	}
	if got := f.Flags(0); got != 4 {
		t.Errorf("the context's flags are %d", got)
	}
	for _, d := range opened {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := f.Live(); got != 0 {
		t.Errorf("%d contexts are left", got)
	}
}

func TestDeviceDoesNotOpen(t *testing.T) {
	for _, call := range []string{"cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxSetFlags_v2"} {
		path, f := fakeDriver(t)
		f.Plan(call, int32(unavailable))
		_, err := New(Config{Library: path}).Open("cuda:0")
		if failed, ok := errors.AsType[*Error](err); !ok || failed.Status != int32(unavailable) {
			t.Errorf("%s: %v", call, err)
		}
	}
}
