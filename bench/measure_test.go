package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lode/miner"
	"lode/miner/kernel"
)

func TestPlan(t *testing.T) {
	good := Plan{Time: time.Millisecond, Workers: []int{1}, Prefixes: []int{66}}
	for name, spoil := range map[string]func(*Plan){
		"no time":       func(p *Plan) { p.Time = 0 },
		"no workers":    func(p *Plan) { p.Workers = nil },
		"-1 workers":    func(p *Plan) { p.Workers = []int{1, -1} },
		"4001 workers":  func(p *Plan) { p.Workers = []int{4001} },
		"4001 in all":   func(p *Plan) { p.Workers, p.Kernels = []int{2001, 2000}, []string{"generic"} },
		"no prefix":     func(p *Plan) { p.Prefixes = nil },
		"empty prefix":  func(p *Plan) { p.Prefixes = []int{66, 0} },
		"prefix of 2MB": func(p *Plan) { p.Prefixes = []int{2 << 20} },
	} {
		plan := good
		spoil(&plan)
		if _, err := Measure(t.Context(), plan); !errors.Is(err, ErrPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.Kernels = []string{"generic", "quick"}
	if _, err := Measure(t.Context(), good); !errors.Is(err, kernel.ErrUnknown) || !strings.Contains(err.Error(), `"quick"; there are `) ||
		!strings.HasSuffix(err.Error(), kernel.Available()[len(kernel.Available())-1].Name) {
		t.Error(err)
	}
}

// proofSums are the checksums of the proofs that every kernel of every machine finds, by
// the message's length and the layout of the digits.
var proofSums = map[string]string{
	"66 one word":                        "5011f42d0be96adb493e00ea4673ad88026c7b199ff7f0b5287da3993f3ae799",
	"115 table":                          "0b14d5c0cf2075488a3bef609c843fc7b225a08a9ab52051b24d6193bd671508",
	"66 long proofs, table, late digits": "a5b52ad55c322d4996ea039c976b8d7ed074041aaf83dc6c85e33f670a7b76f8",
	"66 whole message":                   "b2ff628e3c296f6fbcfda4c842f85a10740cf663ed762d173379469fe93232b1",
	"115 whole message":                  "91d64cabd726d31e14c226e81fb98486ceb33ac65d5dc431075f222e42fc0dd7",
}

// TestMeasure measures really, in few moments, and looks at what can be known.
func TestMeasure(t *testing.T) {
	before, steps := runtime.GOMAXPROCS(0), 0
	plan := Plan{
		Time: 30 * time.Millisecond, Kernels: []string{"generic", "generic"}, Workers: []int{1, 2, 1}, Prefixes: []int{66},
		Progress: func(done, total int) {
			if steps++; done != steps || done > total {
				t.Errorf("step %d is said to be %d of %d", steps, done, total)
			}
		},
	}
	r, err := Measure(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	var cases []string
	for _, result := range r.Results {
		cases = append(cases, fmt.Sprint(result))
		if !(result.HashesPerSecond > 0) || result.ProofsVerified != puzzleCount || (result.FractionOfLimit == nil) != (r.Limit == nil) {
			t.Errorf("%+v", result)
		}
		if sum := proofSums[fmt.Sprint(result.PrefixBytes, " ", result.Layout)]; result.ProofsSHA256 != sum {
			t.Errorf("%v: the proofs' checksum is %s, want %s", result, result.ProofsSHA256, sum)
		}
	}
	var want []string
	for _, task := range []string{"66 bytes, one word", "115 bytes, table", "66 bytes, long proofs, table, late digits"} {
		for _, workers := range []string{"no engine", "1 worker", "2 workers"} {
			want = append(want, "generic, "+workers+", prefix of "+task)
		}
	}
	for _, size := range []string{"66", "115"} {
		for _, whole := range wholeMessages() {
			want = append(want, whole.Name+", no engine, prefix of "+size+" bytes, whole message")
		}
	}
	if !slices.Equal(cases, want) {
		t.Errorf("the cases are\n%s\nwant\n%s", strings.Join(cases, "\n"), strings.Join(want, "\n"))
	}
	if after := runtime.GOMAXPROCS(0); after != before || r.Machine.GOMAXPROCS < runtime.NumCPU()+2 {
		t.Errorf("GOMAXPROCS %d, then %d, then %d", before, r.Machine.GOMAXPROCS, after)
	}
	if m := r.Machine; m.CPU == "" || len(m.CPUsAllowed) == 0 || len(m.CPUsAllowed) > runtime.NumCPU() {
		t.Errorf("%+v", m)
	}
}

// TestMeasureStops ends it in the first round, after all cases have been proven.
func TestMeasureStops(t *testing.T) {
	const last = 15
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	steps := 0
	plan := Plan{Time: time.Millisecond, Kernels: []string{"generic"}, Workers: []int{1}, Prefixes: []int{66}}
	plan.Progress = func(done, _ int) {
		if steps = done; done == last {
			cancel()
		}
	}
	if r, err := Measure(ctx, plan); !errors.Is(err, context.Canceled) || len(r.Results) != 0 || steps != last {
		t.Errorf("after step %d: %+v, %v", steps, r, err)
	}
}

// TestSubjectsStop ends each kind of measurement in its middle.
func TestSubjectsStop(t *testing.T) {
	e, err := miner.NewEngine(config("generic", 1))
	if err != nil {
		t.Fatal(err)
	}
	background(t, e.Run)
	job := task{66, miner.Fastest}.endless()
	limit := kernel.Limit{Run: func(hashes int) int { return hashes }}
	for _, s := range []subject{
		searching{e, "generic", job, nil},
		task{66, miner.Fastest}.loop(kernel.Generic(), nil),
		ceiling{limit, []int{0, -1}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := s.rate(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%T: %v", s, err)
		}
		cancel()
	}
}

// TestAWrongCaseHasNoRate runs a suite of which one case computes wrongly and one
// could not be made.
func TestAWrongCaseHasNoRate(t *testing.T) {
	task := task{66, miner.Long}
	known, err := task.puzzles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{allowed: []int{0}}
	for _, k := range []kernel.Kernel{wrong(-1), kernel.Generic()} {
		s.add(k.Name, 0, task, task.layout(), task.loop(k, known))
	}
	s.add("proven", 0, task, task.layout(), task.loop(wrong(0), nil)) // but it finds what is none
	s.add("torn", 2, task, task.layout(), opened{err: kernel.ErrSelfTest}.on(task, known))
	if err := s.run(t.Context(), Plan{Time: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	r, err := s.report()
	if len(r.Results) != 1 || r.Results[0].Kernel != "generic" || r.Limit != nil || r.Results[0].FractionOfLimit != nil {
		t.Errorf("%+v", r)
	}
	if !errors.Is(err, ErrCase) || !errors.Is(err, errWrongProof) || !errors.Is(err, kernel.ErrSelfTest) {
		t.Error(err)
	}
	for _, name := range []string{"wrong, no engine, prefix of 66 bytes, long proofs, table, late digits: ", "proven, ", "torn, 2 workers, "} {
		if !strings.Contains(fmt.Sprint(err), name) {
			t.Errorf("%v doesn't name %q", err, name)
		}
	}
}

// TestFractions lets two threads have a limit of their own.
func TestFractions(t *testing.T) {
	s := &suite{limit: &kernel.Limit{Name: "l"}, ceilings: map[int]*measured{1: {rates: []float64{300, 100, 200}}, 2: {rates: []float64{320}}}}
	for workers, rates := range [][]float64{{50, 150, 100.4}, {20}, {80, 240}} {
		s.cases = append(s.cases, &measured{Result: Result{Workers: workers}, rates: rates})
	}
	r, err := s.report()
	if err != nil || *r.Limit != (Limit{"l", 200}) {
		t.Fatal(err, r.Limit)
	}
	for i, want := range []struct{ rate, fraction float64 }{{100, 0.502}, {20, 0.1}, {160, 0.5}} {
		if got := r.Results[i]; got.HashesPerSecond != want.rate || *got.FractionOfLimit != want.fraction {
			t.Errorf("%d workers: %v, %v, want %v", i, got.HashesPerSecond, *got.FractionOfLimit, want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{[]float64{7}, 7}, {[]float64{9, 1}, 5}, {[]float64{5, 1, 9}, 5}, {[]float64{4, math.Inf(1), 1, 2}, 3}} {
		if got := median(test.values); got != test.want {
			t.Errorf("median of %v: %v, want %v", test.values, got, test.want)
		}
	}
}
