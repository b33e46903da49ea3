package client

import "time"

const statusPath = "/v1/status"

// Status is the answer of GET /v1/status.
type Status struct {
	Software         string   `json:"software"`
	Version          string   `json:"version"`
	Height           int64    `json:"height"`
	Tip              string   `json:"tip"`
	Difficulty       int      `json:"difficulty"`
	OpenTransactions int      `json:"open_transactions"`
	Conflict         bool     `json:"conflict"`
	Peers            []string `json:"peers"`
	Mining           *Mining  `json:"mining"` // nil for those who may not see it
}

// Mining is the answer of GET /v1/mining.
type Mining struct {
	Continuous bool     `json:"continuous"`
	Paused     bool     `json:"paused"`
	Search     string   `json:"search"`
	Workers    []Worker `json:"workers"`
	Devices    []Device `json:"devices"`
	Rate       Rates    `json:"hashes_per_second"`
	Found      uint64   `json:"blocks_found"`
	Stale      uint64   `json:"stale_searches"`
	Mismatches uint64   `json:"kernel_mismatches"`
}

// Rates are hashes per second.
type Rates struct {
	TenSeconds float64 `json:"10s"`
	Minute     float64 `json:"60s"`
	Quarter    float64 `json:"15m"`
	Max        float64 `json:"max"`
}

// Worker is one that searches.
type Worker struct {
	Worker int    `json:"worker"`
	CPU    int    `json:"cpu"` // -1 if it is not pinned
	Kernel string `json:"kernel"`
	Hashes uint64 `json:"hashes"`
}

// Device is a GPU or the like.
type Device struct {
	Name   string  `json:"name"`
	Kernel string  `json:"kernel"`
	State  string  `json:"state"`
	Reason string  `json:"reason"`
	Rate   float64 `json:"hashes_per_second"`
}

// Peers is the answer of GET /v1/peers.
type Peers struct {
	Peers  []string `json:"peers"`
	States []Peer   `json:"states"` // of those that are neither the node itself nor no address

	Incoming *Incoming `json:"incoming"` // nil if there is none
}

// Incoming is a peer's chain on its way into the node's.
type Incoming struct {
	Peer   string `json:"peer"`
	Stage  string `json:"stage"`
	Blocks int64  `json:"blocks"`
	Done   int64  `json:"done"`
	Total  int64  `json:"total"` // 0 if nobody knows
}

// Peer is how the node has got on with a peer. Texts and times that it has not are
// empty and zero.
type Peer struct {
	Address       string    `json:"address"`
	State         string    `json:"state"`
	Reason        string    `json:"reason"`
	SetAsideUntil time.Time `json:"set_aside_until"`
	LastError     string    `json:"last_error"`
	LastSeen      time.Time `json:"last_seen"`
	Queued        int       `json:"queued"`
	Sent          uint64    `json:"sent"`
	Failed        uint64    `json:"failed"`
	Dropped       uint64    `json:"dropped"`
}

// Resolution is the answer of POST /v1/peers/resolve.
type Resolution struct {
	Replaced bool  `json:"replaced"`
	Height   int64 `json:"height"`
}

// Wallet is the answer of GET and POST /v1/wallet.
type Wallet struct {
	Exists    bool   `json:"exists"`
	Address   string `json:"address"`
	Confirmed Amount `json:"confirmed"`
	Available Amount `json:"available"`
	Encrypted bool   `json:"encrypted"`
}

// Balance is the answer of GET /v1/balances/{address}.
type Balance struct {
	Address   string `json:"address"`
	Confirmed Amount `json:"confirmed"`
	Available Amount `json:"available"`
}

// Payment is the answer of POST /v1/transactions.
type Payment struct {
	ID          string `json:"id"`
	Transaction struct {
		Sender    string `json:"sender"`
		Recipient string `json:"recipient"`
		Amount    Amount `json:"amount"`
	} `json:"transaction"`
}
