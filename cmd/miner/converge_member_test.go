package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// member is a node of either kind as its user sees it.
type member interface {
	// mine mines a block; what is in its way, the user clears.
	mine() error
	// pay pays and tells whether the node has acknowledged it.
	pay(recipient, amount string) (bool, error)
	// meet tells it where its peers are.
	meet(peers []string) error
	// settle is what its user does in a conflict.
	settle()
	tip() (height int64, hash string)
	chain() []any
	host() string
}

// ourMember is a node of this program.
type ourMember struct{ *process }

func (m ourMember) host() string { return m.process.address() }

func (m ourMember) mine() error {
	code, text, err := m.try("POST", "/mine", "")
	if err == nil && code != http.StatusCreated {
		err = fmt.Errorf("POST /mine: %d %s", code, text)
	}
	return err
}

func (m ourMember) pay(recipient, amount string) (bool, error) {
	code, text, err := m.try("POST", "/transaction", `{"recipient": `+quoted(recipient)+`, "amount": `+amount+`}`)
	if err == nil && code != http.StatusCreated {
		err = fmt.Errorf("POST /transaction: %d %s", code, text)
	}
	return err == nil, err
}

func (m ourMember) meet(peers []string) error {
	for _, peer := range peers {
		if code, text, err := m.try("POST", "/node", `{"node": "`+peer+`"}`); err != nil || code != http.StatusCreated {
			return errors.Join(err, fmt.Errorf("POST /node: %d %s", code, text))
		}
	}
	return nil
}

// settle does nothing: the node resolves by itself.
func (m ourMember) settle() {}

func (m ourMember) chain() []any {
	_, text := m.request("GET", "/chain", "")
	return parse(m.t, text).([]any)
}

// repeated is how many payments of peers were none but copies, by the metrics.
func (p *process) repeated() (count int) {
	p.t.Helper()
	_, text := p.request("GET", "/metrics", "")
	_, value, _ := strings.Cut(text, "\nminer_transactions_repeated_total ")
	if _, err := fmt.Sscan(value, &count); err != nil {
		p.t.Fatal(err)
	}
	return count
}

// theirMember is a node of the original's.
type theirMember struct{ *classic }

func (m theirMember) mine() error {
	for {
		err := m.classic.mine()
		if !errors.Is(err, errConflict) {
			return err
		}
		m.classic.resolve()
	}
}

func (m theirMember) pay(recipient, amount string) (bool, error) {
	return m.classic.pay(recipient, amount) == nil, nil // a peer's refusal is no mistake here
}

func (m theirMember) meet(peers []string) error {
	m.peers = peers
	return nil
}

// settle resolves when a conflict tells.
func (m theirMember) settle() {
	m.mu.Lock()
	conflict := m.conflict
	m.mu.Unlock()
	if conflict {
		m.resolve()
	}
}

func (m theirMember) tip() (height int64, hash string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.classic.chain)) - 1, sum(dumps(m.last()))
}

func (m theirMember) chain() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.classic.chain)
}
