package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// route is one path and what its methods do. HEAD comes with GET and OPTIONS
// with every path, as in the original.
type route struct {
	path    string // with mux patterns
	gate    gate   // nil: not limited
	methods map[string]http.HandlerFunc
}

// routes is the table of everything that is served.
func (h *handler) routes() []route {
	get := func(f http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodGet: f}
	}
	post := func(f http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodPost: f}
	}
	remove := func(f http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodDelete: f}
	}
	both := func(read, write http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodGet: read, http.MethodPost: write}
	}
	return []route{
		{"/", h.requests, get(h.root)},
		{"/chain", h.requests, get(h.chain)},
		{"/transactions", h.requests, get(h.openTransactions)},
		{"/node", h.requests, both(h.nodes, h.addNode)},
		{"/node/{address}", h.requests, remove(h.removeNode)},
		{"/wallet", h.requests, both(h.loadWallet, h.createWallet)},
		{"/balance", h.requests, get(h.balance)},
		{"/transaction", h.requests, post(h.pay)},
		{"/broadcast_transaction", h.broadcasts, post(h.receiveTransaction)},
		{"/mine", h.mining, post(h.mine)},
		{"/broadcast_block", h.broadcasts, post(h.receiveBlock)},
		{"/resolve_conflicts", h.requests, post(h.resolve)},

		{"/v1/status", h.requests, get(h.status)},
		{"/v1/mining", h.requests, get(h.miningStatus)},
		{"/v1/blocks", h.requests, get(h.blocks)},
		{"/v1/blocks/{block}", h.requests, get(h.block)},
		{"/v1/transactions", h.requests, get(h.pool)},
		{"/v1/balances/{address:.+}", h.requests, get(h.addressBalance)},
		{"/v1/peers", h.requests, both(h.peers, h.addPeer)},
		{"/v1/peers/{address}", h.requests, remove(h.removePeer)},

		{"/openapi.json", h.requests, get(h.openAPI)},
		{"/metrics", nil, get(h.Metrics.ServeHTTP)},
		{"/healthz", nil, get(health)},
		{"/readyz", nil, get(h.ready)},
	}
}

// router makes the routes a mux.Router.
func (h *handler) router() *mux.Router {
	// A path that isn't clean is 404: a redirect would turn a POST into a GET.
	router := mux.NewRouter().SkipClean(true)
	for _, route := range h.routes() {
		allow := route.allow()
		template := cleanTemplate(route.path)
		for method, f := range route.methods {
			methods := []string{method}
			if method == http.MethodGet {
				methods = append(methods, http.MethodHead)
			}
			router.Path(route.path).Methods(methods...).Handler(named(template, h.limited(route.gate, f)))
		}
		router.Path(route.path).Methods(http.MethodOptions).Handler(named(template, options(allow)))
		router.Path(route.path).Handler(named(template, h.methodNotAllowed(allow)))
	}
	router.NotFoundHandler = http.HandlerFunc(h.notFound)
	return router
}

// allow is the value of the header Allow: the methods of the path, sorted.
func (r route) allow() string {
	methods := []string{http.MethodOptions}
	for method := range r.methods {
		methods = append(methods, method)
		if method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// cleanTemplate strips the patterns from a mux path: /{a:.+} becomes /{a}.
func cleanTemplate(path string) string {
	return regexp.MustCompile(`:[^}]*}`).ReplaceAllString(path, "}")
}

// named tells the recorder which route answers.
func named(template string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if recorder, ok := w.(*recorder); ok {
			recorder.route = template
		}
		next.ServeHTTP(w, r)
	})
}

// options answers OPTIONS as the original does, preflights included.
func options(allow string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Allow", allow)
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Length", "0")
		if header.Get(allowOrigin) != "" && r.Header.Get("Access-Control-Request-Method") != "" {
			header.Set("Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
			if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
				header.Set("Access-Control-Allow-Headers", asked)
			}
		}
		w.WriteHeader(http.StatusOK)
	})
}

func (h *handler) methodNotAllowed(allow string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		writeError(w, r, http.StatusMethodNotAllowed, "This method is not allowed here, only "+allow+".")
	})
}

func (h *handler) notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, r, http.StatusNotFound, "There is nothing at this path. GET /openapi.json lists all paths.")
}
