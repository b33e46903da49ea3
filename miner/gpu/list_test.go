package gpu

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lode/miner/gpu/protocol"
)

// asLister says what a fake does as `miner-gpu list`.
const asLister = "TEST_AS_LISTER"

func printList(how string) {
	switch how {
	case "hangs":
		fmt.Fprintln(os.Stderr, "waking up the driver")
		time.Sleep(time.Hour)
	case "crashes":
		for i := range 1000 {
			fmt.Fprintln(os.Stderr, "frame", i, "\x1b[1m")
		}
		fmt.Print(`{"version":1,`)
		os.Exit(134)
	case "prints without end":
		for {
			if _, err := fmt.Print(strings.Repeat("a", 1000)); err != nil {
				time.Sleep(time.Hour)
			}
		}
	case "leaves a child":
		child := exec.Command(os.Args[0], "list")
		child.Env = append(os.Environ(), asLister+"=hangs")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Println(`{"version":1,"devices":[],"attempts":[]}`)
	default:
		fmt.Print(how)
	}
}

var (
	cuda   = protocol.Device{ID: "cuda:0", Backend: "cuda", Name: "A", Kind: protocol.GPU, PCI: "0000:AB:00.0"}
	opencl = protocol.Device{ID: "opencl:0.1", Backend: "opencl", Name: "A", Kind: protocol.GPU, PCI: "0000:ab:00.0"}
	pocl   = protocol.Device{ID: "opencl:1.0", Backend: "opencl", Name: "B", Kind: protocol.CPU}
)

func TestList(t *testing.T) {
	listing := protocol.Listing{
		Devices:  []protocol.Device{cuda, opencl, pocl},
		Attempts: []protocol.Attempt{{Backend: "cuda", What: "library libcuda.so.1", Result: "loaded"}},
	}
	text, err := listing.Encode()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asLister, string(text))
	got, err := List(t.Context(), os.Args[0])
	want := protocol.Listing{Version: 1, Devices: []protocol.Device{cuda, pocl}, Attempts: listing.Attempts}
	if !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestListFails(t *testing.T) {
	for _, test := range []struct {
		how     string
		timeout time.Duration
		kind    error
		says    string
	}{
		{"hangs", 200 * time.Millisecond, ErrProgram, "it took longer than 200ms"},
		{"crashes", time.Hour, ErrProgram, "exit status 134; it said: frame 995  [1m | frame 996  [1m | frame 997  [1m | frame 998  [1m | frame 999  [1m"},
		{"prints without end", time.Hour, ErrProgram, "it printed more than 1048576 bytes"},
		{"Segmentation fault", time.Hour, protocol.ErrLine, "Segmentation fault"},
		{`{"version":3}`, time.Hour, protocol.ErrVersion, "another version of the protocol: 3 instead of 1"},
	} {
		t.Run(test.how, func(t *testing.T) {
			t.Setenv(asLister, test.how)
			got, err := list(t.Context(), os.Args[0], test.timeout)
			if !errors.Is(err, ErrProgram) || !errors.Is(err, test.kind) || got.Devices != nil {
				t.Fatalf("%+v, error %v", got, err)
			}
			if !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\x1b") || !strings.HasPrefix(err.Error(), "miner-gpu failed: ") {
				t.Errorf("error %v, want %q", err, test.says)
			}
		})
	}
}

// TestListLeavesAChild has a program that leaves another one on its pipes.
func TestListLeavesAChild(t *testing.T) {
	t.Setenv(asLister, "leaves a child")
	if got, err := List(t.Context(), os.Args[0]); len(got.Devices) > 0 || err != nil {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestListWithoutProgram(t *testing.T) {
	if _, err := List(t.Context(), filepath.Join(t.TempDir(), "miner-gpu")); !errors.Is(err, ErrProgram) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestMerge(t *testing.T) {
	broken := func(d protocol.Device) protocol.Device {
		d.Problem = "no memory"
		return d
	}
	second := cuda
	second.ID = "cuda:1"
	for _, test := range []struct{ devices, want []protocol.Device }{
		{nil, []protocol.Device{}},
		{[]protocol.Device{opencl, cuda}, []protocol.Device{cuda}},
		{[]protocol.Device{cuda, opencl}, []protocol.Device{cuda}},
		{[]protocol.Device{broken(cuda), opencl}, []protocol.Device{opencl}},
		{[]protocol.Device{opencl, broken(cuda)}, []protocol.Device{opencl}},
		{[]protocol.Device{broken(opencl), broken(cuda)}, []protocol.Device{broken(cuda)}},
		{[]protocol.Device{cuda, second, pocl, pocl}, []protocol.Device{cuda, second, pocl, pocl}},
	} {
		if got := merge(test.devices); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v: %+v, want %+v", test.devices, got, test.want)
		}
	}
}

// TestFind puts the program beside this one, in PATH, and nowhere.
func TestFind(t *testing.T) {
	inPath, elsewhere := executable(t, t.TempDir()), executable(t, t.TempDir())
	t.Setenv("PATH", filepath.Dir(inPath))
	check := func(given, want string) {
		t.Helper()
		if path, err := Find(given); path != want || err != nil {
			t.Errorf("%q: %q, error %v; want %q", given, path, err, want)
		}
	}
	check("", inPath)
	check(elsewhere, elsewhere)
	this, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	beside := executable(t, filepath.Dir(this))
	check("", beside)
	if err := os.Remove(beside); err != nil {
		t.Fatal(err)
	}
	if path, err := Find(elsewhere + "-none"); path != "" || !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), elsewhere+"-none") {
		t.Errorf("given: %q, error %v", path, err)
	}
	t.Setenv("PATH", "")
	if path, err := Find(""); path != "" || !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "looked for "+beside+", and for miner-gpu") {
		t.Errorf("nowhere: %q, error %v", path, err)
	}
}

func executable(t *testing.T, folder string) string {
	t.Helper()
	path := filepath.Join(folder, programName())
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path) })
	return path
}

func TestEnvironment(t *testing.T) {
	got := environment([]string{"PATH=/bin", "MINER_TOKEN_FILE=/x", "miner_port=1", "CUDA_VISIBLE_DEVICES=0", "OCL_ICD_VENDORS=/v", "LD_LIBRARY_PATH=/l", "NOT_MINER_=1"})
	want := []string{"PATH=/bin", "CUDA_VISIBLE_DEVICES=0", "OCL_ICD_VENDORS=/v", "LD_LIBRARY_PATH=/l", "NOT_MINER_=1"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestArguments(t *testing.T) {
	for _, test := range []struct {
		cfg  Config
		want string
	}{
		{Config{Device: cuda}, "run --device cuda:0"},
		{Config{Device: cuda, Force: true, Launch: 5 * time.Millisecond}, "run --device cuda:0 --force --launch 5ms"},
	} {
		if got := strings.Join(arguments(test.cfg), " "); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// holdPipes ends when it is killed; who reads the fifo sees that.
func holdPipes(fifo string) {
	if _, err := os.OpenFile(fifo, os.O_WRONLY, 0); err != nil {
		panic(err)
	}
	time.Sleep(time.Hour)
}
