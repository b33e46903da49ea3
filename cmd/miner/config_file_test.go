package main

import (
	"strings"
	"testing"
)

// FuzzConfigFile: whatever is in the file, each key is a known one with a value that its
// flag takes, or the error names the file.
func FuzzConfigFile(f *testing.F) {
	for _, text := range []string{
		"", "port = 5000\nmine = true", "peer = [\"a:1\", \"b:2\"]", "[port]", "[[peer]]\na = 1", "port.x = 5", "host = '''\na'''",
		"Port = 1", "port = 0x10", "\"data-dir\" = \"x\"", "workers = 1e3", "peer = [[\"a\"]]", "cpus = 1979-05-27", "[a.b]\n[a]\n", "a = {b = 1}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseConfig("miner.toml", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "miner.toml:") {
				t.Errorf("the error doesn't begin with the file: %v", err)
			}
			return
		}
		var o options
		flags := newNodeFlags(&o)
		for _, key := range keys {
			if !strings.HasPrefix(key.place, "miner.toml:") {
				t.Errorf("%s is said to be at %s", key.name, key.place)
			}
			if err := key.set(flags, flags.Lookup(key.name)); err != nil {
				t.Errorf("%s = %v: %v", key.name, key.value, err)
			}
		}
	})
}
