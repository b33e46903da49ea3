package wire

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMessages(t *testing.T) {
	for text, want := range map[string]string{
		"hello":                         "data:,hello",
		"Hello, world!":                 "data:,Hello,%20world!",
		"100 % sure? #1":                "data:,100%20%25%20sure?%20%231",
		"ü\n":                           "data:,%C3%BC%0A",
		"\U0001F600":                    "data:,%F0%9F%98%80",
		"<b>\"a'":                       "data:,%3Cb%3E%22a'",
		"\x00[]{}|\\^`\x7f":             "data:,%00%5B%5D%7B%7D%7C%5C%5E%60%7F",
		"-_.!~*'();/?:@&=+$,":           "data:,-_.!~*'();/?:@&=+$,",
		strings.Repeat("x", MaxMessage): "data:," + strings.Repeat("x", 1000),
	} {
		got, err := MessageRecipient(text)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
		if back, ok := MessageText(got); !ok || back != text {
			t.Errorf("%q comes back as %q, %v", text, back, ok)
		}
	}
	for _, text := range []string{"", "\xff", "a\xed\xa0\x80", strings.Repeat("x", 1001), strings.Repeat("ü", 501)} {
		if got, err := MessageRecipient(text); !errors.Is(err, ErrMessage) || got != "" {
			t.Errorf("%.20q: %.20q, %v", text, got, err)
		}
	}
}

// TestForeignMessages: recipients that others wrote.
func TestForeignMessages(t *testing.T) {
	for recipient, want := range map[string]string{
		"data:,not encoded, ü <b>": "not encoded, ü <b>", "data:,a+b": "a+b", "data:,%c3%bc": "ü", "data:,data:,x": "data:,x",
		"data:,%E2%82%AC": "€", "data:,a b": "a b", "data:,+": "+",
	} {
		if got, ok := MessageText(recipient); !ok || got != want {
			t.Errorf("%q: %q, %v; want %q", recipient, got, ok, want)
		}
	}
	for _, recipient := range []string{
		"", "data:", "data:,", "DATA:,x", "data:text/plain,x", "data:;base64,eA==", "data:,%", "data:,%2", "data:,%zz", "data:,%ff",
		"data:,\xff", "data:," + strings.Repeat("x", 1001), "data:," + strings.Repeat("%41", 1001), " data:,x", "30819f30",
	} {
		if got, ok := MessageText(recipient); ok || got != "" {
			t.Errorf("%.20q passes for the message %q", recipient, got)
		}
	}
}

func TestRewardMessages(t *testing.T) {
	for _, good := range []string{"", "mined in Ulm", "ü \U0001F600", strings.Repeat("x", 1000)} {
		if err := CheckRewardMessage(good); err != nil {
			t.Errorf("%.20q: %v", good, err)
		}
	}
	for _, bad := range []string{"a\nb", "\x1b[31m", "\u0085", "\xff", strings.Repeat("x", 1001)} {
		if err := CheckRewardMessage(bad); !errors.Is(err, ErrMessage) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

// FuzzMessage: whatever a recipient is, its text is within the bounds and comes
// back from the recipient that carries it; whatever a text is, it comes back or
// is refused.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{"", "data:,", "data:,a%20b", "data:,%", "data:,%ff", "hello", "ü%00", "data:,ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if text, ok := MessageText(s); ok {
			if text == "" || len(text) > MaxMessage || !utf8.ValidString(text) {
				t.Fatalf("%q carries %q", s, text)
			}
			back(t, text)
		}
		if _, err := MessageRecipient(s); err == nil {
			back(t, s)
		} else if s != "" && len(s) <= MaxMessage && utf8.ValidString(s) {
			t.Fatalf("%q is refused: %v", s, err)
		}
	})
}

func back(t *testing.T, text string) {
	t.Helper()
	recipient, err := MessageRecipient(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	for i := range len(recipient) {
		if c := recipient[i]; c <= ' ' || c > '~' || strings.IndexByte("\"<>#[]{}|\\^`", c) >= 0 {
			t.Fatalf("%q holds %q, which belongs into no URL", recipient, c)
		}
	}
	if got, ok := MessageText(recipient); !ok || got != text {
		t.Fatalf("%q comes back as %q, %v", text, got, ok)
	}
}
