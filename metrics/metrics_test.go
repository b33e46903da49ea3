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
	client "github.com/prometheus/client_model/go"
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

// histogramsOf are the families that are histograms.
func histogramsOf(t *testing.T, m *Metrics) map[string]*client.Histogram {
	t.Helper()
	families, err := m.registry.Gather()
	must(t, err)
	found := map[string]*client.Histogram{}
	for _, family := range families {
		if h := family.GetMetric()[0].GetHistogram(); h != nil && strings.HasPrefix(family.GetName(), namespace) {
			found[family.GetName()] = h
		}
	}
	return found
}

// TestBothKindsOfBuckets: but for the depths, which the ledger counts, every histogram
// has native buckets beside the classic ones.
func TestBothKindsOfBuckets(t *testing.T) {
	histograms := histogramsOf(t, observed(t))
	if len(histograms) != 8 {
		t.Errorf("%d histograms, want 8", len(histograms))
	}
	for name, h := range histograms {
		if name != "miner_reorg_depth_blocks" && (h.GetSchema() != 3 || len(h.GetPositiveDelta()) == 0) {
			t.Errorf("%s: schema %d, native buckets %v", name, h.GetSchema(), h.GetPositiveDelta())
		}
		if len(h.GetBucket()) == 0 {
			t.Errorf("%s has no classic buckets", name)
		}
	}
}

// TestExemplars shows the ID of the latest request in a bucket, if it is one that
// fits.
func TestExemplars(t *testing.T) {
	for id, want := range map[string]string{
		"":                       "",
		"abc-1":                  `# {request_id="abc-1"} 2.0`,
		strings.Repeat("x", 118): `# {request_id="` + strings.Repeat("x", 118) + `"} 2.0`,
		strings.Repeat("x", 119): "",
		"\xff\xfe":               "",
	} {
		m := newMetrics(t, empty())
		m.ObserveRequest("GET", "/", 200, 2*time.Second, id)
		text := scrape(m, "application/openmetrics-text; version=1.0.0").Body.String()
		line := text[strings.Index(text, `route="/",le="2.5"`):]
		line, _, _ = strings.Cut(line, "\n")
		_, count, _ := strings.Cut(line, "} ")
		shown, exemplar, _ := strings.Cut(count, " ")
		if shown != "1" || !strings.HasPrefix(exemplar, want) || want == "" && exemplar != "" {
			t.Errorf("%q: %s, want %s", id, line, want)
		}
	}
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
	m.ObserveRequest("GET", "/v1/blocks/{height}", 200, 2*time.Millisecond, "")
	m.ObserveRequest("POST", "/mine", 201, 45*time.Second, "request-1")
	m.ObserveRequest("POST", "/mine", 201, time.Second, "")
	m.ObserveSolve(7 * time.Second)
	m.ObserveCommit(6*time.Millisecond, 4*time.Millisecond)
	m.ObserveDownload("adopted", 500, 3*time.Second)
	m.ObserveIndexCommit(7 * time.Millisecond)
	return m
}

// ownText is what a scrape shows of ours.
func ownText(t *testing.T, m *Metrics) string {
	t.Helper()
	var own strings.Builder
	isOwn := false
	for line := range strings.Lines(scrapeText(t, m)) {
		if strings.HasPrefix(line, "# HELP ") {
			isOwn = strings.HasPrefix(line, "# HELP "+namespace)
		}
		if isOwn {
			own.WriteString(line)
		}
	}
	return strings.ReplaceAll(own.String(), runtime.Version(), "GOVERSION")
}

// TestEveryFamily compares all that is ours with a golden text, which METRICS_WRITE=1
// writes. GatherAndCompare ignores families that aren't named, so the names are
// compared first.
func TestEveryFamily(t *testing.T) {
	m := observed(t)
	if os.Getenv("METRICS_WRITE") != "" {
		must(t, os.WriteFile("testdata/metrics.txt", []byte(ownText(t, m)), 0o600))
	}
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
		"miner_blocks_accepted_total", "miner_blocks_expected_total", "miner_blocks_found_total",
		"miner_cancel_latency_seconds_sum", "miner_cancel_latency_seconds_count",
		"miner_chain_download_bytes_total", "miner_chain_height", "miner_conflict", "miner_deepest_reorg_blocks", "miner_difficulty_zeros",
		"miner_event_streams", "miner_event_streams_cut_total",
		`miner_hashrate_hashes_per_second{window="10s"}`, `miner_hashrate_hashes_per_second{window="15m"}`,
		`miner_hashrate_hashes_per_second{window="60s"}`, "miner_hashrate_max_hashes_per_second",
		"miner_kernel_mismatches_total", "miner_mining_continuous", "miner_mining_paused", "miner_peers", `miner_peers_in_state{state="invalid"}`,
		`miner_peers_in_state{state="ok"}`, `miner_peers_in_state{state="unreachable"}`, "miner_pool_bytes", "miner_pool_transactions",
		"miner_reorg_depth_blocks_sum", "miner_reorg_depth_blocks_count", "miner_reorgs_total",
		"miner_solve_duration_seconds_sum", "miner_solve_duration_seconds_count", "miner_stale_hashes_total", "miner_stale_searches_total",
		"miner_store_commit_duration_seconds_sum", "miner_store_commit_duration_seconds_count",
		"miner_store_fsync_duration_seconds_sum", "miner_store_fsync_duration_seconds_count", "miner_store_size_bytes",
		"miner_transactions_accepted_total", "miner_transactions_dropped_total", "miner_transactions_repeated_total", "miner_workers",
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
		"events":  func(c *Config) { c.Events = nil },
	} {
		cfg := fixed()
		remove(&cfg)
		if m, err := New(cfg); m != nil || !errors.Is(err, ErrNoSource) {
			t.Errorf("without %s: %v, error %v, want ErrNoSource", name, m, err)
		}
	}
}

