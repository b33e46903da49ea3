// Package metrics shows Prometheus what the node does. It has its own registry
// and reads its sources when it is scraped, so what is measured pays nothing
// for it. The names follow https://prometheus.io/docs/practices/naming.
package metrics

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ErrNoSource is a Config that lacks one of its sources.
var ErrNoSource = errors.New("metrics need the sources Mining, Ledger and Network")

// Config is what the metrics are made of. Each source is called once a scrape,
// never by New; scrapes run side by side.
type Config struct {
	Version, Revision string // of the program

	Mining  func() Mining
	Ledger  func() Ledger
	Network func() Network

	Logger *slog.Logger // is told why a scrape is incomplete; nil: nobody is
}

// Metrics is a registry with everything that the node shows. Its methods may be
// called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	handler  http.Handler
	cancels  prometheus.Histogram
	requests *prometheus.HistogramVec
}

// New registers all metrics. The error wraps ErrNoSource or says which metric
// the registry refused.
func New(cfg Config) (*Metrics, error) {
	if cfg.Mining == nil || cfg.Ledger == nil || cfg.Network == nil {
		return nil, ErrNoSource
	}
	m := &Metrics{registry: prometheus.NewRegistry(), cancels: newCancels(), requests: newRequests()}
	// One collector a source: the failure of one leaves the others readable.
	own := []prometheus.Collector{
		source[Mining]{cfg.Mining, miningFamilies()},
		source[Ledger]{cfg.Ledger, ledgerFamilies()},
		source[Network]{cfg.Network, networkFamilies()},
		m.cancels, m.requests, newBuildInfo(cfg.Version, cfg.Revision),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	var failures []error
	for _, collector := range own {
		failures = append(failures, m.registry.Register(collector))
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	m.handler = newHandler(m.registry, cfg.Logger)
	return m, nil
}

// newHandler serves what could be gathered, even if it is not all: a value that
// can't be shown must not hide the others. promhttp_metric_handler_errors_total
// counts such scrapes.
func newHandler(registry *prometheus.Registry, logger *slog.Logger) http.Handler {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return promhttp.InstrumentMetricHandler(registry, promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelError),
		ErrorHandling:     promhttp.ContinueOnError,
		Registry:          registry,
		EnableOpenMetrics: true,
	}))
}

// Handler answers scrapes in Prometheus' text format or in OpenMetrics, as the
// client asks.
func (m *Metrics) Handler() http.Handler { return m.handler }

// ObserveCancel notes how long after a new tip's acceptance the last worker left
// the search that it made useless. Workers call it: it neither waits nor
// allocates.
func (m *Metrics) ObserveCancel(latency time.Duration) { m.cancels.Observe(latency.Seconds()) }

// ObserveRequest notes an answered request. The route is the template that
// matched, not the path, and the method one of a few: each combination is kept
// for good.
func (m *Metrics) ObserveRequest(method, route string, code int, duration time.Duration) {
	m.requests.WithLabelValues(label(method), label(route), strconv.Itoa(code)).Observe(duration.Seconds())
}

// newCancels has its narrowest buckets around 100 us, about the length of a
// batch of candidates and so the usual latency. Slow ones are workers that the
// system keeps off their CPUs.
func newCancels() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: namespace + "cancel_latency_seconds",
		Help: "Time from the acceptance of a new tip to the last worker's leaving the search that it made useless.",
		Buckets: []float64{10e-6, 25e-6, 50e-6, 75e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6,
			1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1},
	})
}

// newRequests has buckets for reads, for posts that wait for peers up to 1 s,
// and for mining, which takes minutes.
func newRequests() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    namespace + "http_request_duration_seconds",
		Help:    "Time to answer an HTTP request.",
		Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
	}, []string{"method", "route", "code"})
}

func newBuildInfo(version, revision string) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: namespace + "build_info",
		Help: "Always 1; the labels say which program runs.",
		ConstLabels: prometheus.Labels{
			"version": label(version), "revision": label(revision), "goversion": runtime.Version(),
		},
	})
	info.Set(1)
	return info
}
