package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"lode/api/ui"
)

// route is one path and what its methods do. HEAD comes with GET and OPTIONS
// with every path, as in the original. A path whose methods are of several
// classes has several routes.
type route struct {
	path    string // with mux patterns
	class   class  // who may use it
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
	metrics := route{"/metrics", public, nil, get(h.noMetrics)}
	if h.Metrics != nil {
		metrics = route{"/metrics", scraped, h.scrapes, get(h.Metrics.ServeHTTP)} // they name the peers
	}
	return []route{
		{"/", public, h.requests, get(h.root)},
		{"/chain", public, h.requests, get(h.few(h.chains, h.chain))},
		{"/transactions", public, h.requests, get(h.few(h.lists, h.openTransactions))},
		{"/node", operator, h.requests, both(h.nodes, h.addNode)},
		{"/node/{address}", operator, h.requests, remove(h.removeNode)},
		{"/wallet", operator, h.requests, both(h.loadWallet, h.few(h.newKeys, h.createWallet))},
		{"/balance", operator, h.requests, get(h.balance)},
		{"/transaction", operator, h.requests, post(h.pay)},
		{"/broadcast_transaction", fromPeers, h.broadcasts, post(h.receiveTransaction)},
		{"/mine", operator, h.mining, post(h.mine)},
		{"/broadcast_block", fromPeers, h.broadcasts, post(h.receiveBlock)},
		{"/resolve_conflicts", operator, h.requests, post(h.few(h.resolving, h.resolve))},

		{"/v1/status", public, h.requests, get(h.status)},
		{"/v1/events", operator, h.streams, get(h.events)},
		{"/v1/mining", operator, h.requests, get(h.miningStatus)},
		{"/v1/mining/start", operator, h.requests, post(h.startMining)},
		{"/v1/mining/stop", operator, h.requests, post(h.controlled(h.Control.Stop))},
		{"/v1/mining/pause", operator, h.requests, post(h.controlled(h.Control.Pause))},
		{"/v1/mining/resume", operator, h.requests, post(h.controlled(h.Control.Resume))},
		{"/v1/blocks", public, h.requests, get(h.few(h.lists, h.blocks))},
		{"/v1/blocks/{block}", public, h.requests, get(h.few(h.lists, h.block))},
		{"/v1/transactions", public, h.requests, get(h.few(h.lists, h.pool))},
		{"/v1/transactions", operator, h.requests, post(h.send)},
		{"/v1/wallet", operator, h.requests, both(h.walletStatus, h.few(h.newKeys, h.makeWallet))},
		{"/v1/transactions/{id}", public, h.requests, get(h.indexed(h.few(h.lists, h.transaction)))},
		{"/v1/addresses/{address:(?s:.*)}", public, h.requests, get(h.indexed(h.few(h.lists, h.addressHistory)))},
		{"/v1/balances/{address:.+}", public, h.requests, get(h.addressBalance)},
		{"/v1/peers", operator, h.requests, both(h.peers, h.addPeer)},
		{"/v1/peers/resolve", operator, h.requests, post(h.few(h.resolving, h.resolvePeers))},
		{"/v1/peers/{address}", operator, h.requests, remove(h.removePeer)},

		// The page's files hold nothing of this node; what the page asks for is guarded.
		{"/ui", public, h.requests, get(toPage)},
		{"/ui/{file:.*}", public, h.requests, get(http.StripPrefix("/ui", ui.Handler()).ServeHTTP)},

		{"/openapi.json", public, h.requests, get(h.openAPI)},
		metrics,
		{"/healthz", public, nil, get(health)},
		{"/readyz", public, nil, get(h.ready)},
	}
}

// metricsRoutes are served where the metrics have a listener of their own.
func (h *handler) metricsRoutes() []route {
	return []route{
		{"/metrics", scraped, h.scrapes, map[string]http.HandlerFunc{http.MethodGet: h.Metrics.ServeHTTP}},
		{"/healthz", public, nil, map[string]http.HandlerFunc{http.MethodGet: health}},
	}
}

// router makes routes a mux.Router.
func (h *handler) router(routes []route) *mux.Router {
	// A path that isn't clean is 404: a redirect would turn a POST into a GET.
	router := mux.NewRouter().SkipClean(true)
	for _, route := range routes {
		template := cleanTemplate(route.path)
		for method, f := range route.methods {
			methods := []string{method}
			if method == http.MethodGet {
				methods = append(methods, http.MethodHead)
			}
			router.Path(route.path).Methods(methods...).Handler(named(template, h.guarded(route.class, h.limited(route.gate, f))))
		}
	}
	for _, route := range routes { // what is left of each path
		template, allow := cleanTemplate(route.path), allow(routes, route.path)
		router.Path(route.path).Methods(http.MethodOptions).Handler(named(template, options(allow)))
		router.Path(route.path).Handler(named(template, h.methodNotAllowed(allow)))
	}
	router.NotFoundHandler = http.HandlerFunc(h.notFound)
	return router
}

// allow is the value of the header Allow: the methods of the path, sorted.
func allow(routes []route, path string) string {
	methods := []string{http.MethodOptions}
	for _, route := range routes {
		if route.path != path {
			continue
		}
		for method := range route.methods {
			methods = append(methods, method)
			if method == http.MethodGet {
				methods = append(methods, http.MethodHead)
			}
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

// toPage adds the slash, below which the page finds its files. It leads on by a
// path without a host, also where a proxy puts the node into a folder.
func toPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Location", "ui/")
	w.WriteHeader(http.StatusPermanentRedirect)
}

func (h *handler) noMetrics(w http.ResponseWriter, r *http.Request) {
	writeError(w, r, http.StatusNotFound, "There are no metrics here. With --metrics-addr they have an address of their own.")
}

func (h *handler) notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, r, http.StatusNotFound, "There is nothing at this path. GET /openapi.json lists all paths.")
}
