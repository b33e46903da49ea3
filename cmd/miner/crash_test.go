package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lode/chain/wallet"
)

const (
	crashDifficulty = 3  // some milliseconds a block
	cyclesPerFolder = 50 // then the next ones begin with an empty folder
	verifyEvery     = 10 // cycles
)

// crash kills nodes on one folder after another.
type crash struct {
	t      *testing.T // of the cycle under way
	random *rand.Rand
	acts   figures
	began  time.Time

	dir      string
	port     int
	record   *record
	rival    *rival
	cycle    int
	starting time.Duration // how long the last start took
}

// TestKilledAtRandomInstants kills a node with SIGKILL while it mines, takes
// payments, changes peers and wallets, broadcasts and reorganises, and while it
// starts again, and each time looks for all that it had acknowledged.
// CRASH_CYCLES is how often, CRASH_SEED repeats the choices of another run.
func TestKilledAtRandomInstants(t *testing.T) {
	cycles := setting(t, "CRASH_CYCLES", crashCycles())
	seed := setting(t, "CRASH_SEED", time.Now().UnixNano())
	t.Logf("CRASH_SEED=%d", seed)
	c := &crash{t: t, random: rand.New(rand.NewPCG(uint64(seed), 0)), acts: newFigures(), began: time.Now()}
	for ; c.cycle < int(cycles) && !t.Failed(); c.cycle++ {
		if c.cycle%cyclesPerFolder == 0 {
			c.finishFolder()
			c.newFolder(t)
		}
		t.Run(strconv.Itoa(c.cycle), func(t *testing.T) {
			c.t = t
			c.killInRecovery()
			c.recover()
			c.killUnderLoad()
		})
	}
	c.t = t
	if !t.Failed() {
		c.finishFolder()
	}
	c.acts.add(c.record.acts)
	t.Log(c.acts.table(c.cycle, time.Since(c.began)))
	if raceEnabled {
		return // after too few kills
	}
	if c.acts.recoveries == 0 || c.acts.inReorganisation == 0 || c.acts.reorganisations == 0 || canAim && len(c.acts.calls) == 0 {
		t.Error("the node was never killed while it wrote (is the folder on a disk?), never while it started, or never reorganised")
	}
}

// crashCycles is how often the node is killed if nobody says. Under the race detector
// a start takes long, and the instant of a kill doesn't matter.
func crashCycles() int64 {
	if raceEnabled {
		return 10
	}
	return 50
}

// setting is a number from the environment.
func setting(t *testing.T, name string, otherwise int64) int64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q: %v", name, text, err)
	}
	return value
}

// newFolder begins with nothing: the first kills come while files are made.
func (c *crash) newFolder(t *testing.T) {
	if c.record != nil {
		c.acts.add(c.record.acts)
		c.rival.Close()
	}
	keys, err := wallet.Generate(wallet.MinBits)
	if err != nil {
		t.Fatal(err)
	}
	c.dir, c.port, c.record = diskFolder(t), fixedPort(t, c.random), newRecord()
	c.rival = newRival(t, c.record, keys, rand.New(rand.NewPCG(c.random.Uint64(), 0)))
}

