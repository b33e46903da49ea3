package protocol

import (
	"errors"
	"slices"
	"testing"

	"lode/miner/kernel"
)

// checkError wants one of the kinds of errors that are promised.
func checkError(t *testing.T, err error) {
	t.Helper()
	kinds := []error{ErrLine, ErrType, ErrVersion, ErrValue, ErrTooLong}
	if !slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) }) {
		t.Fatalf("an error of no kind: %v", err)
	}
}

// checkLine wants a decoded line to be the only one that its message has.
func checkLine(t *testing.T, m Message, line []byte) {
	t.Helper()
	if again, err := Encode(m); string(again) != string(line)+"\n" || err != nil {
		t.Fatalf("%s is written as %s, error %v", line, again, err)
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	for _, g := range goldenAnswers {
		f.Add([]byte(g.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := DecodeAnswer(line)
		if err != nil {
			checkError(t, err)
			return
		}
		checkLine(t, m, line)
	})
}

// FuzzDecodeRequest uses what it decodes: a Work is scanned.
func FuzzDecodeRequest(f *testing.F) {
	for _, g := range goldenRequests {
		f.Add([]byte(g.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := DecodeRequest(line)
		if err != nil {
			checkError(t, err)
			return
		}
		checkLine(t, m, line)
		if work, ok := m.(Work); ok {
			w := work.Resume()
			checkLine(t, NewWork(work.Number, w), line)
			kernel.Generic().NewScanner(w).Scan(w.Candidates()-1, 1)
		}
	})
}

func FuzzDecodeListing(f *testing.F) {
	f.Add([]byte(listLine))
	f.Add([]byte(`{"version":1,"devices":[],"attempts":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := DecodeListing(text)
		if err != nil {
			checkError(t, err)
			return
		}
		if again, err := l.Encode(); string(slices.Concat(text, []byte("\n"))) != string(again) && string(text) != string(again) || err != nil {
			t.Fatalf("%s is written as %s, error %v", text, again, err)
		}
	})
}
