package api

import (
	"net/http"

	"github.com/gorilla/mux"

	"lode/chain/wire"
)

func (h *handler) nodes(w http.ResponseWriter, _ *http.Request) {
	h.answerNodes(w, http.StatusOK, "Showing all nodes.")
}

func (h *handler) answerNodes(w http.ResponseWriter, code int, message string) {
	writeJSON(w, code, object{"message": message, "all_nodes": h.Peers.List()})
}

func (h *handler) addNode(w http.ResponseWriter, r *http.Request) {
	body, err := h.readJSON(w, r, maxBody)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	switch members := fields(body); {
	case !wire.Truthy(body):
		writeJSON(w, http.StatusBadRequest, object{"message": "No data found."})
	case !has(members, "node"):
		writeJSON(w, http.StatusBadRequest, object{"message": "No node URL found."})
	default:
		address, err := textField(members, "node")
		if err == nil {
			err = h.Peers.Add(address)
		}
		if err != nil {
			h.fail(w, r, err)
			return
		}
		h.answerNodes(w, http.StatusCreated, "Node added.")
	}
}

// removeNode answers 200 for a node that isn't known, as the original. What is
// no address at all can't be known either.
func (h *handler) removeNode(w http.ResponseWriter, r *http.Request) {
	err := h.Peers.Remove(mux.Vars(r)["address"])
	if err != nil && h.statusOf(err) == http.StatusInternalServerError {
		h.fail(w, r, err)
		return
	}
	h.answerNodes(w, http.StatusOK, "Node removed.")
}
