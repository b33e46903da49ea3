package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lode/chain/wire"
	"lode/miner"
	"lode/miner/gpu"
	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// chosen are the names of the devices that mine by --gpu, and what is logged.
func chosen(t *testing.T, o gpuOptions) (names []string, said string) {
	t.Helper()
	var log strings.Builder
	devices, err := o.devices(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		names = append(names, d.Name())
	}
	return names, log.String()
}

// fakeList makes the fake miner-gpu list devices, and returns its path.
func fakeList(t *testing.T, devices ...protocol.Device) string {
	t.Helper()
	text, err := protocol.Listing{Devices: devices}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(listed, path)
	program, err := exec.LookPath("miner-gpu")
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func TestWhichDevicesMine(t *testing.T) {
	program := fakeList(t,
		protocol.Device{ID: "cuda:0", Backend: "cuda", Name: "A", Kind: protocol.GPU},
		protocol.Device{ID: "opencl:0:0", Backend: "opencl", Name: "B", Kind: protocol.CPU},
		protocol.Device{ID: "opencl:1:0", Backend: "opencl", Name: "C", Kind: protocol.GPU, Problem: "its driver has no compiler"},
		protocol.Device{ID: "opencl:1:1", Backend: "opencl", Name: "D", Kind: protocol.Accelerator},
	)
	for use, want := range map[string][]string{
		gpuOff: nil, gpuAuto: {"gpu0 A", "gpu3 D"}, gpuAll: {"gpu0 A", "gpu1 B", "gpu3 D"}, "1": {"gpu1 B"}, "3, 0": {"gpu0 A", "gpu3 D"}, "7": nil,
	} {
		names, said := chosen(t, gpuOptions{use: use, program: program})
		if !slices.Equal(names, want) {
			t.Errorf("--gpu %s: %q, want %q", use, names, want)
		}
		if hidden := use == gpuOff || use == "1" || use == "3, 0" || use == "7"; hidden == strings.Contains(said, `level=WARN msg="a device doesn't mine" device="gpu2 C" problem="its driver has no compiler"`) {
			t.Errorf("--gpu %s: %s", use, said)
		}
	}
	if _, said := chosen(t, gpuOptions{use: "7", program: program}); !strings.Contains(said, "level=WARN") || !strings.Contains(said, "number=7") {
		t.Errorf("a number that isn't there: %s", said)
	}
}

// Where nothing is found, a line says so: a warning to who asked for devices.
func TestNoDeviceMines(t *testing.T) {
	none := fakeList(t)
	missing := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct{ use, program, level, message string }{
		{gpuAuto, none, "INFO", "no GPU mines: none is there; `miner devices --why` tells what was tried"},
		{gpuAll, none, "WARN", "no GPU mines: none is there; `miner devices --why` tells what was tried"},
		{gpuAuto, missing, "INFO", "no GPU mines: it can't be found out which there are"},
		{"0", missing, "WARN", "no GPU mines: it can't be found out which there are"},
	} {
		names, said := chosen(t, gpuOptions{use: test.use, program: test.program})
		if names != nil || !strings.Contains(said, "level="+test.level+" msg=\""+test.message) || strings.Count(said, "\n") != 1 {
			t.Errorf("--gpu %s: %q, %s", test.use, names, said)
		}
	}
}

func TestDeviceUse(t *testing.T) {
	for use, want := range map[string]miner.DeviceUse{gpuAuto: miner.UseAuto, gpuAll: miner.UseAlways, "0": miner.UseAlways} {
		if got := (&gpuOptions{use: use}).deviceUse(); got != want {
			t.Errorf("--gpu %s: %s, want %s", use, got, want)
		}
	}
}

// buildGPU builds the real miner-gpu and finds a device, which CI has: OpenCL on the
// CPU is enough.
func buildGPU(t *testing.T) (program string, device protocol.Device) {
	t.Helper()
	onceIsEnough(t)
	if runtime.GOOS != "linux" {
		t.Skip("OpenCL on CPUs is tested on Linux")
	}
	program = filepath.Join(t.TempDir(), "miner-gpu")
	build := exec.Command("go", "build", "-o", program, "lode/cmd/miner-gpu")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building miner-gpu: %v\n%s", err, out)
	}
	listing, err := gpu.List(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	if len(listing.Devices) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("no device: ", listing.Attempts)
		}
		t.Skip("no device (Debian: pocl-opencl-icd ocl-icd-libopencl1): ", listing.Attempts)
	}
	return program, listing.Devices[0]
}

// The real program scans as portable code does, and ends with its owner.
func TestProcessOfRealDevice(t *testing.T) {
	program, device := buildGPU(t)
	p := gpu.New(gpu.Config{Program: program, Device: device, Name: gpu.Label(0, device), Logger: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }() // ends with ctx
	eventually(t, func() bool { return p.Rate() > 0 || len(ended) > 0 })
	w := kernel.NewWork([]byte("found through all layers, far away"), kernel.Plain(9), 5)
	want, generic := int64(-1), kernel.Generic().NewScanner(w)
	for first := uint64(0); want < 0; first += kernel.MaxBatch {
		if i := generic.Scan(first, kernel.MaxBatch); i >= 0 {
			want = int64(first) + int64(i)
		}
	}
	if hit, err := p.Scan(t.Context(), w, 0, w.Candidates()); hit != want || err != nil {
		t.Errorf("hit %d, error %v, want %d", hit, err, want)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestDeviceMinesForOriginalNode lets a device and a worker mine for a node that follows
// the original's rules, and knows nothing of ours.
func TestDeviceMinesForOriginalNode(t *testing.T) {
	program, _ := buildGPU(t)
	const difficulty = 5
	original := newClassic(t, difficulty, 0)
	p := start(t, t.TempDir(), freePort(t), "--gpu", "all", "--gpu-program", program, "--workers", "1", "--mine",
		"--create-wallet", "--difficulty", "5", "--peer", original.host())
	eventually(t, func() bool { return deviceHashes(p) > 0 })
	before := original.height()
	eventually(t, func() bool { return original.height() >= before+3 })
	mining := p.must(http.StatusOK, "GET", "/v1/mining", "")
	if mismatches, _ := mining["kernel_mismatches"].(wire.Number).Int64(); mismatches != 0 {
		t.Errorf("%d mismatches", mismatches)
	}
	p.interrupt()
}

func (c *classic) height() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.chain) - 1
}

// deviceHashes is what the node's only device has hashed.
func deviceHashes(p *process) int64 {
	p.t.Helper()
	devices, _ := p.must(http.StatusOK, "GET", "/v1/mining", "")["devices"].([]any)
	if len(devices) != 1 {
		p.t.Fatalf("devices %v", devices)
	}
	count, _ := devices[0].(map[string]any)["hashes"].(wire.Number).Int64()
	return count
}
