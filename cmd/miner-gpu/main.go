// Command miner-gpu scans nonces on a GPU for the node. It is a program of its own
// because the libraries that talk to GPUs are loaded into it: they may end the process
// or hang. The node starts it; people ask `miner devices`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"lode/miner/gpu/cuda"
	"lode/miner/gpu/device"
	"lode/miner/gpu/opencl"
	"lode/miner/gpu/protocol"
)

func main() {
	// An interrupt on a terminal is for the node, which ends this process when it is
	// done with it.
	signal.Ignore(os.Interrupt)
	// Each lane waits in a library, and if nothing else were left to run Go code, the
	// runtime would look after them all the time: a tenth of a CPU.
	runtime.GOMAXPROCS(runtime.NumCPU() + device.Lanes)
	if err := newCommand(pollable(os.Stdin), os.Stdout).ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "miner-gpu:", err)
		os.Exit(1)
	}
}

func newCommand(in io.ReadCloser, out io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "miner-gpu",
		Short: "Scan nonces on a GPU for miner, which starts this program by itself",
		Args:  cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(newListCommand(out), newRunCommand(in, out))
	return root
}

func newListCommand(out io.Writer) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print all devices, and what was tried to find them, as one JSON object",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := listApart
			if name != "" {
				list = func(ctx context.Context, all backends) protocol.Listing { return all.only(name).list(ctx) }
			}
			all := newBackends()
			defer all.close()
			text, err := list(cmd.Context(), all).Encode()
			if err != nil {
				return err
			}
			_, err = out.Write(text)
			return err
		},
	}
	cmd.Flags().StringVar(&name, "backend", "", "list the devices of one back end, in this process")
	return cmd
}

func newRunCommand(in io.ReadCloser, out io.Writer) *cobra.Command {
	var id string
	var cfg device.Config
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Serve one device to a node on stdin and stdout",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := newBackends()
			defer all.close()
			d, err := all.open(id)
			if err != nil {
				return errors.Join(err, device.Send(out, device.Fatal(err)))
			}
			return errors.Join(device.Serve(cmd.Context(), d, in, out, cfg), d.Close())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&id, "device", "", "ID of the device, as list prints it")
	flags.BoolVar(&cfg.Force, "force", false, "use the device even if it computes wrongly")
	flags.DurationVar(&cfg.Launch, "launch", device.DefaultLaunch, "how long the device should compute at a stretch")
	return cmd
}

// backends are all ways to devices.
type backends []interface {
	device.Backend
	Close()
}

// newBackends has NVIDIA's driver first: of a device that both find, it is used.
func newBackends() backends {
	return backends{cuda.New(cuda.Config{}), opencl.New(opencl.Config{})}
}

func (b backends) close() {
	for _, backend := range b {
		backend.Close()
	}
}

// only is the back end of a name.
func (b backends) only(name string) (list backends) {
	for _, backend := range b {
		if backend.Name() == name {
			list = append(list, backend)
		}
	}
	return list
}

func (b backends) list(ctx context.Context) (l protocol.Listing) {
	for _, backend := range b {
		devices, tried := backend.List(ctx)
		l.Devices, l.Attempts = append(l.Devices, devices...), append(l.Attempts, tried...)
	}
	return l
}

// open opens a device of the back end that its ID begins with.
func (b backends) open(id string) (device.Device, error) {
	name, _, _ := strings.Cut(id, ":")
	for _, backend := range b.only(name) {
		return backend.Open(id)
	}
	return nil, fmt.Errorf("%w: %q; `miner devices` lists them", device.ErrNoDevice, id)
}
