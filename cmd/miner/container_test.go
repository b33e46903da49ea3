package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestHealthcheck runs the Dockerfile's check with its environment, without a node and
// with one.
func TestHealthcheck(t *testing.T) {
	text := read(t, "../../Dockerfile")
	var check, entry []string
	for name, command := range map[string]*[]string{"HEALTHCHECK .* CMD": &check, "ENTRYPOINT": &entry} {
		match := regexp.MustCompile(`(?m)^` + name + ` (\[.*\])$`).FindStringSubmatch(text)
		if match == nil {
			t.Fatalf("the Dockerfile has no %s", name)
		}
		if err := json.Unmarshal([]byte(match[1]), command); err != nil {
			t.Fatal(err)
		}
	}
	environment := regexp.MustCompile(`(?m)^ENV (.*)$`).FindStringSubmatch(text)
	if environment == nil || environment[1] != "MINER_DATA_DIR=/data MINER_HOST=0.0.0.0" {
		t.Fatalf("the Dockerfile's environment is another one than this test knows: %q", environment)
	}
	dir, port := t.TempDir(), freePort(t)
	t.Setenv("MINER_DATA_DIR", dir)
	t.Setenv("MINER_HOST", "0.0.0.0")
	t.Setenv("MINER_PORT", fmt.Sprint(port))
	if check[0] != entry[0] {
		t.Errorf("%s is checked by %s", entry[0], check[0])
	}
	if code := launchArguments(t, dir, port, check[1:]).wait(); code == 0 {
		t.Error("healthy without a node")
	}
	node := launchArguments(t, dir, port, entry[1:])
	if !node.output.waitFor("msg=serving") {
		t.Fatal("the node didn't start")
	}
	healthy := launchArguments(t, dir, port, check[1:])
	if code := healthy.wait(); code != 0 || !strings.Contains(healthy.output.String(), "\nheight ") {
		t.Errorf("exit code %d with a node", code)
	}
	node.interrupt()
}
