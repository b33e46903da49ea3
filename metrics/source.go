package metrics

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// namespace begins the name of every metric of this package.
const namespace = "miner_"

// source collects the families that are read from one value.
type source[T any] struct {
	read     func() T
	families []family[T]
}

// Describe lists the families. It does not read the source, which may not exist
// yet when it is registered.
func (s source[T]) Describe(descriptions chan<- *prometheus.Desc) {
	for _, f := range s.families {
		descriptions <- f.description
	}
}

// Collect reads the source once.
func (s source[T]) Collect(metrics chan<- prometheus.Metric) {
	value := s.read()
	for _, f := range s.families {
		f.collect(value, metrics)
	}
}

// emitFunc takes one sample and the values of its family's labels.
type emitFunc func(sample float64, labels ...string)

// family is one metric with all its labels, and how to read it from a value.
type family[T any] struct {
	description *prometheus.Desc
	collect     func(T, chan<- prometheus.Metric)
}

func values[T any](name, help string, kind prometheus.ValueType, samples func(T, emitFunc), labels []string) family[T] {
	description := prometheus.NewDesc(namespace+name, help, labels, nil)
	return family[T]{description, func(value T, metrics chan<- prometheus.Metric) {
		samples(value, func(sample float64, labels ...string) {
			for i, text := range labels {
				labels[i] = label(text)
			}
			metrics <- prometheus.MustNewConstMetric(description, kind, sample, labels...)
		})
	}}
}

func counters[T any](name, help string, samples func(T, emitFunc), labels ...string) family[T] {
	return values(name, help, prometheus.CounterValue, samples, labels)
}

func gauges[T any](name, help string, samples func(T, emitFunc), labels ...string) family[T] {
	return values(name, help, prometheus.GaugeValue, samples, labels)
}

// histogram is a family without labels whose observations the source has counted:
// how many there were, their sum, and how many were at most as large as a bound.
func histogram[T any](name, help string, read func(T) (count uint64, sum float64, buckets map[float64]uint64)) family[T] {
	description := prometheus.NewDesc(namespace+name, help, nil, nil)
	return family[T]{description, func(value T, metrics chan<- prometheus.Metric) {
		count, sum, buckets := read(value)
		metrics <- prometheus.MustNewConstHistogram(description, count, sum, buckets)
	}}
}

// counter is a family without labels, there from the first scrape on.
func counter[T any](name, help string, count func(T) uint64) family[T] {
	return counters(name, help, func(value T, emit emitFunc) { emit(float64(count(value))) })
}

// gauge is a family without labels.
func gauge[T any](name, help string, measure func(T) float64) family[T] {
	return gauges(name, help, func(value T, emit emitFunc) { emit(measure(value)) })
}

// label is text as the value of a label, which must be UTF-8. Other text is
// quoted as in Go, and so is text that looks quoted: two texts never become the
// same label, which would spoil the scrape.
func label(text string) string {
	if utf8.ValidString(text) && !strings.HasPrefix(text, `"`) {
		return text
	}
	return strconv.Quote(text)
}
