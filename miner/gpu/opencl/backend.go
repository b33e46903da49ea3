package opencl

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"lode/miner/gpu/device"
	"lode/miner/gpu/dynamic"
	"lode/miner/gpu/protocol"
)

// Name is the back end's.
const Name = "opencl"

// Config is what a Backend needs; the zero value is the system's.
type Config struct {
	Libraries []string // names or paths of OpenCL's own library, tried in turn; none = those of the system
	Vendors   string   // the folder of ICD files; empty = the system's
}

// Backend implements device.Backend. The library is loaded once, and stays.
type Backend struct {
	cfg Config

	mu      sync.Mutex // guards the fields below
	library *library
	tried   []protocol.Attempt
	missing error // why there is no library
	cleanup []func()
}

// New makes a Backend; nothing is loaded yet.
func New(cfg Config) *Backend {
	if len(cfg.Libraries) == 0 {
		cfg.Libraries = systemLibraries(runtime.GOOS)
	}
	if cfg.Vendors == "" {
		cfg.Vendors = systemVendors
	}
	return &Backend{cfg: cfg}
}

func systemLibraries(system string) []string {
	switch system {
	case "windows":
		return []string{"OpenCL.dll"}
	case "darwin":
		return []string{"/System/Library/Frameworks/OpenCL.framework/OpenCL"}
	}
	return []string{"libOpenCL.so.1", "libOpenCL.so"}
}

// Name implements device.Backend.
func (b *Backend) Name() string { return Name }

// Close removes the temporary folders that drivers were given.
func (b *Backend) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, remove := range b.cleanup {
		remove()
	}
	b.cleanup = nil
}

// tell notes what was tried.
func (b *Backend) tell(what, result string) {
	b.tried = append(b.tried, protocol.Attempt{Backend: Name, What: what, Result: result})
}

// loaded is the library, which the first call loads. Errors are device.ErrNoDevice.
func (b *Backend) loaded() (*library, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.library == nil && b.missing == nil {
		b.library, b.missing = b.load()
	}
	return b.library, b.missing
}

func (b *Backend) load() (*library, error) {
	b.prepare()
	var failures []error
	for _, name := range b.cfg.Libraries {
		l, err := open(name)
		if err == nil {
			b.tell("library "+name, "loaded")
			return l, nil
		}
		b.tell("library "+name, protocol.Printable(err.Error(), 300))
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("%w: OpenCL's library can't be loaded: %w", device.ErrNoDevice, errors.Join(failures...))
}

func open(name string) (*library, error) {
	opened, err := dynamic.Open(name)
	if err != nil {
		return nil, err
	}
	l := new(library)
	return l, opened.Bind("cl", l)
}

// List implements device.Backend.
func (b *Backend) List(ctx context.Context) (devices []protocol.Device, tried []protocol.Attempt) {
	l, err := b.loaded()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		return nil, b.tried
	}
	for number, p := range b.platforms(l) {
		if ctx.Err() != nil {
			break
		}
		name := l.platformText(p, platformName)
		ids, s := l.devices(p)
		b.tell("platform "+name, outcome(len(ids), "device", s))
		for i, d := range ids {
			devices = append(devices, l.describe(identify(number, i), d))
		}
	}
	return devices, b.tried
}

// platforms are the drivers that the library found.
func (b *Backend) platforms(l *library) []platformID {
	var count uint32
	s := l.GetPlatformIDs(0, nil, &count)
	ids := make([]platformID, count)
	if s == success && count > 0 {
		s = l.GetPlatformIDs(count, &ids[0], nil)
	}
	if s != success {
		ids = nil
	}
	b.tell("platforms", outcome(len(ids), "platform", s))
	return ids
}

// outcome says how many there are, or why there are none.
func outcome(count int, what string, s status) string {
	switch {
	case s == noPlatform:
		return "none: no ICD file names a driver that can be loaded"
	case s != success && s != deviceNotFound:
		return check("", s).Error()
	case count == 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", count, what)
}

func (l *library) platformText(p platformID, name uint32) string {
	return text(func(size uintptr, value unsafe.Pointer, written *uintptr) status {
		return l.GetPlatformInfo(p, name, size, value, written)
	})
}

func (l *library) devices(p platformID) ([]deviceID, status) {
	var count uint32
	s := l.GetDeviceIDs(p, typeAll, 0, nil, &count)
	if s != success || count == 0 {
		return nil, s
	}
	ids := make([]deviceID, count)
	if s = l.GetDeviceIDs(p, typeAll, count, &ids[0], nil); s != success {
		return nil, s
	}
	return ids, success
}

// identify is a device's ID: the numbers of its platform and of itself there.
func identify(platform, number int) string { return fmt.Sprintf("%s:%d:%d", Name, platform, number) }

// Open implements device.Backend.
func (b *Backend) Open(id string) (device.Device, error) {
	l, err := b.loaded()
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	platforms := b.platforms(l)
	platform, number, err := parseID(id)
	if err != nil || platform >= len(platforms) {
		return nil, fmt.Errorf("%w: %s", device.ErrNoDevice, id)
	}
	devices, _ := l.devices(platforms[platform])
	if number >= len(devices) {
		return nil, fmt.Errorf("%w: %s", device.ErrNoDevice, id)
	}
	info := l.describe(id, devices[number])
	return l.open(info, devices[number])
}

var errID = errors.New("not an ID of an OpenCL device")

func parseID(id string) (platform, number int, err error) {
	parts := strings.Split(id, ":")
	if len(parts) != 3 || parts[0] != Name {
		return 0, 0, errID
	}
	first, err1 := strconv.ParseUint(parts[1], 10, 16)
	second, err2 := strconv.ParseUint(parts[2], 10, 16)
	return int(first), int(second), errors.Join(err1, err2)
}
