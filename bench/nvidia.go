package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"lode/miner"
	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// clocks are those of a GPU's multiprocessors, in MHz.
type clocks struct{ now, most float64 }

func isNVIDIA(d protocol.Device) bool { return strings.Contains(d.Vendor, "NVIDIA") }

// errClocks is an answer of nvidia-smi that doesn't tell a device's clocks.
var errClocks = errors.New("nvidia-smi doesn't tell the clocks of this device")

// smiTimeout bounds nvidia-smi, which may have to wake the driver up.
const smiTimeout = 30 * time.Second

// askClocks asks NVIDIA's tool for a device's clocks.
func askClocks(ctx context.Context, d protocol.Device) (clocks, error) {
	ctx, cancel := context.WithTimeout(ctx, smiTimeout)
	defer cancel()
	answer, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=pci.bus_id,clocks.sm,clocks.max.sm", "--format=csv,noheader,nounits").Output()
	if err != nil {
		return clocks{}, fmt.Errorf("nvidia-smi: %w", err)
	}
	return parseClocks(answer, d.PCI)
}

// parseClocks finds a device by its place, or takes the only one.
func parseClocks(answer []byte, pci string) (clocks, error) {
	reader := csv.NewReader(bytes.NewReader(answer))
	reader.TrimLeadingSpace, reader.FieldsPerRecord = true, 3
	lines, err := reader.ReadAll()
	if err != nil {
		return clocks{}, fmt.Errorf("%w: %w", errClocks, err)
	}
	for _, line := range lines {
		if len(lines) > 1 && (pci == "" || !strings.HasSuffix(strings.ToLower(line[0]), strings.ToLower(pci))) {
			continue
		}
		now, err1 := strconv.ParseFloat(line[1], 64)
		most, err2 := strconv.ParseFloat(line[2], 64)
		if err := errors.Join(err1, err2); err != nil || !(now > 0) {
			return clocks{}, fmt.Errorf("%w: %q", errClocks, line)
		}
		return clocks{now, most}, nil
	}
	return clocks{}, errClocks
}

// clocks asks for the device's clocks while it is busy; nil if they can't be known.
func (b bare) clocks(ctx context.Context) *clocks {
	type result struct {
		clocks clocks
		err    error
	}
	asked := make(chan result, 1)
	go func() { // ends with nvidia-smi
		c, err := askClocks(ctx, b.device.cfg.Device)
		asked <- result{c, err}
	}()
	for {
		_, err := b.rate(ctx, 100*time.Millisecond)
		select {
		case r := <-asked:
			if err != nil || r.err != nil {
				return nil
			}
			return &r.clocks
		default:
		}
	}
}

// lanes is how many rotations or logical functions of 32 bits one multiprocessor of an
// NVIDIA GPU begins in a cycle, from Volta to Hopper (CUDA C++ Programming Guide,
// "Arithmetic Instructions").
const lanesOfUnit = 64

// bound compares a rate with what the clock allows.
func (c clocks) bound(units int, t task, rate float64) *Bound {
	_, _, layout := miner.Begins(t.endless())
	all := float64(units) * lanesOfUnit * c.now * 1e6 / float64(operations(layout))
	return &Bound{ClockMHz: c.now, MaxClockMHz: c.most, HashesPerSecond: math.Round(all), Fraction: rounded(rate / all)}
}

// What SHA-256 costs in rotations, shifts and functions of three operands (SHF and LOP3),
// which bind a GPU; additions have other units besides. A round has two Sigmas of three
// rotations and their XOR, Ch and Maj; a word of the message schedule two sigmas of two
// rotations, a shift and their XOR (FIPS 180-4, 4.1.2).
const (
	roundOperations = 2*(3+1) + 2
	sigmaOperations = 2 + 1 + 1
	allRounds       = 64
	blockWords      = 16
)

// operations is how many of them a candidate of a layout takes.
func operations(l kernel.Layout) int {
	switch {
	case l.HasTable(): // no message schedule, and no rounds before the first digit
		return roundOperations * (allRounds - l.First)
	case l.IsTwoBlocks(): // the second one's schedule is known
		return roundOperations*2*allRounds + 2*sigmaOperations*(allRounds-blockWords)
	}
	return wordOperations(l.Word)
}

// wordOperations is for candidates that differ in one word. The rounds before it are
// done once for all, and it is only added in its own. Of the schedule those sigmas count
// whose word depends on it.
func wordOperations(word int) int {
	sigmas, varies := 0, make([]bool, blockWords, allRounds)
	varies[word] = true
	for t := blockWords; t < allRounds; t++ {
		of15, of2 := varies[t-15], varies[t-2]
		for _, isNew := range []bool{of15, of2} {
			if isNew {
				sigmas++
			}
		}
		varies = append(varies, varies[t-16] || of15 || varies[t-7] || of2)
	}
	return roundOperations*(allRounds-1-word) + sigmaOperations*sigmas
}
