package opencl

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"lode/miner/gpu/dynamic"
	"lode/miner/gpu/protocol"
)

// systemVendors is where the loaders of OpenCL look for ICD files: each names the
// library of a driver.
const systemVendors = "/etc/OpenCL/vendors"

// What drivers read from the environment.
const (
	vendorsVariable = "OCL_ICD_VENDORS"
	cacheVariable   = "POCL_CACHE_DIR"
)

// nvidiaLibrary is NVIDIA's driver for OpenCL. In containers it is often there while
// the ICD file that names it isn't.
const nvidiaLibrary = "libnvidia-opencl.so.1"

// prepare sets what the loader and the drivers read from the environment, and notes
// what the loader will find. Only Linux and FreeBSD have ICD files.
func (b *Backend) prepare() {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return
	}
	b.prepareCache()
	folder := b.cfg.Vendors
	if other := os.Getenv(vendorsVariable); other != "" {
		b.tell("environment "+vendorsVariable, other)
		folder = other
	}
	named := b.readVendors(folder)
	if _, err := dynamic.Open(nvidiaLibrary); err == nil && !named[nvidiaLibrary] {
		b.addVendor(folder, nvidiaLibrary)
	}
}

// prepareCache gives PoCL a folder for what it compiles if it can't write to its own:
// it would only say that the device is invalid.
func (b *Backend) prepareCache() {
	if os.Getenv(cacheVariable) != "" {
		return
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		err = tryFolder(filepath.Join(cache, "pocl"))
	}
	if err == nil {
		return
	}
	temporary, made := b.temporary("miner-gpu-cache-")
	if made == nil {
		made = os.Setenv(cacheVariable, temporary)
	}
	if made != nil {
		temporary = "can't be made: " + made.Error()
	}
	b.tell("cache of compiled kernels", protocol.Printable("a temporary folder, "+temporary+", since the usual one can't be used: "+err.Error(), 300))
}

// tryFolder makes a folder if need be and returns why nothing can be written there.
func tryFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(path, "try-")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// temporary makes a folder that Close removes.
func (b *Backend) temporary(name string) (string, error) {
	path, err := os.MkdirTemp("", name)
	if err == nil {
		b.cleanup = append(b.cleanup, func() { _ = os.RemoveAll(path) })
	}
	return path, err
}

// readVendors notes each ICD file and whether its driver can be loaded, and returns
// the drivers' names. Where the system has no such files, there are none.
func (b *Backend) readVendors(folder string) map[string]bool {
	files, err := filepath.Glob(filepath.Join(folder, "*.icd"))
	if _, missing := os.Stat(folder); missing != nil || err != nil { // #nosec G703 -- the one that the loader reads
		b.tell("ICD files in "+folder, "there is no such folder")
		return nil
	}
	if len(files) == 0 {
		b.tell("ICD files in "+folder, "there are none")
	}
	named := map[string]bool{}
	for _, file := range files {
		name, err := readVendor(file)
		if err == nil {
			named[name] = true
			_, err = dynamic.Open(name)
		}
		result := "names " + name + ", which can be loaded"
		if err != nil {
			result = "names " + name + ": " + err.Error()
		}
		b.tell("ICD file "+file, protocol.Printable(result, 300))
	}
	return named
}

// readVendor reads the first line of an ICD file.
func readVendor(file string) (string, error) {
	text, err := os.ReadFile(file) // #nosec G703 -- the one that the loader reads
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line), err
}

// addVendor gives the loader a folder with all ICD files and one more for a driver.
func (b *Backend) addVendor(folder, driver string) {
	temporary, err := b.temporary("miner-gpu-icd-")
	if err == nil {
		err = errors.Join(copyVendors(folder, temporary), os.WriteFile(filepath.Join(temporary, driver+".icd"), []byte(driver+"\n"), 0o600))
	}
	if err == nil {
		err = os.Setenv(vendorsVariable, temporary)
	}
	result := "made for this run, since the driver is there and no ICD file names it"
	if err != nil {
		result = "can't be made: " + err.Error()
	}
	b.tell("ICD file for "+driver, protocol.Printable(result, 300))
}

func copyVendors(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.icd"))
	for _, file := range files {
		text, failed := os.ReadFile(file) // #nosec G703 -- the ones that the loader reads
		if failed == nil {
			failed = os.WriteFile(filepath.Join(to, filepath.Base(file)), text, 0o600) // #nosec G703 -- a folder made above
		}
		err = errors.Join(err, failed)
	}
	return err
}
