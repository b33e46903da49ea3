package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lode/miner/gpu"
	"lode/miner/gpu/protocol"
)

// devicesOptions are the flags of miner devices.
type devicesOptions struct {
	program string
	quick   bool
	why     bool
	json    bool
}

func newDevicesCommand() *cobra.Command {
	var o devicesOptions
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List the GPUs and other devices that could mine, and test them",
		Long: `devices lists what NVIDIA's driver and OpenCL find, with the number of each device.
Each one is started for a moment, to see whether it computes right, and how fast it is.

The libraries of GPUs are used by a program of their own, miner-gpu, which belongs
beside miner.`,
		Example: `  miner devices
  miner devices --why
  miner devices --quick --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDevices(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	bindGPUProgram(flags, &o.program)
	flags.BoolVar(&o.quick, "quick", false, "start no device: neither test nor measure it")
	flags.BoolVar(&o.why, "why", false, "show all that was tried to find devices")
	flags.BoolVar(&o.json, "json", false, "print one JSON object instead of the table")
	return cmd
}

func runDevices(ctx context.Context, o devicesOptions, out, messages io.Writer) error {
	program, err := gpu.Find(o.program)
	if err != nil {
		return fmt.Errorf("%w; --gpu-program names another place", err)
	}
	listing, err := gpu.List(ctx, program)
	if err != nil {
		return err
	}
	report := newDeviceReport(program, listing)
	if !o.quick {
		report.probe(ctx, messages)
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	if o.json {
		return json.NewEncoder(out).Encode(report)
	}
	return report.write(out, o.why)
}

// deviceReport is what miner devices prints. Its JSON is stable: fields are only added.
type deviceReport struct {
	Program  string             `json:"program"`
	Devices  []deviceStatus     `json:"devices"`
	Attempts []protocol.Attempt `json:"attempts"`
}

// What a deviceStatus has as its state.
const (
	deviceFound    = "found"    // and not started
	deviceReady    = "ready"    // it computes right
	deviceUnusable = "unusable" // see its problem
)

// deviceStatus is one device.
type deviceStatus struct {
	Number int `json:"number"`
	protocol.Device
	State    string  `json:"state"`
	SelfTest string  `json:"self_test"`         // empty if the device was not started
	Rate     float64 `json:"hashes_per_second"` // 0 if the device was not started
	Lanes    int     `json:"lanes"`             // 0 if the device was not started
}

func newDeviceReport(program string, listing protocol.Listing) deviceReport {
	r := deviceReport{program, make([]deviceStatus, 0, len(listing.Devices)), listing.Attempts}
	for i, d := range listing.Devices {
		status := deviceStatus{Number: i, Device: d, State: deviceFound}
		if d.Problem != "" {
			status.State = deviceUnusable
		}
		r.Devices = append(r.Devices, status)
	}
	return r
}

// probe starts the devices one after the other, as they may share what they compute on.
func (r deviceReport) probe(ctx context.Context, messages io.Writer) {
	bar := newReporter(messages, slog.LevelInfo).progress("starting devices", int64(len(r.Devices)))
	defer bar.end()
	for i := range r.Devices {
		if d := &r.Devices[i]; d.State == deviceFound {
			d.probe(ctx, r.Program)
		}
		bar.add(1)
	}
}

func (d *deviceStatus) probe(ctx context.Context, program string) {
	ready, err := gpu.Probe(ctx, gpu.Config{
		Program: program, Device: d.Device, Name: gpu.Label(d.Number, d.Device), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		d.State, d.Problem = deviceUnusable, err.Error()
		return
	}
	d.State, d.SelfTest, d.Rate, d.Lanes = deviceReady, ready.SelfTest, ready.Rate, ready.Lanes
}

// howToGetDevices is what to do if there is none.
const howToGetDevices = `
There is no device that can be used. What a machine needs for one:
  an NVIDIA GPU    NVIDIA's driver, which brings libcuda.so.1
  another GPU      an OpenCL loader (Debian: ocl-icd-libopencl1) and its vendor's OpenCL driver (ICD)
  a CPU            an OpenCL loader and pocl-opencl-icd, for trying things out: miner's own kernels are faster
`

// write prints a table and, if why, all that was tried.
func (r deviceReport) write(out io.Writer, why bool) error {
	var text strings.Builder
	if len(r.Devices) > 0 {
		r.writeTable(&text)
	} else {
		fmt.Fprintln(&text, "No device was found.")
	}
	if why {
		r.writeAttempts(&text)
	}
	if !r.isUsable() {
		fmt.Fprint(&text, howToGetDevices)
		if !why {
			fmt.Fprintln(&text, "miner devices --why shows what was tried.")
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func (r deviceReport) isUsable() bool {
	for _, d := range r.Devices {
		if d.State != deviceUnusable {
			return true
		}
	}
	return false
}

func (r deviceReport) writeTable(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NUMBER\tNAME\tKIND\tMEMORY\tUNITS\tDRIVER\tBACKEND\tSELF-TEST\tRATE\tSTATE")
	for _, d := range r.Devices {
		fmt.Fprintf(table, "%d\t%s\n", d.Number, strings.Join(d.row(), "\t"))
	}
	_ = table.Flush() // a strings.Builder takes everything
}

// row is what the table has behind the number.
func (d deviceStatus) row() []string {
	rate, state := "", d.State
	if d.Rate > 0 {
		rate = formatRate(d.Rate)
	}
	if d.Problem != "" {
		state += ": " + d.Problem
	}
	row := []string{d.Name, d.Kind, formatMemory(d.MemoryBytes), fmt.Sprint(d.Units), d.Driver, d.Backend, d.SelfTest, rate, state}
	for i, cell := range row {
		if cell == "" || cell == "0" {
			row[i] = "-"
		}
	}
	return row
}

// formatMemory writes bytes with a binary prefix; nothing for 0.
func formatMemory(bytes uint64) string {
	switch {
	case bytes == 0:
		return ""
	case bytes < 1<<30:
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

func (r deviceReport) writeAttempts(out io.Writer) {
	fmt.Fprintf(out, "\nWhat was tried, by %s:\n", r.Program)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, a := range r.Attempts {
		fmt.Fprintf(table, "  %s\t%s:\t%s\n", a.Backend, a.What, a.Result)
	}
	_ = table.Flush() // a strings.Builder takes everything
}
