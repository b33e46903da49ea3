package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lode/metrics/alerts"
	"lode/metrics/grafana"
)

// installed is the path of a program that a test needs. Without it the test is
// skipped, but not where everything has to be tested.
func installed(t *testing.T, program, debianPackage string) string {
	t.Helper()
	onceIsEnough(t)
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skipf("%s isn't installed (Debian: %s)", program, debianPackage)
	return ""
}

func promtool(t *testing.T) string { return installed(t, "promtool", "prometheus") }

// fleet is two nodes that have had something of everything: the first one mines
// without end, and tells the second one and a third that isn't there.
func fleet(t *testing.T) [2]*process {
	t.Helper()
	second := start(t, t.TempDir(), freePort(t), "--difficulty", "3", "--workers", "1", "--kernel", "generic", "--auto-resolve")
	first := start(t, t.TempDir(), freePort(t), "--difficulty", "3", "--workers", "1", "--kernel", "generic", "--create-wallet", "--mine",
		"--peer", second.address(), "--peer", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	eventually(t, func() bool { // the next blocks come from the first one's queue
		second.must(http.StatusCreated, "POST", "/v1/peers", fmt.Sprintf(`{"address": %q}`, first.address()))
		height, _ := second.tip()
		return height > 0
	})
	for _, p := range []*process{first, second} {
		p.must(http.StatusConflict, "POST", "/broadcast_block", `{"block": {"index": 0, "previous_hash": "", "transactions": [],
			"proof": 1, "time_stamp": 0}}`)
	}
	first.must(http.StatusInternalServerError, "POST", "/transaction", `{"recipient": "r", "amount": 1e9}`)
	first.must(http.StatusCreated, "POST", "/transaction", `{"recipient": "r", "amount": 1}`)
	return [2]*process{first, second}
}

// TestMetricsAreLinted has promtool look at what a busy node shows.
func TestMetricsAreLinted(t *testing.T) {
	check := exec.Command(promtool(t), "check", "metrics")
	_, text := fleet(t)[0].request("GET", "/metrics", "")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// TestAlertsFire runs the tests of the alert rules, and looks at the configuration that
// is ready for them.
func TestAlertsFire(t *testing.T) {
	folder := "../../metrics/alerts/"
	for _, arguments := range [][]string{
		{"check", "rules", folder + alerts.Name},
		{"test", "rules", folder + "miner_test.yml"},
		{"check", "config", "../../deploy/monitoring/prometheus.yml"}, // and that it finds the rules
	} {
		if out, err := exec.Command(promtool(t), arguments...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments, err, out)
		}
	}
}

// prometheus is one that runs.
type prometheus struct {
	t   *testing.T
	url string
}

// startPrometheus scrapes nodes twice a second, with the exported rules, and itself.
func startPrometheus(t *testing.T, nodes ...*process) *prometheus {
	t.Helper()
	program, folder, port := installed(t, "prometheus", "prometheus"), t.TempDir(), freePort(t)
	if err := exportDashboards(folder, io.Discard); err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, p := range nodes {
		targets = append(targets, fmt.Sprintf("%q", p.address()))
	}
	config := filepath.Join(folder, "prometheus.yml")
	text := "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\nrule_files: [" + alerts.Name + "]\n" +
		"scrape_configs:\n  - {job_name: miner, static_configs: [{targets: [" + strings.Join(targets, ", ") + "]}]}\n" +
		fmt.Sprintf("  - {job_name: prometheus, static_configs: [{targets: ['127.0.0.1:%d']}]}\n", port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{t, fmt.Sprintf("http://127.0.0.1:%d", port)}
	log := newOutput()
	command := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(folder, "data"),
		"--web.listen-address="+strings.TrimPrefix(p.url, "http://"), "--enable-feature=exemplar-storage")
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // ends with the process
		defer close(ended)
		_ = command.Wait() // it is killed
		log.close()
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill() // fails once it has ended
		<-ended
		if t.Failed() {
			t.Logf("output of Prometheus:\n%s", log)
		}
	})
	if !log.waitFor("Server is ready to receive web requests.") {
		t.Fatalf("Prometheus didn't start:\n%s", log)
	}
	return p
}

// ask is a request to Prometheus' API, whose member "data" it decodes.
func (p *prometheus) ask(path string, parameters url.Values, data any) {
	p.t.Helper()
	answer, err := httpClient.Get(p.url + path + "?" + parameters.Encode())
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || body.Status != "success" {
		p.t.Fatalf("%s %v: status %q, %s, error %v", path, parameters, body.Status, body.Error, err)
	}
	if err := json.Unmarshal(body.Data, data); err != nil {
		p.t.Fatal(err)
	}
}

// samples is how many an expression has now.
func (p *prometheus) samples(expression string) int { return len(p.values(expression)) }

// values are those that an expression has now.
func (p *prometheus) values(expression string) (values []string) {
	p.t.Helper()
	var data struct{ Result []struct{ Value [2]any } }
	p.ask("/api/v1/query", url.Values{"query": {expression}}, &data)
	for _, sample := range data.Result {
		values = append(values, fmt.Sprint(sample.Value[1]))
	}
	return values
}

// names are those of all metrics.
func (p *prometheus) names() (names []string) {
	p.ask("/api/v1/label/__name__/values", nil, &names)
	return names
}

// panel is one of the dashboard's, with its expressions as Grafana asks for them.
type panel struct {
	title       string
	expressions []string
}

