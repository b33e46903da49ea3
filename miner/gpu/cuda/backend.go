package cuda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"lode/miner/gpu/device"
	"lode/miner/gpu/dynamic"
	"lode/miner/gpu/protocol"
)

// Name is the back end's.
const Name = "cuda"

// Config is what a Backend needs; the zero value is the system's.
type Config struct {
	Library string // name or path of the driver's library; empty = the system's
}

// Backend implements device.Backend. The library is loaded once, and stays.
type Backend struct {
	cfg Config

	mu      sync.Mutex // guards the fields below
	library *library
	tried   []protocol.Attempt
	missing error // why there is no library
}

// New makes a Backend; nothing is loaded yet.
func New(cfg Config) *Backend {
	if cfg.Library == "" {
		cfg.Library = systemLibrary(runtime.GOOS)
	}
	return &Backend{cfg: cfg}
}

func systemLibrary(system string) string {
	if system == "windows" {
		return "nvcuda.dll"
	}
	return "libcuda.so.1"
}

// Name implements device.Backend.
func (b *Backend) Name() string { return Name }

// Close has nothing to do: the library stays.
func (b *Backend) Close() {}

// maxResult is how long the result of an attempt may be.
const maxResult = 400

// tell notes what was tried.
func (b *Backend) tell(what, result string) {
	b.tried = append(b.tried, protocol.Attempt{Backend: Name, What: what, Result: protocol.Printable(result, maxResult)})
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
	l, err := b.open()
	if err != nil {
		b.tell("library "+b.cfg.Library, err.Error())
		return nil, fmt.Errorf("%w: CUDA's library %s can't be used: %w", device.ErrNoDevice, b.cfg.Library, err)
	}
	b.tell("library "+b.cfg.Library, "loaded")
	if err := l.check("Init", l.Init(0)); err != nil {
		b.tell("driver", err.Error())
		return nil, fmt.Errorf("%w: %w", device.ErrNoDevice, err)
	}
	b.tell("driver", "CUDA "+l.version())
	return l, nil
}

// What CUDA reads from the environment.
const (
	orderVariable   = "CUDA_DEVICE_ORDER"
	visibleVariable = "CUDA_VISIBLE_DEVICES"
)

// prepare has the driver number GPUs as nvidia-smi does, so that IDs stay the same and
// mean the same to people.
func (b *Backend) prepare() {
	if visible, set := os.LookupEnv(visibleVariable); set {
		b.tell("environment "+visibleVariable, strconv.Quote(visible)+": others are hidden")
	}
	if os.Getenv(orderVariable) != "" {
		return
	}
	if err := os.Setenv(orderVariable, "PCI_BUS_ID"); err != nil {
		b.tell("environment "+orderVariable, err.Error())
	}
}

func (b *Backend) open() (*library, error) {
	opened, err := dynamic.Open(b.cfg.Library)
	if err != nil {
		return nil, err
	}
	l := new(library)
	if err := opened.Bind("cu", l); err != nil {
		return nil, fmt.Errorf("%w; CUDA 11.0 (a driver of version 450) or later is needed", err)
	}
	return l, nil
}

// version is that of CUDA which the driver knows: "12.4".
func (l *library) version() string {
	var version int32
	if l.DriverGetVersion(&version) != success {
		return ""
	}
	return fmt.Sprintf("%d.%d", version/1000, version%1000/10)
}

// List implements device.Backend.
func (b *Backend) List(ctx context.Context) (devices []protocol.Device, tried []protocol.Attempt) {
	l, err := b.loaded()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		return nil, b.tried
	}
	ids, err := l.devices()
	if err != nil {
		b.tell("devices", err.Error())
	} else {
		b.tell("devices", strconv.Itoa(len(ids)))
	}
	for number, id := range ids {
		if ctx.Err() != nil {
			break
		}
		devices = append(devices, l.describe(number, id))
	}
	return devices, b.tried
}

// devices are all that the driver lets this process see. With an error they are those
// before the one that failed.
func (l *library) devices() (ids []deviceID, err error) {
	var count int32
	if err := l.check("DeviceGetCount", l.DeviceGetCount(&count)); err != nil {
		return nil, err
	}
	for ordinal := range count {
		var id deviceID
		if err := l.check("DeviceGet", l.DeviceGet(&id, ordinal)); err != nil {
			return ids, fmt.Errorf("device %d: %w", ordinal, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Open implements device.Backend.
func (b *Backend) Open(id string) (device.Device, error) {
	l, err := b.loaded()
	if err != nil {
		return nil, err
	}
	number, err := parseID(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", device.ErrNoDevice, id, err)
	}
	ids, err := l.devices()
	if number >= len(ids) {
		return nil, errors.Join(fmt.Errorf("%w: %s; the driver has %d", device.ErrNoDevice, id, len(ids)), err)
	}
	return l.open(l.describe(number, ids[number]), ids[number])
}

var errID = errors.New("not an ID of a CUDA device")

func parseID(id string) (number int, err error) {
	text, found := strings.CutPrefix(id, Name+":")
	parsed, err := strconv.ParseUint(text, 10, 16)
	if !found || err != nil {
		return 0, errID
	}
	return int(parsed), nil
}
