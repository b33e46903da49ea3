package metrics

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestHandlerSpeaksBothFormats(t *testing.T) {
	m := newMetrics(t, fixed())
	for accept, want := range map[string]struct {
		contentType string
		typeLine    string
		end         string
	}{
		"text/plain": {"text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
			"# TYPE miner_blocks_found_total counter\n", "\n"},
		"application/openmetrics-text; version=1.0.0": {"application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
			"# TYPE miner_blocks_found counter\n", "# EOF\n"},
	} {
		answer := scrape(m, accept)
		body := answer.Body.String()
		if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != want.contentType {
			t.Errorf("%s: status %d, type %q, want %q", accept, answer.Code, answer.Header().Get("Content-Type"), want.contentType)
		}
		if !strings.Contains(body, want.typeLine) || !strings.Contains(body, "\nminer_blocks_found_total 3") || !strings.HasSuffix(body, want.end) {
			t.Errorf("%s: body\n%s", accept, body)
		}
	}
}

// peersOf parses a scrape and returns the peers that it shows.
func peersOf(t *testing.T, text string) []string {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	must(t, err)
	var peers []string
	for _, metric := range families["miner_peer_queued_messages"].GetMetric() {
		peers = append(peers, metric.GetLabel()[0].GetValue())
	}
	slices.Sort(peers)
	return peers
}

// TestForeignTextInLabels shows texts that the formats can't hold, or that
// quoting could make the same.
func TestForeignTextInLabels(t *testing.T) {
	shown := map[string]string{
		"a\xff":         `"a\xff"`,
		"a\xfe":         `"a\xfe"`,
		`"a\xff"`:       `"\"a\\xff\""`,
		`a"b`:           `a"b`,
		"a\nb\\n{}":     "a\nb\\n{}",
		"":              "",
		"\u00fc:1":      "\u00fc:1",
		"a\ufffd":       "a\ufffd",
		"127.0.0.1:500": "127.0.0.1:500",
	}
	var peers []Peer
	var want []string
	for address, text := range shown {
		peers = append(peers, Peer{Address: address})
		want = append(want, text)
	}
	slices.Sort(want)
	m := newMetrics(t, withPeers(peers...))
	text := scrapeText(t, m)
	if got := peersOf(t, text); !slices.Equal(got, want) {
		t.Errorf("peers %q, want %q", got, want)
	}
	if again := scrapeText(t, m); !strings.Contains(again, `promhttp_metric_handler_errors_total{cause="gathering"} 0`+"\n") {
		t.Errorf("a scrape was incomplete:\n%s", again)
	}
}

// TestForeignTextEverywhereElse lets no other text spoil a scrape either.
func TestForeignTextEverywhereElse(t *testing.T) {
	const foreign = "\xff"
	cfg := empty()
	cfg.Version, cfg.Revision = foreign, foreign
	cfg.Mining = func() Mining { return Mining{Workers: []Worker{{Hashes: map[string]uint64{foreign: 0}}}} }
	cfg.Ledger = func() Ledger {
		return Ledger{Reasons: []string{foreign}, BlocksRejected: map[string]uint64{foreign: 1}, TransactionsRejected: map[string]uint64{foreign: 2}}
	}
	m := newMetrics(t, cfg)
	m.ObserveRequest(foreign, foreign, 200, time.Second, foreign)
	text := scrapeText(t, m)
	for _, want := range []string{
		`revision="\"\\xff\"",version="\"\\xff\""} 1`,
		`miner_hashes_total{device="cpu",kernel="\"\\xff\"",worker="0"} 0`,
		`miner_blocks_rejected_total{reason="\"\\xff\""} 1`,
		`miner_transactions_rejected_total{reason="\"\\xff\""} 2`,
		`miner_http_request_duration_seconds_count{code="200",method="\"\\xff\"",route="\"\\xff\""} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// TestProtobufHasTheNativeBuckets: a Prometheus that wants them asks for protobuf.
func TestProtobufHasTheNativeBuckets(t *testing.T) {
	m := newMetrics(t, fixed())
	m.ObserveSolve(7 * time.Second)
	answer := scrape(m, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	decoder := expfmt.NewDecoder(answer.Body, expfmt.ResponseFormat(answer.Header()))
	for {
		var family client.MetricFamily
		must(t, decoder.Decode(&family)) // io.EOF, if it is missing
		if family.GetName() != "miner_solve_duration_seconds" {
			continue
		}
		h := family.GetMetric()[0].GetHistogram()
		if h.GetSchema() != 3 || len(h.GetPositiveDelta()) != 1 || len(h.GetBucket()) == 0 {
			t.Errorf("schema %d, native buckets %v, %d classic ones", h.GetSchema(), h.GetPositiveDelta(), len(h.GetBucket()))
		}
		return
	}
}
