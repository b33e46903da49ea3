package metrics

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// ownFamilies are the names of all gathered families but those of the Go, the
// process and the promhttp collectors.
func ownFamilies(t *testing.T, m *Metrics) []string {
	t.Helper()
	families, err := m.registry.Gather()
	must(t, err)
	var names []string
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), namespace) {
			names = append(names, family.GetName())
		}
	}
	return names
}

// familiesOf are the names in a text.
func familiesOf(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[1] == "TYPE" {
			names = append(names, fields[2])
		}
	}
	return names
}

func observed(t *testing.T) *Metrics {
	m := newMetrics(t, fixed())
	m.ObserveCancel(100 * time.Microsecond)
	m.ObserveCancel(20 * time.Millisecond)
	m.ObserveRequest("GET", "/v1/blocks/{height}", 200, 2*time.Millisecond)
	m.ObserveRequest("POST", "/mine", 201, 45*time.Second)
	m.ObserveRequest("POST", "/mine", 201, time.Second)
	return m
}

// TestEveryFamily compares all that is ours with a golden text. GatherAndCompare
// ignores families that aren't named, so the names are compared first.
func TestEveryFamily(t *testing.T) {
	m := observed(t)
	text, err := os.ReadFile("testdata/metrics.txt")
	must(t, err)
	want := strings.ReplaceAll(string(text), "GOVERSION", runtime.Version())
	names := familiesOf(want)
	if got := ownFamilies(t, m); !slices.Equal(got, names) {
		t.Errorf("families %q, want %q", got, names)
	}
	must(t, testutil.GatherAndCompare(m.registry, strings.NewReader(want), names...))
}

// TestFirstScrape finds what has no labels, and the three windows, at 0.
func TestFirstScrape(t *testing.T) {
	var got []string
	for line := range strings.Lines(scrapeText(t, newMetrics(t, empty()))) {
		name, value, _ := strings.Cut(line, " ")
		if strings.HasPrefix(name, namespace) && value == "0\n" && !strings.Contains(name, "_bucket{") {
			got = append(got, name)
		}
	}
	want := []string{
		"miner_blocks_accepted_total", "miner_blocks_found_total",
		"miner_cancel_latency_seconds_sum", "miner_cancel_latency_seconds_count",
		"miner_chain_height", "miner_conflict", "miner_deepest_reorg_blocks",
		`miner_hashrate_hashes_per_second{window="10s"}`, `miner_hashrate_hashes_per_second{window="15m"}`,
		`miner_hashrate_hashes_per_second{window="60s"}`, "miner_hashrate_max_hashes_per_second",
		"miner_kernel_mismatches_total", "miner_peers", `miner_peers_in_state{state="invalid"}`,
		`miner_peers_in_state{state="ok"}`, `miner_peers_in_state{state="unreachable"}`, "miner_pool_transactions", "miner_reorgs_total",
		"miner_stale_searches_total", "miner_transactions_accepted_total", "miner_transactions_repeated_total", "miner_workers",
	}
	if !slices.Equal(got, want) {
		t.Errorf("at 0 are %q, want %q", got, want)
	}
}

// TestNamesAreLinted includes the collectors of the library.
func TestNamesAreLinted(t *testing.T) {
	m := observed(t)
	scrapeText(t, m)
	problems, err := testutil.GatherAndLint(m.registry)
	must(t, err)
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestLibraryCollectors(t *testing.T) {
	m := newMetrics(t, fixed())
	scrapeText(t, m)
	want := []string{"go_goroutines", "promhttp_metric_handler_errors_total", "promhttp_metric_handler_requests_total"}
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		want = append(want, "process_cpu_seconds_total", "process_start_time_seconds")
	}
	got := familiesOf(scrapeText(t, m))
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestNewNeedsItsSources(t *testing.T) {
	for name, remove := range map[string]func(*Config){
		"mining":  func(c *Config) { c.Mining = nil },
		"ledger":  func(c *Config) { c.Ledger = nil },
		"network": func(c *Config) { c.Network = nil },
	} {
		cfg := fixed()
		remove(&cfg)
		if m, err := New(cfg); m != nil || !errors.Is(err, ErrNoSource) {
			t.Errorf("without %s: %v, error %v, want ErrNoSource", name, m, err)
		}
	}
}

func TestSourcesAreReadOnceAScrape(t *testing.T) {
	var mining, ledger, network atomic.Int64
	m := newMetrics(t, Config{
		Mining:  func() Mining { mining.Add(1); return Mining{} },
		Ledger:  func() Ledger { ledger.Add(1); return Ledger{} },
		Network: func() Network { network.Add(1); return Network{} },
	})
	for scrapes := range int64(3) {
		got := [3]int64{mining.Load(), ledger.Load(), network.Load()}
		if want := [3]int64{scrapes, scrapes, scrapes}; got != want {
			t.Errorf("after %d scrapes the sources were read %v times", scrapes, got)
		}
		scrapeText(t, m)
	}
}

func TestTwoInOneProcess(t *testing.T) {
	first, second := newMetrics(t, fixed()), newMetrics(t, empty())
	first.ObserveCancel(time.Millisecond)
	for m, want := range map[*Metrics][]string{
		first:  {"miner_cancel_latency_seconds_count 1\n", "miner_chain_height 6\n"},
		second: {"miner_cancel_latency_seconds_count 0\n", "miner_chain_height 0\n"},
	} {
		text := scrapeText(t, m)
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("%q is missing in\n%s", line, text)
			}
		}
	}
}

