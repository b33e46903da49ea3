// Package alerts holds the rules by which Prometheus tells a person that a node needs
// one. docs/runbook.md says what to do about each.
package alerts

import _ "embed"

// Name is the name of the rules' file.
const Name = "miner.rules.yml"

// Rules is the file, as Prometheus' rule_files takes it.
//
//go:embed miner.rules.yml
var Rules []byte
