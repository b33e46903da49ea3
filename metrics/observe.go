package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// observations are what can't be read when a scrape comes: each is noted when it
// happens. Their histograms have classic buckets, which every Prometheus reads,
// and native ones, which are finer and which one gets that asks for them.
type observations struct {
	cancels   prometheus.Histogram
	solves    prometheus.Histogram
	commits   prometheus.Histogram
	syncs     prometheus.Histogram
	requests  *prometheus.HistogramVec
	downloads *prometheus.HistogramVec
	blocks    *prometheus.CounterVec

	indexCommits prometheus.Histogram // shown only where there is an index
}

// newObservations shows every result of a download from the first scrape on.
func newObservations(results []string) observations {
	o := observations{
		cancels: newCancels(), solves: newSolves(), commits: newCommits(), syncs: newSyncs(),
		requests: newRequests(), downloads: newDownloads(), blocks: newDownloadedBlocks(), indexCommits: newIndexCommits(),
	}
	for _, result := range results {
		o.downloads.WithLabelValues(label(result))
		o.blocks.WithLabelValues(label(result))
	}
	return o
}

func (o observations) collectors() []prometheus.Collector {
	return []prometheus.Collector{o.cancels, o.solves, o.commits, o.syncs, o.requests, o.downloads, o.blocks}
}

// ObserveCancel notes how long after a new tip's acceptance the last worker left
// the search that it made useless. Workers call it: it doesn't wait.
func (m *Metrics) ObserveCancel(latency time.Duration) { m.cancels.Observe(latency.Seconds()) }

// ObserveSolve notes how long it took from the start on a tip to the block that was
// added to it, without pauses.
func (m *Metrics) ObserveSolve(took time.Duration) { m.solves.Observe(took.Seconds()) }

// ObserveCommit notes how long a commit to the database took, and how much of that
// went into writing and syncing.
func (m *Metrics) ObserveCommit(commit, sync time.Duration) {
	m.commits.Observe(commit.Seconds())
	m.syncs.Observe(sync.Seconds())
}

// ObserveIndexCommit notes how long a commit of the index took.
func (m *Metrics) ObserveIndexCommit(took time.Duration) { m.indexCommits.Observe(took.Seconds()) }

// ObserveDownload notes what came of asking a peer for its chain. The result is one
// of Config.DownloadResults.
func (m *Metrics) ObserveDownload(result string, blocks int64, took time.Duration) {
	m.downloads.WithLabelValues(label(result)).Observe(took.Seconds())
	m.blocks.WithLabelValues(label(result)).Add(float64(blocks))
}

// ObserveRequest notes an answered request. The route is the template that
// matched, not the path, and the method one of a few: each combination is kept
// for good. The request's ID, if there is one, becomes an exemplar: the latest of
// each bucket is shown with it, so that a slow answer leads to its log lines.
func (m *Metrics) ObserveRequest(method, route string, code int, duration time.Duration, id string) {
	observer := m.requests.WithLabelValues(label(method), label(route), strconv.Itoa(code))
	exemplars, ok := observer.(prometheus.ExemplarObserver)
	if !ok || !isExemplar(id) {
		observer.Observe(duration.Seconds())
		return
	}
	exemplars.ObserveWithExemplar(duration.Seconds(), prometheus.Labels{exemplarLabel: id})
}

const exemplarLabel = "request_id"

// isExemplar refuses IDs for which the library, or OpenMetrics, has no room.
func isExemplar(id string) bool {
	const most = prometheus.ExemplarMaxRunes - len(exemplarLabel)
	return id != "" && len(id) <= most && label(id) == id
}

// native adds native buckets, each 10 % wider than the one below. When there are
// too many of them they get wider, or begin anew after an hour.
func native(o prometheus.HistogramOpts) prometheus.HistogramOpts {
	o.NativeHistogramBucketFactor = 1.1
	o.NativeHistogramMaxBucketNumber = 160
	o.NativeHistogramMinResetDuration = time.Hour
	return o
}

// newCancels has its narrowest buckets around 100 us, about the length of a
// batch of candidates and so the usual latency. Slow ones are workers that the
// system keeps off their CPUs.
func newCancels() prometheus.Histogram {
	return prometheus.NewHistogram(native(prometheus.HistogramOpts{
		Name: namespace + "cancel_latency_seconds",
		Help: "Time from the acceptance of a new tip to the last worker's leaving the search that it made useless.",
		Buckets: []float64{10e-6, 25e-6, 50e-6, 75e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6,
			1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1},
	}))
}

// newSolves reaches from easy networks on many cores to an hour.
func newSolves() prometheus.Histogram {
	return prometheus.NewHistogram(native(prometheus.HistogramOpts{
		Name:    namespace + "solve_duration_seconds",
		Help:    "Time from the start on a tip to the block mined on it, stored. Pauses don't count.",
		Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600},
	}))
}

// diskBuckets reach from disks in memory to ones that are about to fail.
func diskBuckets() []float64 {
	return []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 0.5, 1, 2.5, 10}
}

func newCommits() prometheus.Histogram {
	return prometheus.NewHistogram(native(prometheus.HistogramOpts{
		Name:    namespace + "store_commit_duration_seconds",
		Help:    "Time to commit a change to the database, once it is made up.",
		Buckets: diskBuckets(),
	}))
}

func newSyncs() prometheus.Histogram {
	return prometheus.NewHistogram(native(prometheus.HistogramOpts{
		Name:    namespace + "store_fsync_duration_seconds",
		Help:    "Time in which a commit wrote its pages and had the disk sync them, twice: what of a commit is up to the disk.",
		Buckets: diskBuckets(),
	}))
}

func newIndexCommits() prometheus.Histogram {
	return prometheus.NewHistogram(native(prometheus.HistogramOpts{
		Name:    namespace + "index_commit_duration_seconds",
		Help:    "Time to commit a change to the index, once it is made up.",
		Buckets: diskBuckets(),
	}))
}

// newRequests has buckets for reads, for posts that wait for peers up to 1 s,
// and for mining, which takes minutes.
func newRequests() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(native(prometheus.HistogramOpts{
		Name:    namespace + "http_request_duration_seconds",
		Help:    "Time to answer an HTTP request.",
		Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
	}), []string{"method", "route", "code"})
}

// newDownloads reaches to the five minutes that a download may take.
func newDownloads() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(native(prometheus.HistogramOpts{
		Name:    namespace + "chain_download_duration_seconds",
		Help:    "Time in which a peer was asked for its chain, and the chain taken over if it was longer.",
		Buckets: []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300},
	}), []string{"result"})
}

func newDownloadedBlocks() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: namespace + "chain_download_blocks_total",
		Help: "Blocks that came from peers that were asked for their chains, but for those that this node had.",
	}, []string{"result"})
}