func TestSourcesAreReadOnceAScrape(t *testing.T) {
	var mining, ledger, network, events atomic.Int64
	m := newMetrics(t, Config{
		Mining:  func() Mining { mining.Add(1); return Mining{} },
		Ledger:  func() Ledger { ledger.Add(1); return Ledger{} },
		Network: func() Network { network.Add(1); return Network{} },
		Events:  func() Events { events.Add(1); return Events{} },
	})
	for scrapes := range int64(3) {
		got := [4]int64{mining.Load(), ledger.Load(), network.Load(), events.Load()}
		if want := [4]int64{scrapes, scrapes, scrapes, scrapes}; got != want {
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
				m.ObserveRequest("GET", "/chain", 200, time.Millisecond, "id")
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
	if got := testing.AllocsPerRun(1000, func() { m.ObserveCancel(time.Millisecond) }); got > 0 {
		t.Errorf("%v allocations an observation, want none", got)
	}
}

// TestBuckets says in which bucket, by its upper bound, an observation falls.
func TestBuckets(t *testing.T) {
	observe := map[string]func(*Metrics, time.Duration){
		"miner_cancel_latency_seconds_bucket{":                     (*Metrics).ObserveCancel,
		"miner_solve_duration_seconds_bucket{":                     (*Metrics).ObserveSolve,
		"miner_store_commit_duration_seconds_bucket{":              func(m *Metrics, d time.Duration) { m.ObserveCommit(d, time.Hour) },
		"miner_store_fsync_duration_seconds_bucket{":               func(m *Metrics, d time.Duration) { m.ObserveCommit(time.Hour, d) },
		`miner_chain_download_duration_seconds_bucket{result="r",`: func(m *Metrics, d time.Duration) { m.ObserveDownload("r", 0, d) },
		`miner_http_request_duration_seconds_bucket{code="200",method="GET",route="/",`: func(m *Metrics, d time.Duration) {
			m.ObserveRequest("GET", "/", 200, d, "")
		},
	}
	for _, test := range []struct {
		family      string
		observation time.Duration
		bucket      string
	}{
		{"cancel", 0, "1e-05"},
		{"cancel", 10 * time.Microsecond, "1e-05"},
		{"cancel", 90 * time.Microsecond, "0.0001"},
		{"cancel", 100 * time.Microsecond, "0.0001"},
		{"cancel", 101 * time.Microsecond, "0.00015"},
		{"cancel", time.Second, "1"},
		{"cancel", 2 * time.Second, "+Inf"},
		{"http", time.Millisecond, "0.001"},
		{"http", 3 * time.Second, "5"},
		{"http", 4 * time.Minute, "300"},
		{"http", time.Hour, "+Inf"},
		{"solve", time.Millisecond, "0.001"},
		{"solve", 45 * time.Second, "60"},
		{"solve", 2 * time.Hour, "+Inf"},
		{"commit", 10 * time.Microsecond, "5e-05"},
		{"commit", 4 * time.Millisecond, "0.005"},
		{"commit", time.Minute, "+Inf"},
		{"fsync", 4 * time.Millisecond, "0.005"},
		{"fsync", 2 * time.Second, "2.5"},
		{"download", time.Second, "1"},
		{"download", 5 * time.Minute, "300"},
	} {
		for family, observe := range observe {
			if !strings.Contains(family, test.family) {
				continue
			}
			m := newMetrics(t, empty())
			observe(m, test.observation)
			if got := firstFilled(scrapeText(t, m), family); got != test.bucket {
				t.Errorf("%s: %v falls into bucket %q, want %q", test.family, test.observation, got, test.bucket)
			}
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
