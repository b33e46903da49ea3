package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzPrefix reads payments and hash back out of what the proof of work covers,
// as Python's syntax has it.
func FuzzPrefix(f *testing.F) {
	f.Add("s", `it's "x"`, "ff", "0.1", GenesisHash)
	f.Add("", `\`, "'), ('amount', 5)])", "1", "")
	f.Add("\n\x00", "\xed\xa0\x80", "é😀", "-0", "]x")
	f.Fuzz(func(t *testing.T, sender, recipient, signature, literal, previousHash string) {
		amount, err := ParseNumber(literal)
		if err != nil {
			return
		}
		text := func(s string) string { return encodePoints(generalised(s)) }
		payment := Transaction{text(sender), text(recipient), text(signature), amount}
		for count := range 3 {
			payments := slices.Repeat([]Transaction{payment}, count)
			got, rest, err := readPayments(string(AppendPrefix(nil, payments, previousHash)))
			if err != nil || rest != previousHash || !slices.Equal(got, payments) {
				t.Errorf("%d payments %v are read back as %v, %q, error %v", count, payment, got, rest, err)
			}
		}
	})
}

// readPayments reads a list of OrderedDict and returns what follows it.
func readPayments(text string) (payments []Transaction, rest string, err error) {
	text, isList := strings.CutPrefix(text, "[")
	for isList && !strings.HasPrefix(text, "]") {
		if len(payments) > 0 {
			if text, isList = strings.CutPrefix(text, ", "); !isList {
				break
			}
		}
		var payment Transaction
		if payment, text, err = readPayment(text); err != nil {
			return nil, "", err
		}
		payments = append(payments, payment)
	}
	if !isList {
		return nil, "", fmt.Errorf("no list at %q", text)
	}
	return payments, text[1:], nil
}

func readPayment(text string) (t Transaction, rest string, err error) {
	for i, field := range []*string{&t.Sender, &t.Recipient, &t.Signature} {
		before := []string{"OrderedDict([('sender', ", "), ('recipient', ", "), ('signature', "}[i]
		var ok bool
		if text, ok = strings.CutPrefix(text, before); !ok {
			return t, "", fmt.Errorf("no %q at %q", before, text)
		}
		end := literalEnd(text)
		if *field, err = readPythonLiteral(text[:end]); err != nil {
			return t, "", err
		}
		text = text[end:]
	}
	text, ok := strings.CutPrefix(text, "), ('amount', ")
	amount, rest, closed := strings.Cut(text, ")])")
	if !ok || !closed {
		return t, "", fmt.Errorf("no amount at %q", text)
	}
	if amount != "0" { // which is the zero Number
		t.Amount = Number{amount}
	}
	return t, rest, nil
}

// literalEnd is where the string literal that text begins with ends.
func literalEnd(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[0]:
			return i + 1
		}
	}
	return len(text)
}
