package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"lode/miner/gpu/protocol"
)

// asProgram makes the test binary run the program.
const asProgram = "TEST_AS_MINER_GPU"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program runs the program with nothing on stdin, and returns its output and exit code.
func program(t *testing.T, environment []string, arguments ...string) (out []byte, words string, code int) {
	t.Helper()
	command := exec.Command(os.Args[0], arguments...)
	command.Env = append(append(os.Environ(), asProgram+"=1"), environment...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return stdout.Bytes(), stderr.String(), command.ProcessState.ExitCode()
}

func decodeList(t *testing.T, out []byte) protocol.Listing {
	t.Helper()
	l, err := protocol.DecodeListing(out)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return l
}

// The list is that of each back end, one after the other.
func TestList(t *testing.T) {
	out, _, code := program(t, nil, "list")
	all := decodeList(t, out)
	if code != 0 || len(all.Attempts) == 0 {
		t.Fatalf("exit code %d, %s", code, out)
	}
	one, _, _ := program(t, nil, "list", "--backend", "opencl")
	for _, d := range decodeList(t, one).Devices {
		if !strings.Contains(string(out), `"id":"`+d.ID+`"`) {
			t.Errorf("the list lacks %s: %s", d.ID, out)
		}
	}
}

// A library that ends the process takes nothing from the other back ends, and the list
// says what it said.
func TestListOfLibraryThatAborts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the library is made for Linux")
	}
	folder := t.TempDir()
	source := filepath.Join(folder, "abort.c")
	text := "#include <stdio.h>\n#include <stdlib.h>\n__attribute__((constructor)) static void load(void) { fprintf(stderr, \"out of luck\\n\"); abort(); }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("no gcc")
	}
	if out, err := exec.Command(gcc, "-shared", "-fPIC", "-o", filepath.Join(folder, "libOpenCL.so.1"), source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, _, code := program(t, []string{"LD_LIBRARY_PATH=" + folder}, "list")
	said := ""
	for _, a := range decodeList(t, out).Attempts {
		if a.Backend == "opencl" {
			said = a.What + ": " + a.Result
		}
	}
	if want := "listing its devices: the library ended or held up the process: "; code != 0 || !strings.HasPrefix(said, want) || !strings.Contains(said, "it said: out of luck") {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestRunWithoutDevice(t *testing.T) {
	for _, id := range []string{"", "vulkan:0", "opencl:77:0"} {
		out, words, code := program(t, nil, "run", "--device", id)
		m, err := protocol.DecodeAnswer(bytes.TrimSuffix(out, []byte("\n")))
		if fatal, ok := m.(protocol.Fatal); code != 1 || !ok || fatal.Kind != protocol.FatalNoDevice {
			t.Errorf("%q: exit code %d, %s, %v", id, code, out, err)
		}
		if !strings.HasPrefix(words, "miner-gpu: ") {
			t.Errorf("%q: %s", id, words)
		}
	}
}

// The end of stdin is the end of the program.
func TestRunEndsWithTheNode(t *testing.T) {
	out, _, _ := program(t, nil, "list")
	devices := decodeList(t, out).Devices
	if len(devices) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("no device")
		}
		t.Skip("no device (Debian: pocl-opencl-icd ocl-icd-libopencl1)")
	}
	out, words, code := program(t, nil, "run", "--device", devices[0].ID)
	if code != 0 || words != "" || !bytes.HasPrefix(out, []byte(`{"type":"hello","version":1,`)) {
		t.Errorf("exit code %d, %s, %s", code, out, words)
	}
}