func TestScrapesAndObservationsSideBySide(t *testing.T) {
	const each = 50
	m := newMetrics(t, fixed())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range each {
				m.ObserveCancel(time.Millisecond)
				m.ObserveRequest("GET", "/chain", 200, time.Millisecond)
			}
		})
		group.Go(func() {
			for range each / 10 {
				if answer := scrape(m, "text/plain"); answer.Code != http.StatusOK {
					t.Errorf("status %d: %s", answer.Code, answer.Body)
				}
			}
		})
	}
	group.Wait()
	text := scrapeText(t, m)
	for _, want := range []string{
		"miner_cancel_latency_seconds_count 200\n",
		`miner_http_request_duration_seconds_count{code="200",method="GET",route="/chain"} 200` + "\n",
		`promhttp_metric_handler_errors_total{cause="gathering"} 0` + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestObserveCancelDoesNotAllocate(t *testing.T) {
	m := newMetrics(t, empty())
	if got := testing.AllocsPerRun(1000, func() { m.ObserveCancel(time.Millisecond) }); got != 0 {
		t.Errorf("%v allocations an observation, want none", got)
	}
}

// TestBuckets says in which bucket, by its upper bound, an observation falls.
func TestBuckets(t *testing.T) {
	const cancel, request = "miner_cancel_latency_seconds_bucket{", `miner_http_request_duration_seconds_bucket{code="200",method="GET",route="/",`
	for _, test := range []struct {
		family      string
		observation time.Duration
		bucket      string
	}{
		{cancel, 0, "1e-05"},
		{cancel, 10 * time.Microsecond, "1e-05"},
		{cancel, 90 * time.Microsecond, "0.0001"},
		{cancel, 100 * time.Microsecond, "0.0001"},
		{cancel, 101 * time.Microsecond, "0.00015"},
		{cancel, time.Second, "1"},
		{cancel, 2 * time.Second, "+Inf"},
		{request, time.Millisecond, "0.001"},
		{request, 3 * time.Second, "5"},
		{request, 4 * time.Minute, "300"},
		{request, time.Hour, "+Inf"},
	} {
		m := newMetrics(t, empty())
		if test.family == cancel {
			m.ObserveCancel(test.observation)
		} else {
			m.ObserveRequest("GET", "/", 200, test.observation)
		}
		if got := firstFilled(scrapeText(t, m), test.family); got != test.bucket {
			t.Errorf("%s: %v falls into bucket %q, want %q", test.family, test.observation, got, test.bucket)
		}
	}
}

// firstFilled is the lowest bucket's bound that has the one observation.
func firstFilled(text, family string) string {
	for line := range strings.Lines(text) {
		rest, found := strings.CutPrefix(line, family+`le="`)
		if bound, count, _ := strings.Cut(rest, `"} `); found && count == "1\n" {
			return bound
		}
	}
	return ""
}

// TestAnIncompleteScrape finds what could be read, a count and a log line.
func TestAnIncompleteScrape(t *testing.T) {
	panicking := fixed()
	panicking.Network = func() Network { panic("broken source") }
	for name, test := range map[string]struct {
		cfg Config
		log string
	}{
		"the same peer twice": {withPeers(Peer{Address: "a:1"}, Peer{Address: "a:1"}), "a:1"},
		"a source panics":     {panicking, "broken source"},
	} {
		var log strings.Builder
		test.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		m := newMetrics(t, test.cfg)
		first, second := scrapeText(t, m), scrapeText(t, m)
		if !strings.Contains(first, "\nminer_chain_height ") || !strings.Contains(first, "\nminer_workers ") {
			t.Errorf("%s: the other families are missing in\n%s", name, first)
		}
		if !strings.Contains(second, `promhttp_metric_handler_errors_total{cause="gathering"} 1`+"\n") {
			t.Errorf("%s: the error was not counted in\n%s", name, second)
		}
		if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), test.log) {
			t.Errorf("%s: log %q", name, log.String())
		}
	}
}

func TestAnIncompleteScrapeWithoutALogger(t *testing.T) {
	m := newMetrics(t, withPeers(Peer{Address: "a:1"}, Peer{Address: "a:1"}))
	if text := scrapeText(t, m); !strings.Contains(text, `miner_peer_queued_messages{peer="a:1"} 0`+"\n") {
		t.Errorf("the peer is missing in\n%s", text)
	}
}
