package dynamic

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// openSystem opens a library that each system has.
func openSystem(t *testing.T) Library {
	t.Helper()
	name := map[string]string{"windows": "kernel32.dll", "darwin": "/usr/lib/libSystem.B.dylib", "freebsd": "libc.so.7"}[runtime.GOOS]
	if name == "" {
		name = "libc.so.6"
	}
	library, err := Open(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("no C library of that name: ", err)
	}
	return library
}

func TestBind(t *testing.T) {
	if runtime.GOOS == "windows" {
		var own struct {
			CurrentProcessID func() int32 `symbol:"CurrentProcessId"`
		}
		if err := openSystem(t).Bind("Get", &own); err != nil || int(own.CurrentProcessID()) != os.Getpid() {
			t.Error(err)
		}
		return
	}
	var own struct {
		Own    func() int32 `symbol:"pid"`
		Parent func() int32 `symbol:"ppid"`
	}
	if err := openSystem(t).Bind("get", &own); err != nil {
		t.Fatal(err)
	}
	if int(own.Own()) != os.Getpid() || int(own.Parent()) != os.Getppid() {
		t.Errorf("getpid is %d, getppid %d", own.Own(), own.Parent())
	}
}

func TestBindMissing(t *testing.T) {
	var functions struct{ Missing func() }
	if err := openSystem(t).Bind("get", &functions); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "getMissing") {
		t.Error(err)
	}
}

func TestOpenMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "libmissing.so")
	if library, err := Open(path); err == nil || library != 0 {
		t.Errorf("%v, %v", library, err)
	}
}
