package api

import (
	"net/http"

	"github.com/gorilla/mux"
)

func (h *handler) nodes(w http.ResponseWriter, _ *http.Request) {
	h.answerNodes(w, http.StatusOK, "Showing all nodes.")
}

func (h *handler) answerNodes(w http.ResponseWriter, code int, message string) {
	writeJSON(w, code, object{"message": message, "all_nodes": h.Peers.List()})
}

func (h *handler) addNode(w http.ResponseWriter, r *http.Request) {
	members, ok := h.members(w, r, maxBody, form{[]string{"node"}, "No data found.", "No node URL found.", "message"})
	if !ok {
		return
	}
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

// removeNode answers 200 for a node that isn't known, as the original.
func (h *handler) removeNode(w http.ResponseWriter, r *http.Request) {
	if err := h.Peers.Remove(mux.Vars(r)["address"]); err != nil {
		h.fail(w, r, err)
		return
	}
	h.answerNodes(w, http.StatusOK, "Node removed.")
}
