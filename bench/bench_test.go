package bench

import (
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lode/chain/wire"
	"lode/miner"
	"lode/miner/kernel"
)

// TestMain makes the test binary a miner-gpu when it is called like one.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "run" {
		fakeDevice(os.Args[3])
		return
	}
	goleak.VerifyTestMain(m)
}

// Benchmark runs every case: go test -bench . ./bench
func Benchmark(b *testing.B) {
	for _, c := range Cases() {
		b.Run(c.Name, c.Run)
	}
}

// TestCases compares the names with what the suite has to measure: each once,
// for the kernels of this machine.
func TestCases(t *testing.T) {
	want := []string{
		"add/store=memory/payments=0", "add/store=memory/payments=10",
		"add/store=bbolt/payments=0", "add/store=bbolt/payments=10",
		"add/store=bbolt/index=on/payments=0", "add/store=bbolt/index=on/payments=10",
		"mine/store=memory/difficulty=1", "mine/store=bbolt/difficulty=1", "mine/store=bbolt/index=on/difficulty=1",
		"index/payments=1", "index/payments=10",
		"status/node=idle", "status/node=mining",
		"proof/cpus=free", "proof/cpus=shared",
	}
	if _, ok := kernel.SHALimit(); ok {
		want = append(want, "limit/workers=1", "limit/workers=all")
	}
	for _, task := range []string{"prefix=66", "prefix=4096", "prefix=115", "proofs=long/prefix=66"} {
		if task != "proofs=long/prefix=66" {
			want = append(want, "scan/kernel=crypto-sha256/"+task)
			for _, library := range wholeLibraries() {
				want = append(want, "scan/kernel="+library.Name+"/"+task)
			}
		}
		for _, k := range kernel.Available() {
			want = append(want, "scan/kernel="+k.Name+"/"+task,
				"search/kernel="+k.Name+"/workers=1/"+task, "search/kernel="+k.Name+"/workers=all/"+task)
		}
	}
	for _, k := range kernel.Available() {
		want = append(want, "cancel/kernel="+k.Name+"/workers=1", "cancel/kernel="+k.Name+"/workers=all")
	}
	var got []string
	for _, c := range Cases() {
		got = append(got, c.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the cases are\n%q\nwant\n%q", got, want)
	}
}

// number is a candidate as the proof that a block holds.
func number(at start, candidate uint64) wire.Number {
	n, _ := new(big.Int).SetString(string(at.digits.Append(nil, candidate)), 10)
	return wire.BigInt(n)
}

// answer is a scanner that says the same whatever it is asked.
type answer int

func (a answer) Scan(uint64, int) int { return int(a) }

// wrong is a kernel of such scanners.
func wrong(a answer) kernel.Kernel {
	return kernel.Kernel{Name: "wrong", Batch: 100, NewScanner: func(*kernel.Work) kernel.Scanner { return a }}
}

func TestAWrongKernelScoresNothing(t *testing.T) {
	task := task{66, miner.Fastest}
	known, err := task.puzzles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []loop{task.loop(wrong(-1), known), task.loop(wrong(0), known), task.loop(wrong(99), known), task.loop(wrong(0), nil)} {
		if result := testing.Benchmark(func(b *testing.B) { scan(b, l) }); len(result.Extra) != 0 {
			t.Errorf("a kernel that is wrong scored %v", result)
		}
	}
}

// TestSteps begins again behind the last candidate.
func TestSteps(t *testing.T) {
	var asked []string
	k := kernel.Kernel{Batch: 400, NewScanner: func(*kernel.Work) kernel.Scanner {
		return asking(func(first uint64, count int) { asked = append(asked, fmt.Sprint(first, "+", count)) })
	}}
	steps := loop{kernel: k, at: start{kernel.Plain(3), 100}}.begin()
	for range 4 {
		steps.step()
	}
	if got := strings.Join(asked, " "); got != "100+400 500+400 100+400 500+400" || steps.err() != nil {
		t.Errorf("%s, %v", got, steps.err())
	}
}

// asking is a scanner that tells what it is asked.
type asking func(first uint64, count int)

func (a asking) Scan(first uint64, count int) int {
	a(first, count)
	return -1
}

func TestPercentile(t *testing.T) {
	var values []time.Duration
	for i := range 200 {
		values = append(values, time.Duration(i+1))
	}
	for _, test := range []struct {
		count, percent int
		want           time.Duration
	}{{1, 50, 1}, {1, 99, 1}, {2, 50, 1}, {3, 50, 2}, {100, 99, 99}, {101, 99, 100}, {200, 50, 100}, {200, 99, 198}} {
		if got := percentile(values[:test.count], test.percent); got != test.want {
			t.Errorf("percentile %d of 1..%d is %d, want %d", test.percent, test.count, got, test.want)
		}
	}
}
