package gpu

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWords keeps the last lines of much that is said, and logs some of them.
func TestWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		w := words{log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		long := strings.Repeat("ä", maxWords)
		fmt.Fprint(&w, "\n \n", long, "\nbegun ", "and ")
		fmt.Fprint(&w, "ended\n")
		for i := range 100 {
			fmt.Fprintf(&w, "line %d\x1b\n", i)
		}
		if lines := strings.Count(logged.String(), "\n"); lines != wordsASecond {
			t.Errorf("%d lines are logged, want %d", lines, wordsASecond)
		}
		if first, _, _ := strings.Cut(logged.String(), "\n"); !strings.HasSuffix(first, `level=DEBUG msg="miner-gpu says" line=`+long[:maxWords-4]+"…") {
			t.Errorf("the first line is %s", first)
		}
		time.Sleep(time.Second)
		logged.Reset()
		fmt.Fprint(&w, "again\nlast words")
		fmt.Fprint(&w, "\nand again")
		if strings.Count(logged.String(), "lines_left_out") != 1 {
			t.Errorf("logged %s", &logged)
		}
		for _, text := range []string{"lines_left_out=82", "line=again"} {
			if !strings.Contains(logged.String(), text) {
				t.Errorf("logged %s, want %s", &logged, text)
			}
		}
		problem := errors.New("it ended")
		err := w.behind(problem)
		if want := "it ended; it said: line 98 | line 99 | again | last words | and again"; !errors.Is(err, problem) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
	if problem := errors.New("it ended"); new(words).behind(problem) != problem {
		t.Error("there are words that nobody said")
	}
}
