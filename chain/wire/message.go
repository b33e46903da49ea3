package wire

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMessage is how many bytes of UTF-8 a message has at most.
const MaxMessage = 1000

// ErrMessage is a text that can't be a message.
var ErrMessage = errors.New("not a message")

// messageScheme precedes a message in a recipient: a data URL (RFC 2397) of
// text. To nodes that know nothing of messages it is an address like any other,
// so a payment of 0 to it is signed, mined and valid everywhere.
const messageScheme = "data:,"

// MessageRecipient is the recipient that carries a text, in which what a data
// URL can't hold is percent-encoded. Errors are ErrMessage.
func MessageRecipient(text string) (string, error) {
	if err := checkMessage(text); err != nil {
		return "", err
	}
	recipient := []byte(messageScheme)
	for i := range len(text) {
		if isURLByte(text[i]) {
			recipient = append(recipient, text[i])
		} else {
			recipient = append(recipient, '%', upperHex[text[i]>>4], upperHex[text[i]&0xF])
		}
	}
	return string(recipient), nil
}

const upperHex = "0123456789ABCDEF"

// isURLByte is true for urlchar of RFC 2397 that is not escaped: the unreserved
// and the reserved characters of RFC 2396.
func isURLByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("-_.!~*'();/?:@&=+$,", c) >= 0
}

func checkMessage(text string) error {
	switch {
	case text == "":
		return fmt.Errorf("%w: it is empty", ErrMessage)
	case len(text) > MaxMessage:
		return fmt.Errorf("%w: it has %d bytes, and may have %d", ErrMessage, len(text), MaxMessage)
	case !utf8.ValidString(text):
		return fmt.Errorf("%w: it is not valid UTF-8", ErrMessage)
	}
	return nil
}

// MessageText is the text that a recipient carries, also one that somebody wrote
// without encoding it. ok is false if the recipient is no message, or not one of
// MessageRecipient's bounds.
func MessageText(recipient string) (text string, ok bool) {
	encoded, ok := strings.CutPrefix(recipient, messageScheme)
	if !ok || len(encoded) > 3*MaxMessage {
		return "", false
	}
	text, err := url.PathUnescape(encoded)
	if err != nil || checkMessage(text) != nil {
		return "", false
	}
	return text, true
}

// CheckRewardMessage refuses what a reward may not carry in its signature, which
// is free: what is no message, and what would not show on one line. Errors are
// ErrMessage. No text at all is fine.
func CheckRewardMessage(text string) error {
	if text == "" {
		return nil
	}
	if err := checkMessage(text); err != nil {
		return err
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%w: it has a control character, such as a line break", ErrMessage)
	}
	return nil
}
