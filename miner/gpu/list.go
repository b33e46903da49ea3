package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"lode/miner/gpu/protocol"
)

// ErrProgram is miner-gpu that ended, hung or said what it must not say.
var ErrProgram = errors.New("miner-gpu failed")

// listTimeout bounds `miner-gpu list`: drivers may take seconds to wake up.
const listTimeout = 30 * time.Second

// List asks the program at path for its devices. What two back ends found on one PCI
// slot is one device. Errors are ErrProgram and, if it is of another version,
// protocol.ErrVersion as well.
func List(ctx context.Context, path string) (protocol.Listing, error) {
	return list(ctx, path, listTimeout)
}

func list(ctx context.Context, path string, timeout time.Duration) (protocol.Listing, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it took longer than %v", timeout))
	defer cancel()
	output := bounded{limit: protocol.MaxListing, cancel: cancel}
	var said words
	command := exec.CommandContext(ctx, path, "list") // #nosec G204 -- the user's own program
	command.Env = environment(os.Environ())
	command.Stdout, command.Stderr = &output, &said
	isolate(command)
	command.Cancel = func() error { return killAll(command) }
	command.WaitDelay = killPatience
	err := command.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // all was said, but something that it has started holds the pipes
		err = killAll(command)
	}
	switch {
	case output.full:
		err = fmt.Errorf("it printed more than %d bytes", protocol.MaxListing)
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	if err != nil {
		return protocol.Listing{}, said.behind(fmt.Errorf("%w: %s list: %w", ErrProgram, path, err))
	}
	listing, err := protocol.DecodeListing(output.text.Bytes())
	if err != nil {
		return protocol.Listing{}, said.behind(fmt.Errorf("%w: %s list: %w", ErrProgram, path, err))
	}
	listing.Devices = merge(listing.Devices)
	return listing, nil
}

// bounded keeps what is written up to a limit, and cancels whoever writes more.
type bounded struct {
	limit  int
	cancel context.CancelFunc
	text   bytes.Buffer
	full   bool
}

// Write implements io.Writer.
func (b *bounded) Write(text []byte) (int, error) {
	if b.text.Len()+len(text) > b.limit {
		b.full = true
		b.cancel()
		return 0, os.ErrClosed
	}
	return b.text.Write(text)
}

// merge leaves one of the devices that several back ends found in the same PCI slot:
// one that works, and of these the one of CUDA.
func merge(devices []protocol.Device) []protocol.Device {
	merged := make([]protocol.Device, 0, len(devices))
	for _, d := range devices {
		twin := -1
		for i, other := range merged {
			if d.PCI != "" && strings.EqualFold(d.PCI, other.PCI) && d.Backend != other.Backend {
				twin = i
			}
		}
		switch {
		case twin < 0:
			merged = append(merged, d)
		case preferred(d, merged[twin]):
			merged[twin] = d
		}
	}
	return merged
}

func preferred(d, over protocol.Device) bool {
	if (d.Problem == "") != (over.Problem == "") {
		return d.Problem == ""
	}
	return d.Backend == "cuda"
}

// Label is what people and metrics know a device by.
func Label(number int, d protocol.Device) string {
	return fmt.Sprintf("gpu%d %s", number, d.Name)
}
