// Command generate prints the dashboard as Grafana's JSON: go generate ./metrics/grafana
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := generate(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(newDashboard())
}

func newDashboard() dashboard {
	var b builder
	fleet(&b)
	hashRates(&b)
	luck(&b)
	cancellation(&b)
	ledger(&b)
	disk(&b)
	peers(&b)
	requests(&b)
	process(&b)
	return dashboard{
		UID: "lode-miner", Title: "Miner", Tags: []string{"miner"},
		Description:   "Nodes of a proof-of-work network: what they do, how fast, and whether they are healthy.",
		SchemaVersion: 39, Version: 1, Editable: true, GraphTooltip: 1, Refresh: "10s",
		Time: timeRange{"now-1h", "now"}, Timezone: "browser",
		Annotations: listOf{[]any{annotation{
			Name: "Reorganisations", Datasource: prometheus(), Enable: true, IconColor: "orange",
			// Grafana asks for each minute.
			Expr: query{"increase(miner_reorgs_total{_}[2m]) > 0", ""}.expression(), TitleText: "{{instance}} changed its branch",
		}}},
		Templating: listOf{variables()},
		Links:      []struct{}{},
		Panels:     b.panels,
	}
}

func variables() []any {
	at := prometheus()
	all := map[string]any{"text": []string{"All"}, "value": []string{"$__all"}}
	choice := func(name, label, query string) variable {
		return variable{
			Name: name, Label: label, Type: "query", Datasource: &at, Refresh: 2, Sort: 1, Multi: true, IncludeAll: true, AllValue: ".*", Current: all,
			Query: map[string]any{"query": query, "refId": name},
		}
	}
	return []any{
		variable{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus", Refresh: 1,
			Current: map[string]any{"text": "default", "value": "default"}},
		choice("job", "Job", "label_values(miner_build_info, job)"),
		choice("instance", "Instance", `label_values(miner_build_info{job=~"$job"}, instance)`),
	}
}
