package main

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
)

// fault is what a proxy does to the connections through it.
type fault int

const (
	open         fault = iota
	cut                // refuses all
	dropsRequest       // ends a connection within the request
	dropsAnswer        // lets the request through and ends the connection within the answer
)

// proxy is the way from one node to another.
type proxy struct {
	listener net.Listener
	to       string
	running  sync.WaitGroup

	mu          sync.Mutex // guards all below
	random      *rand.Rand
	fault       fault
	connections map[net.Conn]bool
}

// newProxy leads to an address until the test ends.
func newProxy(t *testing.T, to string, random *rand.Rand) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, to: to, random: random, connections: map[net.Conn]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.set(cut)
		p.running.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// set changes the fault. Connections that are open are cut with the way.
func (p *proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	if f != cut {
		return
	}
	for connection := range p.connections {
		_ = connection.Close()
	}
}

// accept ends with the listener.
func (p *proxy) accept() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.pass(from) })
	}
}

// pass connects both ends, and ends both when one ends or the fault says so.
func (p *proxy) pass(from net.Conn) {
	defer p.forget(from)
	there, back, ok := p.admit(from)
	if !ok {
		return
	}
	to, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer p.forget(to)
	if _, _, ok := p.admit(to); !ok {
		return
	}
	var answering sync.WaitGroup
	answering.Go(func() {
		copyAtMost(from, to, back)
		_ = from.Close()
	})
	copyAtMost(to, from, there)
	if there >= 0 {
		_ = to.Close()
	}
	answering.Wait()
}

// copyAtMost copies limit bytes, all if it is negative.
func copyAtMost(to, from net.Conn, limit int64) {
	if limit < 0 {
		_, _ = io.Copy(to, from)
		return
	}
	_, _ = io.CopyN(to, from, limit)
}

// admit says how many bytes a connection may carry in each direction; -1 is no
// limit.
func (p *proxy) admit(connection net.Conn) (there, back int64, ok bool) {
	const header = 150 // a message is longer, so that it breaks off
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == cut {
		return 0, 0, false
	}
	p.connections[connection] = true
	there, back = -1, -1
	switch p.fault {
	case dropsRequest:
		there = 1 + p.random.Int64N(header)
	case dropsAnswer:
		back = p.random.Int64N(header / 2)
	}
	return there, back, true
}

func (p *proxy) forget(connection net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.connections, connection)
	_ = connection.Close()
}

// TestProxy sends a message through each fault.
func TestProxy(t *testing.T) {
	server := newOriginal(t, []any{object{}})
	p := newProxy(t, server.address(), rand.New(rand.NewPCG(1, 1)))
	for _, step := range []struct {
		fault    fault
		answered bool
		received int // in all
	}{{open, true, 1}, {cut, false, 1}, {dropsRequest, false, 1}, {dropsAnswer, false, 2}, {open, true, 3}} {
		p.set(step.fault)
		answer, err := httpClient.Post("http://"+p.address()+"/broadcast_transaction", "application/json",
			strings.NewReader(`{"padding": "`+strings.Repeat("x", 200)+`"}`))
		if err == nil {
			answer.Body.Close()
		}
		server.mu.Lock()
		whole := 0
		for _, message := range server.received {
			if strings.HasSuffix(message, `x"}`) {
				whole++
			}
		}
		server.mu.Unlock()
		if (err == nil) != step.answered || whole != step.received {
			t.Errorf("fault %d: error %v, %d whole messages, want %d", step.fault, err, whole, step.received)
		}
	}
}
