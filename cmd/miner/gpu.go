package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"lode/miner"
	"lode/miner/gpu"
	"lode/miner/gpu/protocol"
)

// Which devices mine, beside numbers of theirs.
const (
	gpuAuto = "auto" // GPUs, for searches that are long enough
	gpuOff  = "off"
	gpuAll  = "all" // for every search, CPUs with a driver for OpenCL among them
)

// gpuOptions are the flags about devices.
type gpuOptions struct {
	use     string
	program string
	force   bool
}

func (o *gpuOptions) bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.use, "gpu", gpuAuto, "devices that mine, too: auto (GPUs, when a search is long enough), off, all, or numbers that miner devices lists, like 0,1, which then take part in every search")
	bindGPUProgram(flags, &o.program)
	flags.BoolVar(&o.force, "force-device", false, "mine with devices that compute wrongly in their self-test; wrong proofs never leave the node")
}

// bindMeasured is bind for a benchmark, which measures devices only if it is asked to.
func (o *gpuOptions) bindMeasured(flags *pflag.FlagSet) {
	flags.StringVar(&o.use, "gpu", gpuOff, "devices to measure, too: auto (GPUs, or CPUs with a driver for OpenCL if there are none), off, all, or numbers that miner devices lists, like 0,1")
	flags.Lookup("gpu").NoOptDefVal = gpuAuto
	bindGPUProgram(flags, &o.program)
}

func bindGPUProgram(flags *pflag.FlagSet, program *string) {
	flags.StringVar(program, "gpu-program", "", "path of miner-gpu; empty = beside miner, or in PATH")
}

// numbers are the devices' numbers if --gpu has some.
func (o *gpuOptions) numbers() (numbers []int, err error) {
	if slices.Contains([]string{gpuAuto, gpuOff, gpuAll}, o.use) {
		return nil, nil
	}
	for _, text := range strings.Split(o.use, ",") {
		number, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("--gpu %q: must be %s, %s, %s, or numbers like 0,1", o.use, gpuAuto, gpuOff, gpuAll)
		}
		numbers = append(numbers, int(number))
	}
	return numbers, nil
}

// deviceUse is when the devices are used: who names some wants them to work.
func (o *gpuOptions) deviceUse() miner.DeviceUse {
	if o.use == gpuAuto {
		return miner.UseAuto
	}
	return miner.UseAlways
}

// devices are those that shall mine. Where there are none, a line says why, and
// mining goes on without.
func (o *gpuOptions) devices(ctx context.Context, log *slog.Logger) ([]miner.Device, error) {
	numbers, err := o.numbers()
	if err != nil || o.use == gpuOff {
		return nil, err
	}
	path, err := gpu.Find(o.program)
	var listing protocol.Listing
	if err == nil {
		listing, err = gpu.List(ctx, path)
	}
	if err != nil {
		o.tell(log, "no GPU mines: it can't be found out which there are", "error", err)
		return nil, nil
	}
	var devices []miner.Device
	for number, d := range listing.Devices {
		if !o.wants(numbers, number, d) {
			continue
		}
		if d.Problem != "" {
			log.Warn("a device doesn't mine", "device", gpu.Label(number, d), "problem", d.Problem)
			continue
		}
		devices = append(devices, gpu.New(gpu.Config{Program: path, Device: d, Name: gpu.Label(number, d), Force: o.force, Logger: log}))
	}
	for _, number := range numbers {
		if number >= len(listing.Devices) {
			log.Warn("a device that should mine is not there; `miner devices` lists those that are", "number", number)
		}
	}
	if len(devices) == 0 {
		o.tell(log, "no GPU mines: none is there; `miner devices --why` tells what was tried", "devices", len(listing.Devices))
	}
	return devices, nil
}

// errNoDevice is a benchmark of devices where there are none.
var errNoDevice = errors.New("no device can be measured")

// measured are the devices to measure. Those of CPUs count with auto only if there are
// no others.
func (o *gpuOptions) measured(ctx context.Context) (list []gpu.Config, err error) {
	numbers, err := o.numbers()
	if err != nil || o.use == gpuOff {
		return nil, err
	}
	path, err := gpu.Find(o.program)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; --gpu-program names another place", errNoDevice, err)
	}
	listing, err := gpu.List(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoDevice, err)
	}
	usable := o.usable(path, numbers, listing.Devices)
	if len(usable) == 0 && o.use == gpuAuto {
		usable = (&gpuOptions{use: gpuAll}).usable(path, nil, listing.Devices)
	}
	if len(usable) == 0 || len(numbers) > len(usable) {
		return nil, fmt.Errorf("%w: %d of those that --gpu=%s asks for can be used; `miner devices --why` tells what was tried", errNoDevice, len(usable), o.use)
	}
	return usable, nil
}

// usable are the devices that are wanted and have no problem that is known.
func (o *gpuOptions) usable(path string, numbers []int, devices []protocol.Device) (list []gpu.Config) {
	for number, d := range devices {
		if d.Problem == "" && o.wants(numbers, number, d) {
			list = append(list, gpu.Config{Program: path, Device: d, Name: gpu.Label(number, d)})
		}
	}
	return list
}

// tell is a warning to who asked for devices, and less to who did not.
func (o *gpuOptions) tell(log *slog.Logger, message string, arguments ...any) {
	level := slog.LevelWarn
	if o.use == gpuAuto {
		level = slog.LevelInfo
	}
	log.Log(context.Background(), level, message, arguments...)
}

// wants tells whether a device shall mine. CPUs do already.
func (o *gpuOptions) wants(numbers []int, number int, d protocol.Device) bool {
	switch o.use {
	case gpuAll:
		return true
	case gpuAuto:
		return d.Kind != protocol.CPU
	}
	return slices.Contains(numbers, number)
}
