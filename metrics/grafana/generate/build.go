package main

import (
	"fmt"
	"strings"
)

// The selection of the variables, which stands for every {_} in an expression.
const selection = `job=~"$job",instance=~"$instance"`

func prometheus() source { return source{"prometheus", "${datasource}"} }

// builder lays panels out: from left to right, and below when a line is full.
type builder struct {
	panels  []panel
	x, y, h int // where the next one goes, and how high the line is
}

// width is that of Grafana's grid.
const width = 24

func (b *builder) place(w, h int) position {
	if b.x+w > width {
		b.newLine()
	}
	at := position{b.x, b.y, w, h}
	b.x, b.h = b.x+w, max(b.h, h)
	return at
}

func (b *builder) newLine() { b.x, b.y, b.h = 0, b.y+b.h, 0 }

func (b *builder) row(title string) {
	b.newLine()
	open := false
	p := panel{Type: "row", Title: title, GridPos: b.place(width, 1), Collapsed: &open, Panels: []panel{}}
	b.add(p)
}

func (b *builder) add(p panel) {
	p.ID = len(b.panels) + 1
	b.panels = append(b.panels, p)
}

// query is an expression with {_} for the selection, and its legend.
type query struct{ expr, legend string }

func (q query) expression() string { return strings.ReplaceAll(q.expr, "_}", selection+"}") }

// targets are queries over the time that is shown.
func targets(queries []query, change func(*target)) []target {
	var list []target
	for i, q := range queries {
		t := target{RefID: string(rune('A' + i)), Datasource: prometheus(), Expr: q.expression(), LegendFormat: q.legend, Range: true}
		change(&t)
		list = append(list, t)
	}
	return list
}

func unchanged(*target) {}

func instant(t *target) { t.Instant, t.Range = true, false }

func (b *builder) panel(kind, title, about, unit string, w, h int, list []target) panel {
	at := prometheus()
	return panel{
		Type: kind, Title: title, Description: about, GridPos: b.place(w, h), Datasource: &at, Targets: list,
		FieldConfig: &fieldConfig{Defaults: fieldDefaults{Unit: unit}, Overrides: []any{}},
	}
}

func zero() *float64 { return new(float64) }

// lines is a chart over time.
func (b *builder) lines(title, about, unit string, queries ...query) {
	b.chart(title, about, unit, unchanged, queries)
}

// linesWithExemplars shows single requests, with their IDs, as points.
func (b *builder) linesWithExemplars(title, about, unit string, queries ...query) {
	b.chart(title, about, unit, func(t *target) { t.Exemplar = true }, queries)
}

func (b *builder) chart(title, about, unit string, change func(*target), queries []query) {
	p := b.panel("timeseries", title, about, unit, 8, 8, targets(queries, change))
	p.FieldConfig.Defaults.Min = zero()
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic"}
	p.FieldConfig.Defaults.Custom = map[string]any{"fillOpacity": 8, "lineWidth": 1, "showPoints": "auto", "spanNulls": false}
	p.Options = map[string]any{
		"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	b.add(p)
}

// number shows the latest value of one query, and the ones before behind it; steps are
// the colours from a value on.
func (b *builder) number(title, about, unit string, q query, steps ...step) {
	b.stat(title, about, unit, targets([]query{q}, unchanged), steps)
}

// numberNow is for a query over all of the time that is shown, which would cost too much
// for each moment of it.
func (b *builder) numberNow(title, about, unit string, q query) {
	b.stat(title, about, unit, targets([]query{q}, instant), nil)
}

func (b *builder) stat(title, about, unit string, list []target, steps []step) {
	p := b.panel("stat", title, about, unit, 4, 4, list)
	p.FieldConfig.Defaults.Thresholds = &thresholds{"absolute", append([]step{{"text", nil}}, steps...)}
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "thresholds"}
	p.Options = map[string]any{
		"colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto", "textMode": "auto", "wideLayout": true,
		"showPercentChange": false, "percentChangeColorMode": "standard",
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	b.add(p)
}

func from(value float64, colour string) step { return step{colour, &value} }

// heatmap shows how a histogram's observations are spread over time.
func (b *builder) heatmap(title, about, unit, histogram string) {
	q := query{"sum by (le) (increase(" + histogram + "_bucket{_}[$__rate_interval]))", "{{le}}"}
	p := b.panel("heatmap", title, about, unit, 16, 8, targets([]query{q}, func(t *target) { t.Format = "heatmap" }))
	p.Options = map[string]any{
		"calculate":    false,
		"cellGap":      1,
		"color":        map[string]any{"mode": "scheme", "scheme": "Spectral", "fill": "dark-orange", "steps": 64, "exponent": 0.5, "reverse": false},
		"exemplars":    map[string]any{"color": "rgba(255,0,255,0.7)"},
		"filterValues": map[string]any{"le": 1e-9},
		"legend":       map[string]any{"show": true},
		"rowsFrame":    map[string]any{"layout": "auto"},
		"showValue":    "never",
		"tooltip":      map[string]any{"mode": "single", "showColorScale": true, "yHistogram": true},
		"yAxis":        map[string]any{"axisPlacement": "left", "unit": unit},
	}
	b.add(p)
}

// table has a line for each instance and a column for each query, whose legend is its
// name and may have a unit. A query without a legend adds its labels only.
func (b *builder) table(title, about string, units map[string]string, queries ...query) {
	list := targets(queries, func(t *target) { instant(t); t.Format, t.LegendFormat = "table", "" })
	p := b.panel("table", title, about, "none", width, 8, list)
	names, hidden := map[string]string{}, map[string]bool{"Time": true}
	for i, q := range queries {
		value := "Value #" + list[i].RefID
		if names[value] = q.legend; q.legend == "" {
			hidden[value] = true
		}
		if unit := units[q.legend]; unit != "" {
			p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, map[string]any{
				"matcher":    map[string]any{"id": "byName", "options": q.legend},
				"properties": []any{map[string]any{"id": "unit", "value": unit}},
			})
		}
	}
	p.Transformations = []any{
		map[string]any{"id": "merge", "options": map[string]any{}},
		map[string]any{"id": "organize", "options": map[string]any{"excludeByName": hidden, "renameByName": names}},
	}
	p.Options = map[string]any{"showHeader": true, "cellHeight": "sm", "frameIndex": 0}
	p.FieldConfig.Defaults.Custom = map[string]any{"align": "auto", "filterable": true, "inspect": false}
	b.add(p)
}

// quantiles of a histogram, for each value of some labels. The window is longer where
// there may be minutes between two observations: without one there is no quantile.
func quantiles(histogram, by, window string, of ...float64) []query {
	legend := "{{" + strings.ReplaceAll(by, ", ", "}} {{") + "}}"
	var list []query
	for _, q := range of {
		list = append(list, query{
			fmt.Sprintf("histogram_quantile(%g, sum by (%s, le) (rate(%s_bucket{_}[%s])))", q, by, histogram, window),
			fmt.Sprintf("%s p%g", legend, q*100),
		})
	}
	return list
}