// diskFolder is a temporary folder on a disk. In one that is only memory nothing
// waits for a write, so that a kill could not be aimed at one.
func diskFolder(t *testing.T) string {
	if folder := t.TempDir(); !isMemory(folder) {
		return folder
	}
	folder, err := os.MkdirTemp(".", "crash-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if folder, err = filepath.Abs(folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// fixedPort is a free port that systems don't give to outgoing connections, so
// that it is still free at the next start.
func fixedPort(t *testing.T, random *rand.Rand) int {
	t.Helper()
	for range 100 {
		port := 10_000 + random.IntN(20_000)
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func (c *crash) launch(args ...string) *process {
	base := []string{"--difficulty", strconv.Itoa(crashDifficulty), "--workers", "1", "--kernel", "generic", "--create-wallet"}
	return launch(c.t, c.dir, c.port, append(base, args...)...)
}

// start waits until the node serves.
func (c *crash) start(args ...string) *process {
	began := time.Now()
	p := c.launch(args...)
	if !p.output.waitFor("msg=serving") {
		c.t.Fatal("the node doesn't start any more")
	}
	c.starting = time.Since(began)
	return p
}

// shoot kills a node and notes what it was doing.
func (c *crash) shoot(p *process, call string) {
	if err := p.command.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	if call != "" {
		c.acts.calls[call]++
	}
	p.wait()
	httpClient.CloseIdleConnections()
}

// killInRecovery starts the node and kills it before it serves, several times in
// a row now and then.
func (c *crash) killInRecovery() {
	for tries := 0; tries < 3 && c.random.IntN(2) == 0; tries++ {
		p := c.launch()
		instant := time.After(time.Duration(c.random.Int64N(int64(c.starting) + int64(50*time.Millisecond))))
		<-instant
		call, _ := writing(p.command.Process.Pid, c.dir)
		c.shoot(p, call)
		if strings.Contains(p.output.String(), "msg=serving") {
			return
		}
		c.acts.recoveries++
		if tries == 1 {
			c.acts.inARow++
		}
	}
}

// killUnderLoad starts the node, has it do everything at once, and kills it at a
// random instant, or after that as soon as it is seen writing what it is meant to.
func (c *crash) killUnderLoad() {
	modes := [][]string{nil, {"--auto-resolve"}, {"--mine"}, {"--mine", "--priority", "normal"}}
	mode := modes[c.random.IntN(len(modes))]
	p := c.start(mode...)
	l := &load{t: c.t, p: p, record: c.record, rival: c.rival, resolves: mode != nil, serial: strconv.Itoa(c.cycle)}
	l.begin(c.random)
	<-time.After(time.Duration(c.random.Int64N(int64(400 * time.Millisecond))))
	call := c.aim(p)
	l.dying.Store(true)
	if c.rival.reading.Load() {
		c.acts.inReorganisation++
		if call != "" {
			c.acts.writesInReorganisation++
		}
	}
	c.shoot(p, call)
	l.running.Wait()
}

// aim waits for the moment to kill and returns the call that the node is writing
// with: at once, at the next write, at one in a reorganisation, or at one of the
// wallet. What doesn't come is not waited for long.
func (c *crash) aim(p *process) (call string) {
	kind := c.random.IntN(5)
	for deadline := time.Now().Add(time.Second); ; {
		call, file := writing(p.command.Process.Pid, c.dir)
		hit := call != ""
		switch kind {
		case 0:
			return call
		case 1:
			hit = hit && strings.Contains(file, "WalletKeys")
		case 2, 3:
			hit = hit && c.rival.reading.Load()
		}
		if hit || !canAim || time.Now().After(deadline) {
			return call
		}
	}
}

// finishFolder looks at everything for the last time.
func (c *crash) finishFolder() {
	if c.record == nil {
		return
	}
	c.verify()
	p := c.start()
	c.check(p)
	c.checkChain(p)
	p.kill()
}

// figures are what happened.
type figures struct {
	calls                                 map[string]int // kills, by the call that was writing
	recoveries, inARow, inReorganisation  int            // kills
	writesInReorganisation                int            // kills
	blocks, payments, peers, wallets      int            // acknowledged
	reorganisations, replaced, void, lost int
	unseen, verified                      int
}

func newFigures() figures { return figures{calls: map[string]int{}} }

// add adds the part that a record counts.
func (f *figures) add(o figures) {
	f.blocks, f.payments, f.peers, f.wallets = f.blocks+o.blocks, f.payments+o.payments, f.peers+o.peers, f.wallets+o.wallets
	f.reorganisations, f.replaced, f.void, f.unseen = f.reorganisations+o.reorganisations, f.replaced+o.replaced, f.void+o.void, f.unseen+o.unseen
}

func (f *figures) table(cycles int, took time.Duration) string {
	var text strings.Builder
	row := func(name string, value any) { fmt.Fprintf(&text, "\n%-56s %v", name, value) }
	row("cycles", cycles)
	row("time", took.Round(time.Second))
	writes := 0
	for _, n := range f.calls {
		writes += n
	}
	row("killed during a write", writes)
	for call, n := range f.calls {
		row("    in "+call, n)
	}
	row("killed before it served again", f.recoveries)
	row("    twice or three times in a row", f.inARow)
	row("killed with a longer branch fetched, not yet answered", f.inReorganisation)
	row("    and in a write", f.writesInReorganisation)
	row("acknowledged blocks", f.blocks)
	row("    replaced by longer branches", f.replaced)
	row("    of them with ancestors that were never shown", f.unseen)
	row("acknowledged payments", f.payments)
	row("    whose sender lost the money in a reorganisation", f.void)
	row("acknowledged changes of peers", f.peers)
	row("acknowledged wallets", f.wallets)
	row("reorganisations", f.reorganisations)
	row("miner verify", f.verified)
	row("lost", f.lost)
	return text.String()
}
