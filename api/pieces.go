package api

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"

	"lode/chain/wire"
)

// pieces sends an answer in JSON as it grows, so that a long one takes little
// memory however slowly it is read.
type pieces struct {
	w      http.ResponseWriter
	buffer []byte // what was not sent yet
	sent   int    // bytes
}

func newPieces(w http.ResponseWriter, beginning string) *pieces {
	w.Header().Set("Content-Type", "application/json")
	return &pieces{w: w, buffer: []byte(beginning)}
}

func (p *pieces) length() int { return p.sent + len(p.buffer) }

// spill sends the buffer when it is full.
func (p *pieces) spill() error {
	if len(p.buffer) < streamBuffer {
		return nil
	}
	return p.flush()
}

func (p *pieces) flush() error {
	n, err := p.w.Write(p.buffer)
	p.sent += n
	p.buffer = p.buffer[:0]
	if err != nil {
		return fmt.Errorf("sending an answer: %w", err)
	}
	runtime.Gosched() // a long answer must not keep short ones waiting
	return nil
}

// end sends what is left, after a last part. A short answer tells its length.
func (p *pieces) end(last string) {
	p.buffer = append(p.buffer, last...)
	if p.sent == 0 {
		p.w.Header().Set("Content-Length", strconv.Itoa(len(p.buffer)))
	}
	_ = p.flush() // fails when the client is gone
}

// writeTransactions sends a list of transactions between a beginning and an end.
func writeTransactions(w http.ResponseWriter, beginning string, list []wire.Transaction, end string) {
	p := newPieces(w, beginning)
	if p.listed(list, func(t wire.Transaction) { p.buffer = t.AppendCompact(p.buffer) }) {
		p.end(end)
	}
}

// listed writes transactions in some form, with commas between them. It is false
// if the client is gone.
func (p *pieces) listed(list []wire.Transaction, write func(wire.Transaction)) bool {
	for i, t := range list {
		if i > 0 {
			p.buffer = append(p.buffer, ',')
		}
		write(t)
		if p.spill() != nil {
			return false
		}
	}
	return true
}
