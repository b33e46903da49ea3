// Package metrics shows Prometheus what the node does. It has its own registry
// and reads its sources when it is scraped, so what is measured pays nothing
// for it. The names follow https://prometheus.io/docs/practices/naming.
package metrics

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ErrNoSource is a Config that lacks one of its sources.
var ErrNoSource = errors.New("metrics need the sources Mining, Ledger, Network and Events")

// Config is what the metrics are made of. Each source is called once a scrape,
// never by New; scrapes run side by side.
type Config struct {
	Version, Revision string // of the program

	Mining  func() Mining
	Ledger  func() Ledger
	Network func() Network
	Events  func() Events
	Index   func() Index // nil: none is kept

	DownloadResults []string // all that ObserveDownload may get

	Logger *slog.Logger // is told why a scrape is incomplete; nil: nobody is
}

// Metrics is a registry with everything that the node shows. Its methods may be
// called from any goroutine.
type Metrics struct {
	observations
	registry *prometheus.Registry
	handler  http.Handler
}

// New registers all metrics. The error wraps ErrNoSource or says which metric
// the registry refused.
func New(cfg Config) (*Metrics, error) {
	if cfg.Mining == nil || cfg.Ledger == nil || cfg.Network == nil || cfg.Events == nil {
		return nil, ErrNoSource
	}
	m := &Metrics{observations: newObservations(cfg.DownloadResults), registry: prometheus.NewRegistry()}
	// One collector a source: the failure of one leaves the others readable.
	own := append(m.collectors(),
		source[Mining]{cfg.Mining, miningFamilies()},
		source[Ledger]{cfg.Ledger, ledgerFamilies()},
		source[Network]{cfg.Network, networkFamilies()},
		source[Events]{cfg.Events, eventsFamilies()},
		newBuildInfo(cfg.Version, cfg.Revision),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if cfg.Index != nil {
		own = append(own, source[Index]{cfg.Index, indexFamilies()}, m.indexCommits)
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
