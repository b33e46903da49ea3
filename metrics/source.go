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
		f.samples(value, func(sample float64, labels ...string) {
			for i, text := range labels {
				labels[i] = label(text)
			}
			metrics <- prometheus.MustNewConstMetric(f.description, f.kind, sample, labels...)
		})
	}
}

// emitFunc takes one sample and the values of its family's labels.
type emitFunc func(sample float64, labels ...string)

// family is one metric with all its labels, and how to read it from a value.
type family[T any] struct {
	description *prometheus.Desc
	kind        prometheus.ValueType
	samples     func(T, emitFunc)
}

func counters[T any](name, help string, samples func(T, emitFunc), labels ...string) family[T] {
	return family[T]{prometheus.NewDesc(namespace+name, help, labels, nil), prometheus.CounterValue, samples}
}

func gauges[T any](name, help string, samples func(T, emitFunc), labels ...string) family[T] {
	return family[T]{prometheus.NewDesc(namespace+name, help, labels, nil), prometheus.GaugeValue, samples}
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
