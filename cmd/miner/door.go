package main

import (
	"net/http"
	"sync/atomic"
)

// door is a handler that can be replaced while it serves.
type door struct{ handler atomic.Pointer[http.Handler] }

func (d *door) lead(to http.Handler) { d.handler.Store(&to) }

// ServeHTTP is http.Handler's.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*d.handler.Load()).ServeHTTP(w, r)
}
