package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// slowAttacks hold connections for as long as the node lets them.
func slowAttacks() []attack {
	post := func(path string, length int) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, length)
	}
	const header = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: "
	return []attack{
		{"500 slow headers", 1, slowly(500, "", header), true, []int{0, 400}},
		{"2000 slow headers", 1, slowly(2000, "", header), true, []int{0, 400}},
		{"2000 idle connections", 2, slowly(2000, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", ""), false, []int{200, 0}},
		{"500 slow bodies", 1, slowly(500, post("/broadcast_transaction", 1000), "{"), true, []int{408, 503, 0}},
		{"500 slow large bodies", 2, slowly(500, post("/broadcast_block", 32<<20), "{"), false, []int{503, 0}},
		{"500 slow readers", 1, slowReaders(500), true, []int{0}},
		{"half-closed connections", 6, halfClosed(64), false, []int{200}},
		{"pipelined requests", 6, pipelined(64), false, []int{200}},
		{"headers of 1 MiB", 6, longHeaders(32), false, []int{431, 0}},
		{"endless chunked bodies", 6, endlessChunks(32), false, []int{413, 503, 0}},
	}
}

// connect dials; nil where the node takes no connection in time.
func connect(p *process) net.Conn {
	connection, err := net.DialTimeout("tcp", p.address(), patience/4)
	if err != nil {
		return nil
	}
	_ = connection.SetDeadline(time.Now().Add(patience))
	return connection
}

// dialled is a connection that is closed when ctx is done. Without one it waits
// a little: the node's backlog is full.
func dialled(ctx context.Context, p *process) net.Conn {
	connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", p.address())
	if err != nil {
		pause(ctx, 10*time.Millisecond)
		return nil
	}
	context.AfterFunc(ctx, func() { connection.Close() })
	return connection
}

// pause waits for d or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// statusOf is that of the answer that comes next; 0 if none does.
func statusOf(answers *bufio.Reader) int {
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err != nil {
		return 0
	}
	return answer.StatusCode
}

// slowly says something at once and then a byte a second, over and over, on each
// of count connections, and opens another when one is closed.
func slowly(count int, atOnce, byByte string) func(context.Context, *process, *tally) {
	return func(ctx context.Context, p *process, answers *tally) {
		sideBySide(ctx, count, func(int) {
			connection := dialled(ctx, p)
			if connection == nil {
				return
			}
			defer connection.Close()
			closed := make(chan struct{})
			go func() { // ends with the connection
				defer close(closed)
				for in := bufio.NewReader(connection); ; {
					code := statusOf(in)
					if ctx.Err() == nil {
						answers.add(code)
					}
					if code == 0 {
						return
					}
				}
			}()
			text := atOnce
			for i := 0; ; i++ {
				if _, err := io.WriteString(connection, text); err != nil {
					break
				}
				select {
				case <-closed:
					return
				case <-ctx.Done():
					return
				case <-time.After(time.Second):
				}
				text = ""
				if byByte != "" {
					text = byByte[min(i, len(byByte)-1):][:1]
				}
			}
			<-closed
		})
	}
}

// slowReaders ask for much, of different kinds, and read a byte a second.
func slowReaders(count int) func(context.Context, *process, *tally) {
	paths := []string{"/transactions", "/openapi.json", "/v1/transactions", "/chain", "/metrics"}
	return func(ctx context.Context, p *process, answers *tally) {
		sideBySide(ctx, count, func(number int) {
			connection := dialled(ctx, p)
			if connection == nil {
				return
			}
			defer connection.Close()
			_ = connection.(*net.TCPConn).SetReadBuffer(4 << 10)
			request := "GET " + paths[number%len(paths)] + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
			if _, err := io.WriteString(connection, strings.Repeat(request, 200)); err != nil {
				return
			}
			for {
				if _, err := io.ReadFull(connection, make([]byte, 1)); err != nil {
					if ctx.Err() == nil {
						answers.add(0)
					}
					return
				}
				pause(ctx, time.Second)
			}
		})
	}
}

// halfClosed says all that it has to say, and still wants to hear the answer.
func halfClosed(count int) func(context.Context, *process, *tally) {
	return func(ctx context.Context, p *process, answers *tally) {
		sideBySide(ctx, count, func(int) {
			connection := connect(p)
			if connection == nil {
				return
			}
			defer connection.Close()
			_, err := io.WriteString(connection, "GET /v1/blocks HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
			if err == nil {
				err = connection.(*net.TCPConn).CloseWrite()
			}
			if err == nil {
				answers.add(statusOf(bufio.NewReader(connection)))
			}
		})
	}
}

// pipelined asks a hundred times before it reads.
func pipelined(count int) func(context.Context, *process, *tally) {
	return func(ctx context.Context, p *process, answers *tally) {
		sideBySide(ctx, count, func(int) {
			connection := connect(p)
			if connection == nil {
				return
			}
			defer connection.Close()
			_, err := io.WriteString(connection, strings.Repeat("GET /v1/mining HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 100))
			in := bufio.NewReader(connection)
			for i := 0; i < 100 && err == nil; i++ {
				answers.add(statusOf(in))
			}
		})
	}
}

// longHeaders sends headers of 1 MiB, of one line and of many.
func longHeaders(count int) func(context.Context, *process, *tally) {
	headers := []string{strings.Repeat("X: "+strings.Repeat("x", 120)+"\r\n", 8<<10), "X: " + strings.Repeat("x", 1<<20) + "\r\n"}
	return func(ctx context.Context, p *process, answers *tally) {
		sideBySide(ctx, count, func(number int) {
			sendAndHear(p, answers, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"+headers[number%2]+"\r\n", "")
		})
	}
}

// sendAndHear reads while it writes, since the answer may come before the end: a text,
// and another one without end unless it is empty.
func sendAndHear(p *process, answers *tally, text, endless string) {
	connection := connect(p)
	if connection == nil {
		return
	}
	defer connection.Close()
	go func() { // ends with the connection
		_, err := io.WriteString(connection, text)
		for err == nil && endless != "" {
			_, err = io.WriteString(connection, endless)
		}
	}()
	answers.add(statusOf(bufio.NewReader(connection)))
}

// endlessChunks sends bodies that never end to all routes that read one.
func endlessChunks(count int) func(context.Context, *process, *tally) {
	paths := []string{"/broadcast_block", "/broadcast_transaction", "/transaction", "/node", "/mine", "/v1/peers"}
	chunk := "10000\r\n" + strings.Repeat(" ", 64<<10) + "\r\n"
	return func(ctx context.Context, p *process, answers *tally) {
		sideBySide(ctx, count, func(number int) {
			sendAndHear(p, answers, "POST "+paths[number%len(paths)]+" HTTP/1.1\r\nHost: 127.0.0.1\r\n"+
				"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", chunk)
		})
	}
}
