package cuda

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"lode/miner/gpu/device"
	"lode/miner/gpu/dynamic"
)

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "fake-cuda-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fakeFolder = folder
	code := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// fakeFolder is where the fake drivers are compiled; TestMain sets and removes it.
var fakeFolder string

// fake is what a test asks of the driver in testdata/driver.c.
type fake struct {
	Plan     func(function string, status int32)
	Live     func() int32
	Flags    func(device int32) int32
	ByBus    func() int32
	Launches func() int32
	Spoiled  func() int32
	Meet     func(kernels int32)
}

// The fake driver, and one that is too old.
const (
	fakeLibrary = "libcuda.so"
	oldLibrary  = "libold.so"
)

// fakeDriver is a driver of this test's own: its state is in a copy of the library. All
// that was made must have been given back at the end of the test.
func fakeDriver(t *testing.T) (path string, f *fake) {
	t.Helper()
	path = copied(t, fakeLibrary)
	library, err := dynamic.Open(path)
	f = new(fake)
	if err == nil {
		err = library.Bind("fake", f)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if f.Spoiled() != 0 {
			t.Error("a kernel wrote behind a buffer")
		}
	})
	return path, f
}

func copied(t *testing.T, name string) (path string) {
	t.Helper()
	folder, err := fakeLibraries()
	if errors.Is(err, errNoCompiler) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(folder, name))
	path = filepath.Join(t.TempDir(), name)
	if err == nil {
		err = os.WriteFile(path, content, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var errNoCompiler = errors.New("the fake driver needs gcc on Linux (Debian: gcc libc6-dev)")

// fakeLibraries compiles the fake drivers once and returns their folder.
var fakeLibraries = sync.OnceValues(func() (folder string, err error) {
	if _, missing := exec.LookPath("gcc"); missing != nil || runtime.GOOS != "linux" {
		return "", errNoCompiler
	}
	return fakeFolder, compileAll(fakeFolder)
})

// compileAll compiles each variant of the kernels with its own name, and the drivers
// with all of them.
func compileAll(folder string) error {
	var list strings.Builder
	var objects []string
	for _, variant := range device.Variants(1) {
		object := filepath.Join(folder, variant.String()+".o")
		function := strings.ReplaceAll(variant.String(), "-", "_")
		arguments := []string{"-c", "-x", "c", "-include", "testdata/dialect.h", "-D" + string(variant.Kernel) + "=" + function}
		for _, define := range variant.Defines() {
			arguments = append(arguments, "-D"+define[0]+"="+define[1])
		}
		if err := compile(append(arguments, "../device/scan.cl", "-o", object)...); err != nil {
			return err
		}
		objects = append(objects, object)
		fmt.Fprintf(&list, "X(%s,%d,%d)", variant.Kernel, variant.Word, variant.Lanes)
	}
	for name, option := range map[string]string{fakeLibrary: "-DNEW", oldLibrary: "-DOLD"} {
		arguments := append([]string{"-shared", "-pthread", option, "-DKERNELS=" + list.String(), "testdata/driver.c"}, objects...)
		if err := compile(append(arguments, "-o", filepath.Join(folder, name))...); err != nil {
			return err
		}
	}
	return nil
}

func compile(arguments ...string) error {
	out, err := exec.Command("gcc", append([]string{"-std=gnu11", "-O1", "-fPIC"}, arguments...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("gcc %s: %w: %s", strings.Join(arguments, " "), err, out)
	}
	return nil
}
