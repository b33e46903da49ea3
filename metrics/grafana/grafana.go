// Package grafana holds the dashboard of the nodes of a Prometheus. Its JSON is what
// the command in generate prints.
package grafana

import _ "embed"

//go:generate sh -c "go run ./generate > miner.json"

// Name is the name of the dashboard's file.
const Name = "miner.json"

// Dashboard is the file, as Grafana imports or provisions it.
//
//go:embed miner.json
var Dashboard []byte
