package metrics

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	client "github.com/prometheus/client_model/go"
)

const document = "../docs/metrics.md"

// tableBegins and tableEnds stand around the table in the document.
const (
	tableBegins = "<!-- METRICS_WRITE=1 go test ./metrics writes this table -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// row describes a family: its name, type, labels and help.
func row(family *client.MetricFamily) string {
	var labels []string
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			if !slices.Contains(labels, label.GetName()) {
				labels = append(labels, label.GetName())
			}
		}
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", family.GetName(), strings.ToLower(family.GetType().String()),
		strings.Join(labels, ", "), family.GetHelp())
}

// TestDocumentedMetrics compares the table in docs/metrics.md with what is registered.
func TestDocumentedMetrics(t *testing.T) {
	families, err := observed(t).registry.Gather()
	must(t, err)
	table := "| name | type | labels | what it says |\n|---|---|---|---|\n"
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), namespace) {
			table += row(family)
		}
	}
	text, err := os.ReadFile(document)
	must(t, err)
	before, rest, begun := strings.Cut(string(text), tableBegins)
	written, after, ended := strings.Cut(rest, tableEnds)
	if !begun || !ended {
		t.Fatalf("%s has no table", document)
	}
	if os.Getenv("METRICS_WRITE") != "" {
		must(t, os.WriteFile(document, []byte(before+tableBegins+table+tableEnds+after), 0o600))
		return
	}
	if written != table {
		t.Errorf("the table in %s is\n%s\nwant\n%s", document, written, table)
	}
}
