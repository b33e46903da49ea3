package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lode/miner"
	"lode/miner/gpu"
	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// fakeDevice is a miner-gpu that scans with a kernel of the CPU, and says that it did a
// million hashes a second.
func fakeDevice(id string) {
	tell := func(m protocol.Message) {
		line, err := protocol.Encode(m)
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.Write(line)
	}
	tell(protocol.Hello{Version: protocol.Version, Device: deviceOf(id)})
	if strings.HasSuffix(id, "wrong") {
		tell(protocol.Fatal{Message: "wrong", Kind: protocol.FatalSelfTest})
		os.Exit(1)
	}
	tell(protocol.Ready{Rate: 1e6, Lanes: 2, SelfTest: protocol.SelfTestPassed})
	works := map[uint64]*kernel.Work{}
	for lines := protocol.NewReader(os.Stdin); ; {
		line, err := lines.Line()
		if err != nil {
			return
		}
		m, err := protocol.DecodeRequest(line)
		if err != nil {
			panic(err)
		}
		switch m := m.(type) {
		case protocol.Work:
			works[m.Number] = m.Resume()
		case protocol.Scan:
			hit, hashes := fakeScan(works[m.Work], m)
			tell(protocol.Done{Scan: m.Number, Hit: hit, Hashes: hashes, Nanoseconds: 1000 * int64(m.Count)})
		}
	}
}

func fakeScan(w *kernel.Work, m protocol.Scan) (hit int64, hashes uint64) {
	quick := kernel.Available()[0] // the race detector slows portable code down
	scanner, batch := quick.NewScanner(w), uint64(quick.Batch)
	for done := uint64(0); done < m.Count; done += batch {
		if i := scanner.Scan(m.First+done, int(min(batch, m.Count-done))); i >= 0 {
			return int64(done) + int64(i), done + uint64(i) + 1
		}
	}
	return -1, m.Count
}

func deviceOf(id string) protocol.Device {
	return protocol.Device{ID: id, Backend: "cuda", Name: "Fake", Vendor: "NVIDIA", Driver: "550.54", Kind: protocol.GPU, Units: 132, PCI: "0000:17:00.0"}
}

func fakeConfig(name string) gpu.Config {
	return gpu.Config{Program: os.Args[0], Device: deviceOf("cuda:" + name), Name: "gpu0 " + name}
}

// fakeTool puts an nvidia-smi into PATH that prints that.
func fakeTool(t *testing.T, text string) {
	folder := t.TempDir()
	script := "#!/bin/sh\necho '" + text + "'\n"
	if err := os.WriteFile(filepath.Join(folder, "nvidia-smi"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
}

// A device is measured beside the CPU, with each kind of layout. One that computes
// wrongly is named, and the others are measured all the same.
func TestMeasureDevices(t *testing.T) {
	fakeTool(t, "00000000:17:00.0, 1755, 1980")
	best := kernel.Available()[0].Name
	plan := Plan{
		Time: 9 * time.Millisecond, Kernels: []string{best}, Workers: []int{1}, Prefixes: []int{66},
		Devices: []gpu.Config{fakeConfig("right"), fakeConfig("wrong")},
	}
	r, err := Measure(t.Context(), plan)
	if !errors.Is(err, ErrCase) || !errors.Is(err, gpu.ErrSelfTest) || !strings.Contains(err.Error(), "gpu0 wrong: ") {
		t.Errorf("error %v", err)
	}
	if len(r.Devices) != 2 || len(r.Devices[0].Results) != 3 || len(r.Devices[1].Results) != 0 {
		t.Fatalf("%+v", r.Devices)
	}
	d := r.Devices[0]
	if d.Name != "gpu0 right" || d.Backend != "cuda" || d.Driver != "550.54" || d.Kind != "gpu" || d.Units != 132 || d.Kernel != best || d.Workers != 1 {
		t.Errorf("%+v", d)
	}
	for i, want := range []struct {
		prefix     int
		layout     string
		operations float64
	}{{66, "one word", 904}, {52, "table", 640}, {66, "long proofs, table, late digits", 510}} {
		got := d.Results[i]
		if got.PrefixBytes != want.prefix || got.Layout != want.layout || got.ProofsVerified != puzzleCount {
			t.Errorf("%+v, want %+v", got, want)
		}
		for what, x := range map[string]float64{
			"engine": got.EngineHashesPerSecond, "its part": got.EngineFraction,
			"together": got.TogetherHashesPerSecond, "its part of the sum": got.TogetherFraction, "cancelled": got.CancelP50,
		} {
			if !(x > 0) {
				t.Errorf("%s, %s: %v", want.layout, what, x)
			}
		}
		if got.CancelP99 < got.CancelP50 {
			t.Errorf("%s: cancelled in %v, %v", want.layout, got.CancelP50, got.CancelP99)
		}
		if b := got.Bound; b == nil || b.ClockMHz != 1755 || b.MaxClockMHz != 1980 || int(b.HashesPerSecond) != int(132*64*1755e6/want.operations+0.5) {
			t.Errorf("%s: the bound %+v", want.layout, b)
		}
	}
}

// TestDeviceSubjectsStop ends each kind of measurement of a device in its middle.
func TestDeviceSubjectsStop(t *testing.T) {
	s, row := oneDevice(t)
	for _, m := range row.cases() {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := m.rate(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", m.Result, err)
		}
		cancel()
	}
	if len(s.deviceCases()) != 5*len(deviceTasks()) {
		t.Errorf("%d cases", len(s.deviceCases()))
	}
}

// oneDevice is a suite of a fake, whose engines run, and its first row.
func oneDevice(t *testing.T) (*suite, *deviceRow) {
	d := &borrowed{Process: gpu.New(withLogger(fakeConfig("right"))), cfg: fakeConfig("right"), ended: make(chan struct{})}
	background(t, d.Process.Run)
	s := &suite{}
	if err := s.addDevices(t.Context(), []*borrowed{d}, kernel.Available()[0].Name, 1); err != nil || s.devices[0].err != nil {
		t.Fatal(err, s.devices[0].err)
	}
	for _, e := range s.engines {
		background(t, e.Run)
	}
	return s, s.devices[0].rows[0]
}

func withLogger(cfg gpu.Config) gpu.Config {
	cfg.Logger = silent()
	return cfg
}

// liar is a device that answers each scan with the same hit.
type liar struct {
	miner.Device
	hit int64
	err error
}

func (l liar) Scan(context.Context, *kernel.Work, uint64, uint64) (int64, error) { return l.hit, l.err }

func TestProofsOfDevices(t *testing.T) {
	known, err := task{66, miner.Fastest}.puzzles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := known[0]
	right := int64(p.solution - p.first)
	if err := p.solvedByDevice(t.Context(), liar{hit: right}); err != nil {
		t.Error(err)
	}
	for _, hit := range []int64{-1, right - 1, right + 1} {
		if err := p.solvedByDevice(t.Context(), liar{hit: hit}); !errors.Is(err, errWrongProof) {
			t.Errorf("the hit %d: %v", hit, err)
		}
	}
	if err := p.solvedByDevice(t.Context(), liar{hit: right, err: gpu.ErrLost}); !errors.Is(err, gpu.ErrLost) {
		t.Error(err)
	}
}

// Cancellations come at moments that are spread over two launches.
func TestPhases(t *testing.T) {
	const count = 100
	var tenths [10]int
	for number := range count {
		tenths[phase(number)*10/(2*miner.DefaultLaunch)]++
	}
	for i, n := range tenths {
		if n < 9 || n > 11 {
			t.Errorf("%d of %d are in tenth %d", n, count, i)
		}
	}
}
