package peer

import (
	"context"
	"slices"
	"testing"
)

func TestQueueMakesRoom(t *testing.T) {
	for _, test := range []struct {
		name, in, left string // capital letters are blocks
	}{
		{"fits", "abC", "abC"},
		{"oldest payment", "abcd", "bcd"},
		{"payment before block", "AbcD", "AcD"},
		{"newest payment finds only blocks", "ABCd", "ABC"},
		{"newest block always gets in", "ABCD", "BCD"},
		{"several", "aBcDeF", "BDF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := newQueue(3)
			var all []*message
			for _, c := range test.in {
				hash := ""
				if c < 'a' {
					hash = "h"
				}
				m := newMessage(string(c), nil, hash)
				all = append(all, m)
				q.push(m)
			}
			if queued, dropped := q.counts(); queued != len(test.left) || int(dropped) != len(test.in)-len(test.left) {
				t.Errorf("queued %d, dropped %d of %d", queued, dropped, len(test.in))
			}
			left := ""
			for range test.left {
				m, _ := q.next(t.Context())
				left += m.path
				all = slices.DeleteFunc(all, func(other *message) bool { return other == m })
			}
			if left != test.left {
				t.Errorf("left %q, want %q", left, test.left)
			}
			for _, m := range all {
				<-m.answered // what was dropped lets its waiter go
			}
		})
	}
}

func TestQueueClose(t *testing.T) {
	q := newQueue(3)
	before, after := newMessage("before", nil, "h"), newMessage("after", nil, "h")
	q.push(before)
	q.close()
	q.push(after)
	<-before.answered
	<-after.answered
	if queued, dropped := q.counts(); queued != 0 || dropped != 2 {
		t.Errorf("queued %d, dropped %d; want 0, 2", queued, dropped)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if m, ok := q.next(ctx); ok {
		t.Errorf("next = %v after the end", m)
	}
}
