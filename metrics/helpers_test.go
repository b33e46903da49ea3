package metrics

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fixed are sources whose every value is different, so that no two can be
// mistaken for each other.
func fixed() Config {
	return Config{
		Version:  "v1.2.3",
		Revision: "0123abc",
		Mining: func() Mining {
			return Mining{
				Workers: []Worker{
					{0, 0, "sha", map[string]uint64{"sha": 1000}, 101},
					{1, 35, "generic", map[string]uint64{"sha": 1500, "generic": 500}, 102.5},
					{2, -1, "generic", map[string]uint64{"generic": 3000}, 103},
				},
				Devices: []Device{
					{"gpu0 NVIDIA H100", "cuda", "ready", 50_000, 24},
					{"gpu1", "opencl", "dropped", 60_000, 25},
				},
				DeviceStates: []string{"ready", "dropped"},
				Rates:        Rates{10.5, 60.25, 900, 1e9},
				BlocksFound:  3, StaleSearches: 4, KernelMismatches: 5,
				StaleHashes: 26, Continuous: true, Paused: true, Difficulty: 2,
			}
		},
		Ledger: func() Ledger {
			return Ledger{
				Reasons: []string{"proof", "stale", "signature"},
				Height:  6, OpenTransactions: 7,
				BlocksAccepted: 8, BlocksRejected: map[string]uint64{"proof": 9, "stale": 10},
				TransactionsAccepted: 11, TransactionsRejected: map[string]uint64{"signature": 12},
				TransactionsRepeated: 15, TransactionsDropped: 16,
				Reorgs: 13, DeepestReorg: 5000, BlocksAbandoned: 5027,
				ReorgDepths: map[int64]uint64{1: 4, 2: 5, 8: 3, 8192: 1},
				PoolBytes:   27, StoreBytes: 28, DiskFree: 29, DiskSize: 30,
			}
		},
		Network: func() Network {
			return Network{Conflict: true, Received: 31, Peers: []Peer{
				{"127.0.0.1:5001", 15, 16, 17, 18, time.Unix(1700000000, 250e6), "ok"},
				{"[::1]:5002", 19, 20, 21, 22, time.Time{}, "invalid"},
			}}
		},
		Index: func() Index {
			return Index{Behind: 32, Entries: map[string]int64{"blocks": 33, "addresses": 34}, Bytes: 35}
		},
		Events:          func() Events { return Events{Streams: 36, CutOff: 37} },
		DownloadResults: []string{"adopted", "failed"},
	}
}

// empty are the sources of a node that has just started.
func empty() Config {
	return Config{
		Mining:  func() Mining { return Mining{} },
		Ledger:  func() Ledger { return Ledger{} },
		Network: func() Network { return Network{} },
		Events:  func() Events { return Events{} },
	}
}

func withPeers(peers ...Peer) Config {
	cfg := empty()
	cfg.Network = func() Network { return Network{Peers: peers} }
	return cfg
}

func newMetrics(t testing.TB, cfg Config) *Metrics {
	t.Helper()
	m, err := New(cfg)
	must(t, err)
	return m
}

// scrape is an answer to a client that accepts a format.
func scrape(m *Metrics, accept string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", accept)
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, request)
	return answer
}

// scrapeText is the body of a scrape that succeeds.
func scrapeText(t testing.TB, m *Metrics) string {
	t.Helper()
	answer := scrape(m, "text/plain")
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}
