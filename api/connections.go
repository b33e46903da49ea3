package api

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"
)

// leastWait is how long a connection has for its request before it may have to
// make room. Who has sent one needn't have been noticed yet.
const leastWait = 20 * time.Millisecond

// connections are followed for two reasons. A stop waits for their goroutines,
// but not for a request on those that have brought none. And when there are too
// many, those that bring no request make room: a client that opens connections
// and says nothing, or says it a byte at a time, keeps nobody out.
type connections struct {
	limit int
	open  sync.WaitGroup // each from its acceptance until its goroutine ends

	mu       sync.Mutex // guards the fields below
	freed    *sync.Cond // one may be admitted
	admitted map[net.Conn]*connection
	waiting  *list.List // of *connection without a complete header, the longest first
	stopping bool
}

// connection is one that was admitted and is neither closed nor cut.
type connection struct {
	conn   net.Conn
	unused bool          // it has brought nothing
	place  *list.Element // in the list; nil while a request is answered
	since  time.Time     // when it came into the list
}

func newConnections(limit int) *connections {
	c := &connections{limit: limit, admitted: map[net.Conn]*connection{}, waiting: list.New()}
	c.freed = sync.NewCond(&c.mu)
	return c
}

// follow is http.Server.ConnState. The server accepts no other connection while
// it is told of a new one.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.open.Add(1)
		bound(conn)
		c.admit(conn)
	case http.StateActive:
		c.change(conn, func(known *connection) { known.unused = false })
	case http.StateClosed, http.StateHijacked:
		c.change(conn, c.forget)
		c.open.Done()
	}
}

// change does something to a connection that is admitted still.
func (c *connections) change(conn net.Conn, do func(*connection)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.admitted[conn]; known != nil {
		do(known)
	}
}

// admit makes room for a connection. Where all the others are being answered,
// which their handlers must bound, it waits until one of them is not.
func (c *connections) admit(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.admitted) >= c.limit && !c.stopping {
		longest := c.waiting.Front()
		if longest == nil {
			c.freed.Wait()
			continue
		}
		known := longest.Value.(*connection)
		if left := leastWait - time.Since(known.since); left > 0 {
			timer := time.AfterFunc(left, c.freed.Broadcast)
			c.freed.Wait()
			timer.Stop()
			continue
		}
		c.cut(known)
	}
	if c.stopping {
		cut(conn)
		return
	}
	known := &connection{conn: conn, unused: true}
	c.move(known, true)
	c.admitted[conn] = known
}

// cut ends a connection. Call it with mu held.
func (c *connections) cut(known *connection) {
	c.forget(known)
	cut(known.conn)
}

// cut closes what is below a connection's encryption: saying goodbye to a client
// that doesn't listen would take long. Its goroutine finds out.
func cut(conn net.Conn) { _ = below(conn).Close() }

// below is what carries a connection's encryption, if it has one.
func below(conn net.Conn) net.Conn {
	if encrypted, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return encrypted.NetConn()
	}
	return conn
}

// sendBuffer is how many bytes of answers the system keeps for a connection. By
// itself it would keep some MiB of what a client asks for and doesn't read, of
// each of a thousand clients.
const sendBuffer = 128 << 10

func bound(conn net.Conn) {
	if buffered, ok := below(conn).(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = buffered.SetWriteBuffer(sendBuffer) // it is the system's choice
	}
}

// forget takes a connection out of the books. Call it with mu held.
func (c *connections) forget(known *connection) {
	c.move(known, false)
	delete(c.admitted, known.conn)
	c.freed.Signal()
}

// move notes whether a connection waits for a request. Call it with mu held.
func (c *connections) move(known *connection, waits bool) {
	switch {
	case waits && known.place == nil:
		known.place, known.since = c.waiting.PushBack(known), time.Now()
		c.freed.Signal()
	case !waits && known.place != nil:
		c.waiting.Remove(known.place)
		known.place = nil
	}
}

// connectionKey is that of a request's connection in its context.
type connectionKey struct{}

// keepConnection is http.Server.ConnContext.
func keepConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// during has next answer requests on connections that are not cut meanwhile.
// Before each it lets all others go first that can: a client that sends a
// hundred requests at once would else have a hundred answers for one of theirs.
func (c *connections) during(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := r.Context().Value(connectionKey{}).(net.Conn)
		c.change(conn, func(known *connection) { c.move(known, false) })
		defer c.change(conn, func(known *connection) { c.move(known, true) })
		runtime.Gosched()
		next.ServeHTTP(w, r)
	})
}

// closeUnused closes the connections without a request, those to come too.
func (c *connections) closeUnused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
	c.freed.Broadcast()
	for _, known := range c.admitted {
		if known.unused {
			c.cut(known)
		}
	}
}
