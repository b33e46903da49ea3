package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// asProber makes the test binary ask for /healthz at an address, for a process of
// its own is not kept waiting by the attackers' goroutines.
const asProber = "TEST_AS_PROBER"

// probeEvery is between two questions, each on a connection of its own.
const probeEvery = 20 * time.Millisecond

// probe prints how many microseconds each answer took, or why there was none,
// until stdin ends. It asks at its times, whether or not the answer before has
// come: a node that stalls is late for all who ask meanwhile.
func probe(address string) {
	ended := make(chan struct{})
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var asking sync.WaitGroup
	for ticker := time.NewTicker(probeEvery); ; {
		asking.Go(func() { fmt.Println(probeOnce(client, address)) })
		select {
		case <-ticker.C:
		case <-ended:
			asking.Wait()
			os.Exit(0)
		}
	}
}

// probeOnce is the line for one question.
func probeOnce(client *http.Client, address string) string {
	began := time.Now()
	answer, err := client.Get("http://" + address + "/healthz")
	if err != nil {
		return "failed: " + err.Error()
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Sprint("failed: status ", answer.StatusCode, " ", err)
	}
	return strconv.FormatInt(time.Since(began).Microseconds(), 10)
}

// probes are how long the answers took, sorted.
type probes struct {
	took    []time.Duration
	failed  int
	failure string // the last one
}

// percentile is the time within which so many of a hundred were answered.
func (p probes) percentile(n int) time.Duration {
	if len(p.took) == 0 {
		return 0
	}
	return p.took[min(len(p.took)*n/100, len(p.took)-1)]
}

type prober struct {
	t       *testing.T
	command *exec.Cmd
	stdin   io.Closer
	output  strings.Builder
}

func startProber(t *testing.T, p *process) *prober {
	t.Helper()
	b := &prober{t: t, command: exec.Command(os.Args[0])}
	b.command.Env = append(os.Environ(), asProber+"="+p.address())
	b.command.Stdout, b.command.Stderr = &b.output, os.Stderr
	stdin, err := b.command.StdinPipe()
	if err == nil {
		b.stdin, err = stdin, b.command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *prober) stop() (p probes) {
	b.t.Helper()
	_ = b.stdin.Close()
	if err := b.command.Wait(); err != nil {
		b.t.Fatal(err)
	}
	for line := range strings.Lines(b.output.String()) {
		micros, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			p.failed++
			p.failure = line
			continue
		}
		p.took = append(p.took, time.Duration(micros)*time.Microsecond)
	}
	slices.Sort(p.took)
	if len(p.took) == 0 {
		b.t.Errorf("/healthz was not answered once: %s", p.failure)
	}
	return p
}

// peakMemory is the most that was resident of a process, in bytes; 0 where the
// system doesn't tell.
func (p *process) peakMemory() int64 {
	text, err := os.ReadFile(filepath.Join(p.procFolder(), "status"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(rest, "kB")
	kib, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return kib << 10
}

// procFolder is what Linux says of the process; there is none elsewhere.
func (p *process) procFolder() string {
	return filepath.Join("/proc", strconv.Itoa(p.command.Process.Pid))
}

// firstStat is the number in proc(5) of the first of statFields.
const firstStat = 3

// statFields are the fields of the stat file of a process or a thread from the state on,
// behind the name, which may contain blanks. They are nil if it has ended.
func statFields(folder string) []string {
	text, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return nil
	}
	_, behind, _ := strings.Cut(string(text), ") ")
	return strings.Fields(behind)
}

// idleTime is how much CPU time the threads have had that Linux runs only when nothing
// else wants to: the workers. It is 0 on other systems.
func (p *process) idleTime() (sum time.Duration) {
	tasks, err := filepath.Glob(filepath.Join(p.procFolder(), "task", "*"))
	if err != nil {
		p.t.Fatal(err) // only for a bad pattern
	}
	for _, task := range tasks {
		const policy, idle = 41 - firstStat, "5"
		if fields := statFields(task); len(fields) <= policy || fields[policy] != idle {
			continue
		}
		schedule, _ := os.ReadFile(filepath.Join(task, "schedstat"))
		first, _, _ := strings.Cut(string(schedule), " ")
		nanoseconds, _ := strconv.ParseInt(first, 10, 64)
		sum += time.Duration(nanoseconds)
	}
	return sum
}

// tally counts answers by their status; 0 is a connection that was cut.
type tally struct {
	mu     sync.Mutex // guards counts
	counts map[int]int
}

func (a *tally) add(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts == nil {
		a.counts = map[int]int{}
	}
	a.counts[code]++
}

func (a *tally) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var parts []string
	for code, count := range a.counts {
		name := strconv.Itoa(code)
		if code == 0 {
			name = "cut"
		}
		parts = append(parts, fmt.Sprintf("%s: %d", name, count))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// check wants the expected statuses and no other ones, and maybe the first of
// them at least once. Which others there are depends on how fast the machine is.
func (a *tally) check(t *testing.T, expected []int, needsFirst bool) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for code, count := range a.counts {
		if !slices.Contains(expected, code) {
			t.Errorf("%d answers with status %d, expected are %v", count, code, expected)
		}
	}
	if needsFirst && a.counts[expected[0]] == 0 {
		t.Errorf("no answer with status %d: %v", expected[0], a.counts)
	}
}

// sideBySide runs count attackers over and over until ctx is done and all have
// ended, each once at least.
func sideBySide(ctx context.Context, count int, attacker func(number int)) {
	var running sync.WaitGroup
	for number := range count {
		running.Go(func() {
			for attacker(number); ctx.Err() == nil; {
				attacker(number)
			}
		})
	}
	running.Wait()
}
