package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"lode/metrics/grafana"
)

func TestCommittedIsGenerated(t *testing.T) {
	var printed bytes.Buffer
	if err := generate(&printed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(printed.Bytes(), grafana.Dashboard) {
		t.Error("miner.json is not what its generator prints; go generate ./metrics/grafana makes it anew")
	}
}

// decoded is what Grafana needs of a dashboard.
type decoded struct {
	UID           string
	Title         string
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name, Type string
			Datasource struct{ UID string }
		}
	}
	Panels []decodedPanel
}

type decodedPanel struct {
	ID          int
	Type, Title string
	GridPos     position
	Datasource  *struct{ Type, UID string }
	Targets     []struct {
		RefID, Expr string
		Datasource  struct{ Type, UID string }
	}
}

func decode(t *testing.T) decoded {
	t.Helper()
	var d decoded
	if err := json.Unmarshal(grafana.Dashboard, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDashboard(t *testing.T) {
	d := decode(t)
	if d.UID != "lode-miner" || d.Title == "" || d.SchemaVersion != 39 {
		t.Errorf("uid %q, title %q, schema version %d", d.UID, d.Title, d.SchemaVersion)
	}
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name+":"+v.Type+":"+v.Datasource.UID)
	}
	if got, want := strings.Join(names, " "), "datasource:datasource: job:query:${datasource} instance:query:${datasource}"; got != want {
		t.Errorf("variables %s, want %s", got, want)
	}
}

// TestPanelsHaveTheirPlaces: each has an ID and a place of its own, within the grid.
func TestPanelsHaveTheirPlaces(t *testing.T) {
	ids, cells := map[int]string{}, map[[2]int]string{}
	for _, p := range decode(t).Panels {
		if other, taken := ids[p.ID]; taken || p.ID < 1 {
			t.Errorf("%s has the ID %d, as %q", p.Title, p.ID, other)
		}
		ids[p.ID] = p.Title
		at := p.GridPos
		if at.X < 0 || at.W < 1 || at.X+at.W > 24 || at.Y < 0 || at.H < 1 {
			t.Errorf("%s lies outside of the grid: %+v", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken {
					t.Fatalf("%s and %s overlap at %d, %d", p.Title, other, x, y)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
	if len(ids) < 50 {
		t.Errorf("%d panels", len(ids))
	}
}

// TestQueriesFollowTheVariables: each names the data source that was chosen, and each
// metric the chosen jobs and instances.
func TestQueriesFollowTheVariables(t *testing.T) {
	selected := regexp.MustCompile(`(?:miner|process|go|promhttp)_\w+|\bup\b|ALERTS`)
	rows := 0
	for _, p := range decode(t).Panels {
		if p.Type == "row" {
			rows++
			continue
		}
		if p.Title == "" || p.Datasource == nil || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("%s: %+v", p.Title, p)
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if refs[target.RefID] || target.Datasource.UID != "${datasource}" || target.Datasource.Type != "prometheus" {
				t.Errorf("%s: %+v", p.Title, target)
			}
			refs[target.RefID] = true
			metrics, selections := len(selected.FindAllString(target.Expr, -1)), strings.Count(target.Expr, `job=~"$job",instance=~"$instance"}`)
			if metrics == 0 || metrics != selections {
				t.Errorf("%s: %d metrics and %d selections in %s", p.Title, metrics, selections, target.Expr)
			}
		}
	}
	if rows != 8 {
		t.Errorf("%d rows, want 8", rows)
	}
}
