package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// attackVariable is the environment variable that makes the long form of the
// attacks: how long the longest of them last. Only the long form asserts times,
// for which it needs a machine of its own.
const attackVariable = "ATTACK"

// Limits of the attacks, in all forms and in the long one.
const (
	maxAttackMemory = 300 << 20 // bytes resident, with a small chain
	maxProbe        = 100 * time.Millisecond
	maxRecovery     = 2 * time.Second
)

// attack is something that hostile clients do, until ctx is done. What answers
// they get is in the tally.
type attack struct {
	name   string
	share  int // the attack lasts this part of the time
	run    func(ctx context.Context, p *process, answers *tally)
	slow   bool  // the first answer comes after the time limits of the node only
	expect []int // statuses, no other, and the first at least once unless slow; 0: the connection is cut without an answer
}

// attackTime is how long attacks last, and whether their figures count.
func attackTime(t *testing.T) (d time.Duration, isLong bool) {
	t.Helper()
	text := os.Getenv(attackVariable)
	switch {
	case text == "" && raceEnabled:
		return time.Second, false
	case text == "":
		return 5 * time.Second, false
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", attackVariable, err)
	}
	return d, true
}

// TestAttacks lets hostile clients do their worst to a node that mines with all
// workers: it goes on answering and mining, and its memory is bounded. With
// ATTACK=60s the figures are measured and asserted.
func TestAttacks(t *testing.T) {
	longest, isLong := attackTime(t)
	var results []attackResult
	for _, attack := range slices.Concat(slowAttacks(), bodyAttacks(), clientAttacks()) {
		t.Run(attack.name, func(t *testing.T) {
			results = append(results, underAttack(t, attack, longest/time.Duration(attack.share), isLong))
		})
	}
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "attack\tseconds\t/healthz p50\tp99\tmax\tGC pause\tMiB\tmining during\tback after\tanswers\t")
	for _, r := range results {
		fmt.Fprintln(out, r)
	}
	out.Flush()
	if !isLong {
		t.Log("this is the short form, whose times mean little")
	}
	t.Logf("%d CPUs, %s/%s\n%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, &table)
}

// attackResult is a line of the table.
type attackResult struct {
	name      string
	lasted    time.Duration
	probes    probes
	memory    int64         // bytes resident at most
	pause     time.Duration // of the node for its garbage collector, the longest one
	during    float64       // hash rate, of the one before
	backAfter time.Duration // until it mined at its full pace
	answers   string
}

func (r attackResult) String() string {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
	return fmt.Sprintf("%s\t%.0f\t%s\t%s\t%s\t%s\t%d\t%.0f %%\t%.1f s\t%s\t", r.name, r.lasted.Seconds(),
		ms(r.probes.percentile(50)), ms(r.probes.percentile(99)), ms(r.probes.percentile(100)),
		ms(r.pause), r.memory>>20, 100*r.during, r.backAfter.Seconds(), r.answers)
}

// underAttack measures a fresh node before, during and after an attack.
func underAttack(t *testing.T, a attack, lasts time.Duration, isLong bool) attackResult {
	t.Helper()
	p := start(t, t.TempDir(), freePort(t), "--mine", "--create-wallet", "--difficulty", "12")
	fillPool(p)
	eventually(t, func() bool { return hashes(p) > 0 })
	measured := 300 * time.Millisecond
	if isLong {
		measured = 3 * time.Second
	}
	before := paceOf(p, measured)
	r := attackResult{name: a.name, lasted: lasts}

	var answers tally
	prober := startProber(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	first, began := hashes(p), time.Now()
	a.run(ctx, p, &answers)
	r.during = float64(hashes(p)-first) / time.Since(began).Seconds() / before.hashes
	r.probes = prober.stop()
	r.answers = answers.String()
	r.backAfter = recovery(p, before, isLong)
	r.memory = p.peakMemory()
	r.pause = longestPause(p)

	answers.check(t, a.expect, !a.slow)
	if r.probes.failed > 0 {
		t.Errorf("/healthz failed %d times of %d: %s", r.probes.failed, len(r.probes.took), r.probes.failure)
	}
	if r.memory > maxAttackMemory && !raceEnabled {
		t.Errorf("%d MiB were resident, more than %d", r.memory>>20, maxAttackMemory>>20)
	}
	if p99 := r.probes.percentile(99); isLong && p99 > maxProbe {
		t.Errorf("/healthz p99 %v, more than %v", p99, maxProbe)
	}
	if isLong && r.backAfter > maxRecovery {
		t.Errorf("mining was back after %v, more than %v", r.backAfter, maxRecovery)
	}
	seen := hashes(p)
	eventually(t, func() bool { return hashes(p) > seen })
	p.must(http.StatusOK, "GET", "/v1/status", "")
	return r
}

// fillPool makes GET /transactions an answer of 2 MiB.
func fillPool(p *process) {
	p.t.Helper()
	for range 4 {
		p.must(http.StatusCreated, "POST", "/transaction",
			fmt.Sprintf(`{"recipient": %q, "amount": 0}`, strings.Repeat("r", 512<<10)))
	}
}

// pace is how fast a node mines: its hashes, and its workers' CPU time, a second.
type pace struct{ hashes, cpu float64 }

// paceOf measures for a time in which nothing is asked: answers cost the workers more
// than anything else does.
func paceOf(p *process, over time.Duration) pace {
	cpu, first, began := p.idleTime(), hashes(p), time.Now()
	for {
		<-time.After(over)
		count, seconds := hashes(p)-first, time.Since(began).Seconds()
		if count > 0 {
			return pace{float64(count) / seconds, (p.idleTime() - cpu).Seconds() / seconds}
		}
	}
}

// isFull tells whether a node mines as fast as before, or would do so if the CPUs did: on
// a shared machine their speed may change by a third within seconds.
func (now pace) isFull(before pace) bool {
	const most = 0.9 // as it varies by itself
	return now.hashes >= most*before.hashes || before.cpu > 0 && now.cpu >= most*before.cpu
}

// recovery is how long it takes until a node mines at its full pace, over a fifth of a
// second.
func recovery(p *process, before pace, isLong bool) time.Duration {
	if !isLong {
		return 0
	}
	for began := time.Now(); ; {
		if paceOf(p, 200*time.Millisecond).isFull(before) || time.Since(began) > patience {
			return time.Since(began)
		}
	}
}

// longestPause is how long the node's last collections of garbage kept all of it waiting at
// most.
func longestPause(p *process) time.Duration {
	p.t.Helper()
	const name = `go_gc_duration_seconds{quantile="1"} `
	_, metrics := p.request("GET", "/metrics", "")
	_, rest, _ := strings.Cut(metrics, name)
	line, _, _ := strings.Cut(rest, "\n")
	seconds, err := strconv.ParseFloat(line, 64)
	if err != nil {
		p.t.Error(err)
	}
	return time.Duration(seconds * float64(time.Second))
}
