package alerts

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryAlertIsExplainedAndTested: each has a severity, a line that leads to its
// section of the runbook, which has the same name, and a test in which it fires.
func TestEveryAlertIsExplainedAndTested(t *testing.T) {
	runbook, tests := read(t, "../../docs/runbook.md"), read(t, "miner_test.yml")
	begins := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)
	rules := string(Rules)
	found := begins.FindAllStringSubmatchIndex(rules, -1)
	if len(found) != 10 {
		t.Errorf("%d alerts, want 10", len(found))
	}
	for i, at := range found {
		name, end := rules[at[2]:at[3]], len(rules)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		rule := rules[at[0]:end]
		for _, want := range []string{"severity: ", "summary: ", "description: ", `runbook: "docs/runbook.md#` + strings.ToLower(name) + ": "} {
			if strings.Count(rule, want) != 1 {
				t.Errorf("%s: %q stands %d times in\n%s", name, want, strings.Count(rule, want), rule)
			}
		}
		if !strings.Contains(runbook, "\n## "+name+"\n") {
			t.Errorf("%s has no section in docs/runbook.md", name)
		}
		if !regexp.MustCompile(`alertname: ` + name + `\n +eval_time: \w+\n +exp_alerts:\n +- exp_labels`).MatchString(tests) {
			t.Errorf("no test lets %s fire", name)
		}
	}
	if sections := strings.Count(runbook, "\n## Miner"); sections != len(found) {
		t.Errorf("%d sections for %d alerts", sections, len(found))
	}
}