// dashboardPanels are all, and the annotation's expression. The variables are set as
// Grafana sets them.
func dashboardPanels(t *testing.T) (panels []panel, annotation string) {
	t.Helper()
	var dashboard struct {
		Annotations struct{ List []struct{ Expr string } }
		Panels      []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(grafana.Dashboard, &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Annotations.List) != 1 {
		t.Fatalf("%d annotations", len(dashboard.Annotations.List))
	}
	set := strings.NewReplacer("$job", ".*", "$instance", ".*", "$__rate_interval", "1m", "$__range", "1h")
	for _, p := range dashboard.Panels {
		next := panel{title: p.Title}
		for _, target := range p.Targets {
			next.expressions = append(next.expressions, set.Replace(target.Expr))
		}
		panels = append(panels, next)
	}
	return panels, set.Replace(dashboard.Annotations.List[0].Expr)
}

// dashboardExpressions are all that the panels ask for.
func dashboardExpressions(t *testing.T) (expressions []string) {
	t.Helper()
	panels, _ := dashboardPanels(t)
	for _, p := range panels {
		expressions = append(expressions, p.expressions...)
	}
	if len(expressions) < 60 {
		t.Fatalf("%d expressions", len(expressions))
	}
	return expressions
}

// documentedExpressions are those that docs/metrics.md answers questions with.
func documentedExpressions(t *testing.T) (expressions []string) {
	t.Helper()
	_, text, _ := strings.Cut(read(t, "../../docs/metrics.md"), "| question | expression |\n|---|---|\n")
	text, _, _ = strings.Cut(text, "\n\n")
	for line := range strings.Lines(text) {
		expressions = append(expressions, strings.Split(line, "`")[1])
	}
	if len(expressions) < 9 {
		t.Fatalf("%d expressions in docs/metrics.md", len(expressions))
	}
	return expressions
}

// TestPrometheusAnswersTheDashboard has a real one scrape two nodes. Each expression of
// the dashboard and of the documentation finds data there, and each metric that an alert names is there.
func TestPrometheusAnswersTheDashboard(t *testing.T) {
	promtool(t) // which comes with Prometheus
	nodes := fleet(t)
	p := startPrometheus(t, nodes[:]...)
	missing := append(dashboardExpressions(t), documentedExpressions(t)...)
	missing = append(missing, "instance:miner_hashes:rate5m") // which a rule records
	defer func() {
		if len(missing) > 0 {
			t.Errorf("no data for\n%s", strings.Join(missing, "\n"))
		}
	}()
	eventually(t, func() bool {
		missing = slices.DeleteFunc(missing, func(expression string) bool { return p.samples(expression) > 0 })
		return len(missing) == 0
	})
	assertNodesAlone(t, p)
	assertAlerts(t, p)
	assertExemplars(t, p, nodes[0])
}

// assertNodesAlone finds two nodes in the dashboard, and not Prometheus beside them, which
// is scraped too and shows some metrics of the same names.
func assertNodesAlone(t *testing.T, p *prometheus) {
	t.Helper()
	panels, annotation := dashboardPanels(t)
	p.samples(annotation) // fails if Prometheus refuses it
	at := func(title string) int {
		i := slices.IndexFunc(panels, func(p panel) bool { return p.title == title })
		if i < 0 {
			t.Fatalf("there is no panel %q", title)
		}
		return i
	}
	eventually(t, func() bool { return p.samples("up == 1") == 3 })
	if got := p.values(panels[at("Nodes up")].expressions[0]); !slices.Equal(got, []string{"2"}) {
		t.Errorf("%v nodes up, want 2", got)
	}
	for _, panel := range append(panels[at("Process")+1:], panels[at("Nodes")]) { // the table, and the last row
		for _, expression := range panel.expressions {
			if got := p.samples(expression); got != 2 {
				t.Errorf("%s: %d samples, want 2 of %s", panel.title, got, expression)
			}
		}
	}
}

// assertAlerts finds every rule evaluated, with metrics that exist, and none that
// fires.
func assertAlerts(t *testing.T, p *prometheus) {
	t.Helper()
	type rule struct {
		Name, Query, Health, LastError, Type, State string
	}
	var data struct{ Groups []struct{ Rules []rule } }
	eventually(t, func() bool {
		p.ask("/api/v1/rules", nil, &data)
		return len(data.Groups) == 1 && !slices.ContainsFunc(data.Groups[0].Rules, func(r rule) bool { return r.Health == "unknown" })
	})
	names, named := p.names(), regexp.MustCompile(`\b(?:instance:)?miner_\w+(?::\w+)?`)
	alerting := 0
	for _, r := range data.Groups[0].Rules {
		if r.Health != "ok" || r.State == "firing" {
			t.Errorf("%s: %s, %s %s", r.Name, r.State, r.Health, r.LastError)
		}
		p.samples(r.Query) // fails if Prometheus refuses it
		for _, name := range named.FindAllString(r.Query, -1) {
			if !slices.Contains(names, name) {
				t.Errorf("%s: there is no %s", r.Name, name)
			}
		}
		if r.Type == "alerting" {
			alerting++
		}
	}
	if alerting != 10 {
		t.Errorf("%d alerts, want 10", alerting)
	}
}

// assertExemplars finds a request by the ID that the node answered it with.
func assertExemplars(t *testing.T, p *prometheus, node *process) {
	t.Helper()
	request, err := http.NewRequest("GET", "http://"+node.address()+"/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Request-ID", "wanted")
	answer, err := httpClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	eventually(t, func() bool {
		var data []struct {
			Exemplars []struct{ Labels map[string]string }
		}
		p.ask("/api/v1/query_exemplars", url.Values{"query": {"miner_http_request_duration_seconds_bucket"}, "start": {"0"}, "end": {"9999999999"}}, &data)
		for _, series := range data {
			for _, exemplar := range series.Exemplars {
				if exemplar.Labels["request_id"] == "wanted" {
					return true
				}
			}
		}
		return false
	})
}
