package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestMessages: a message and a reward's message pass the original's rules, and
// those of a second node of ours.
func TestMessages(t *testing.T) {
	const text, rewardText = "Grüße, 100 % 😀", `mined by "us", it's ü`
	v := readVectors(t)
	dir, port := t.TempDir(), freePort(t)
	if err := os.WriteFile(fmt.Sprintf("%s/WalletKeys_%d.txt", dir, port), []byte(v.Wallets["A"].File), 0o600); err != nil {
		t.Fatal(err)
	}
	python, second := newOriginal(t, v.Chain.Blocks), start(t, t.TempDir(), freePort(t))
	p := start(t, dir, port, "--reward-message", rewardText)
	p.must(http.StatusCreated, "POST", "/v1/peers", fmt.Sprintf(`{"address": %q}`, python.address()))
	p.must(http.StatusOK, "POST", "/v1/peers/resolve", "")
	p.must(http.StatusCreated, "POST", "/v1/transactions", fmt.Sprintf(`{"message": %q}`, text))
	last, _ := python.tail()
	if path, body, _ := strings.Cut(last, " "); path != "/broadcast_transaction" || !signed(parse(t, body).(object)) {
		t.Errorf("the original was sent %s", last)
	}
	p.mine()
	if last, refusals := python.tail(); !strings.HasPrefix(last, "/broadcast_block ") || len(refusals) > 0 {
		t.Errorf("the original was sent %s and refused %q", last, refusals)
	}

	second.must(http.StatusCreated, "POST", "/v1/peers", fmt.Sprintf(`{"address": %q}`, p.address()))
	if answer := second.must(http.StatusOK, "POST", "/v1/peers/resolve", ""); answer["replaced"] != true {
		t.Error(answer)
	}
	blocks := second.blocks()
	mined := blocks[len(blocks)-1].Transactions
	if len(mined) != 2 || mined[0].Recipient != "data:,Gr%C3%BC%C3%9Fe,%20100%20%25%20%F0%9F%98%80" || mined[0].Amount.String() != "0" ||
		mined[1].Signature != rewardText {
		t.Errorf("%+v", mined)
	}
	second.interrupt()
	p.interrupt()
	again := start(t, second.dir, second.port) // whose check of the ledger takes it too
	again.interrupt()
}
