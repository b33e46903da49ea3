package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

const (
	streamBuffer = 64 << 10         // bytes of a chain sent at once
	streamWait   = 30 * time.Second // how long a client may take for them
)

var errReorganised = errors.New("the chain was reorganised meanwhile")

func (h *handler) root(w http.ResponseWriter, _ *http.Request) {
	writeBody(w, http.StatusOK, "text/html; charset=utf-8", []byte("This works"))
}

// chain streams all blocks up to the tip of its beginning, in constant memory.
func (h *handler) chain(w http.ResponseWriter, r *http.Request) {
	stream := blockStream{out: newPieces(w, "["), control: http.NewResponseController(w)}
	if r.Method == http.MethodHead {
		return // a HEAD need not read the whole chain
	}
	for height := range h.Ledger.Tip().Height + 1 {
		block, err := h.Ledger.Block(height)
		if err == nil {
			err = stream.add(block)
		}
		if err == nil {
			continue
		}
		if !stream.begun {
			h.fail(w, r, err)
			return
		}
		h.Logger.Warn("a chain was sent in part", "request_id", requestID(r), "height", height, "error", err)
		panic(http.ErrAbortHandler) // or the client takes the part for the whole
	}
	stream.out.buffer = append(stream.out.buffer, "]\n"...)
	_ = stream.flush() // fails when the client is gone
}

// blockStream writes linked blocks as the items of a JSON array.
type blockStream struct {
	out     *pieces
	control *http.ResponseController
	last    string // hash of the block before
	begun   bool   // whether something has left the buffer, or should have
}

// add fails with errReorganised when the block doesn't follow the one before,
// which would make the answer a mixture of two chains.
func (s *blockStream) add(b wire.Block) error {
	if s.last != "" {
		if b.PreviousHash != s.last {
			return fmt.Errorf("block %d: %w", b.Index, errReorganised)
		}
		s.out.buffer = append(s.out.buffer, ',')
	}
	s.last = b.Hash()
	s.out.buffer = b.AppendCompact(s.out.buffer)
	if len(s.out.buffer) < streamBuffer {
		return nil
	}
	return s.flush()
}

// flush gives the client a fresh time limit for each buffer, so that a chain
// may take longer than the server's limit for an answer.
func (s *blockStream) flush() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(streamWait)) // a test's writer has none
	s.begun = true
	return s.out.flush()
}

// mine answers when a block is found, however long that takes.
func (h *handler) mine(w http.ResponseWriter, r *http.Request) {
	if err := unhurried(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	if h.Peers.Conflict() {
		writeJSON(w, http.StatusConflict, object{"message": "Resolve conflicts first. Block not added"})
		return
	}
	wallet, ok := h.Keys.Current()
	if !ok {
		writeJSON(w, http.StatusInternalServerError, miningFailed(false))
		return
	}
	block, err := h.Miner.Mine(r.Context())
	switch {
	case err != nil && h.statusOf(err) == http.StatusInternalServerError:
		h.logFailure(r, err)
		writeJSON(w, http.StatusInternalServerError, miningFailed(true))
		return
	case err != nil:
		h.fail(w, r, err)
		return
	}
	ctx, cancel := h.broadcastContext(r)
	defer cancel()
	h.Peers.BroadcastBlock(ctx, block)
	balance, err := h.Ledger.Balance(wallet.Address())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, object{
		"message": "Adding a block successfully.", "Block": block, "balance": balance.Available,
	})
}

func miningFailed(hasWallet bool) object {
	return object{"message": "Adding a block failed.", "Wallet set up": hasWallet}
}

// receiveBlock takes a block from a peer. A large one must be announced: what may grow to
// any length costs more than what it is.
func (h *handler) receiveBlock(w http.ResponseWriter, r *http.Request) {
	limit := int64(maxBody)
	if r.ContentLength > maxBody {
		if !h.large.enter() {
			h.fail(w, r, errCrowded)
			return
		}
		defer h.large.leave()
		limit = maxBlockBody
	}
	members, ok := h.members(w, r, limit, form{[]string{"block"}, "Data not found.", "Block data format is incorrect.", "message"})
	if !ok {
		return
	}
	block, err := wire.BlockOf(members["block"])
	if err != nil {
		h.fail(w, r, fmt.Errorf("block data format is incorrect: %w", err))
		return
	}
	h.takeBlock(w, r, block)
}

// takeBlock answers by where the block stands relative to our tip. The status
// matters to peers: the original takes 409 for a conflict.
func (h *handler) takeBlock(w http.ResponseWriter, r *http.Request, b wire.Block) {
	refused := object{"message": "Block not added"}
	next := h.Ledger.Tip().Height + 1
	switch {
	case b.Index < next:
		writeJSON(w, http.StatusConflict,
			object{"message": "Blockchain seems to be shorter. Block not added."})
	case b.Index > next:
		// Without a proof any index would raise the flag. With one an old block
		// under a new index still does, since the proof doesn't cover the index.
		if err := chain.CheckProof(b, h.Ledger.Difficulty()); err != nil {
			writeJSON(w, http.StatusConflict, refused)
			return
		}
		h.Peers.Ahead(b)
		writeJSON(w, http.StatusOK,
			object{"message": "Blockchain seems to differ from local blockchain."})
	default:
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), ledgerWait)
		defer cancel()
		err := h.Ledger.Add(ctx, b)
		switch {
		case err == nil:
			writeJSON(w, http.StatusCreated, object{"message": "Block added successfully."})
		case isRefusal(err):
			writeJSON(w, http.StatusConflict, refused)
		default:
			h.fail(w, r, err)
		}
	}
}

// isRefusal tells a rule of the ledger from what the node can't do now.
func isRefusal(err error) bool {
	return chain.Reason(err) != chain.ReasonOther && !errors.Is(err, chain.ErrPoolFull)
}

func (h *handler) resolve(w http.ResponseWriter, r *http.Request) {
	if err := unhurried(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	replaced, err := h.Peers.Resolve(r.Context())
	switch {
	case err != nil && !replaced:
		h.fail(w, r, err)
	case replaced:
		writeJSON(w, http.StatusOK, object{"message": "Local blockchain replaced by peer chain."})
	default:
		writeJSON(w, http.StatusOK, object{"message": "Local chain not replaced."})
	}
}
