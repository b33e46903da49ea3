package main

import (
	"fmt"
	"os"
	"strings"

	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// listed names the file that a fake miner-gpu prints as its list.
const listed = "TEST_LISTED"

// fakeGPU is a miner-gpu for scripts: its devices are those of a file, and compute as
// their numbers say.
func fakeGPU() {
	text, err := os.ReadFile(os.Getenv(listed))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Args[1] == "list" {
		fmt.Print(string(text))
		return
	}
	list, err := protocol.DecodeListing(text)
	if err != nil {
		panic(err)
	}
	for _, d := range list.Devices {
		if d.ID == os.Args[3] {
			fakeDevice(d)
		}
	}
}

func fakeDevice(d protocol.Device) {
	tell(protocol.Hello{Version: protocol.Version, Device: d})
	switch {
	case strings.HasSuffix(d.ID, ":wrong"):
		tell(protocol.Fatal{Message: "2 of 40 batches are wrong", Kind: protocol.FatalSelfTest})
		os.Exit(1)
	case strings.HasSuffix(d.ID, ":crash"):
		fmt.Fprintln(os.Stderr, "driver: out of luck")
		os.Exit(3)
	}
	rate := 16.1e9
	if strings.HasSuffix(d.ID, ":slow") {
		rate = 1e6
	}
	tell(protocol.Ready{Rate: rate, Lanes: 2, SelfTest: protocol.SelfTestPassed})
	works := map[uint64]*kernel.Work{}
	for lines := protocol.NewReader(os.Stdin); ; {
		line, err := lines.Line()
		if err != nil {
			os.Exit(0)
		}
		m, err := protocol.DecodeRequest(line)
		if err != nil {
			panic(err)
		}
		switch m := m.(type) {
		case protocol.Work:
			works[m.Number] = m.Resume()
		case protocol.Scan:
			tell(protocol.Done{Scan: m.Number, Hit: firstHit(works[m.Work], m), Hashes: m.Count, Nanoseconds: 1000 * int64(m.Count)})
		}
	}
}

func firstHit(w *kernel.Work, m protocol.Scan) int64 {
	quick := kernel.Available()[0] // the race detector slows portable code down
	scanner, batch := quick.NewScanner(w), uint64(quick.Batch)
	for done := uint64(0); done < m.Count; done += batch {
		if i := scanner.Scan(m.First+done, int(min(batch, m.Count-done))); i >= 0 {
			return int64(done) + int64(i)
		}
	}
	return -1
}

func tell(m protocol.Message) {
	line, err := protocol.Encode(m)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.Write(line)
}
