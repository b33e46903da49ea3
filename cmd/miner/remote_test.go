package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lode/api/client"
)

// fakeNode answers as a node would. Its answers are by method and path.
type fakeNode struct {
	answers map[string]fakeAnswer
	asked   []string // method, path and body of each request
	token   string   // that the requests had
}

type fakeAnswer struct {
	status int
	body   string
}

// lost is no answer, but the end of the connection.
var lost = fakeAnswer{status: -1}

func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n.asked = append(n.asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(body)))
	n.token = r.Header.Get("Authorization")
	answer, ok := n.answers[r.Method+" "+r.RequestURI]
	if answer == lost {
		panic(http.ErrAbortHandler)
	}
	if !ok {
		answer = fakeAnswer{404, `{"status":404,"detail":"There is nothing at this path. GET /openapi.json lists all paths."}`}
	}
	if answer.status >= 400 {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body)
}

// ask runs a command against the node.
func (n *fakeNode) ask(t *testing.T, args ...string) (out, messages string, code int) {
	t.Helper()
	server := httptest.NewServer(n)
	defer server.Close()
	out, messages, code = runMiner(t, append(args, "--url", server.URL)...)
	return strings.ReplaceAll(out, server.URL, "URL"), strings.ReplaceAll(messages, server.URL, "URL"), code
}

// runMiner runs a command line in this process.
func runMiner(t *testing.T, args ...string) (out, messages string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

const (
	fakeMining = `{"continuous":true,"paused":false,"search":"fastest","workers":[{"worker":0,"cpu":1,"kernel":"avx2","hashes":5},` +
		`{"worker":1,"cpu":0,"kernel":"generic","hashes":5},{"worker":2,"cpu":2,"kernel":"avx2","hashes":5}],` +
		`"devices":[{"name":"0 Fake","kernel":"cuda","state":"ready","reason":"","hashes_per_second":2500000000.0}],` +
		`"hashes_per_second":{"10s":14800000.0,"60s":14700000.0,"15m":1000.0,"max":15000000.0},"blocks_found":3,"stale_searches":2,"kernel_mismatches":0}`
	fakeStatus = `{"software":"lode","version":"devel","height":12,"tip":"00000abc","difficulty":5,"open_transactions":2,"conflict":%v,"peers":["a:1","b:2"],"mining":%s}`
	fakePeers  = `{"peers":["[::1]:5001","a\u001b[2J:1","b:2","c:3"],"states":[` +
		`{"address":"[::1]:5001","state":"ok","reason":null,"set_aside_until":null,"last_error":null,"last_seen":"2026-01-02T03:04:05Z","queued":0,"sent":7,"failed":0,"dropped":0},` +
		`{"address":"b:2","state":"invalid","reason":"block 3: \u001b]0;wrong\u0007 proof\u202e","set_aside_until":"2026-01-02T04:04:05Z","last_error":"x","last_seen":null,"queued":1,"sent":2,"failed":3,"dropped":4},` +
		`{"address":"c:3","state":"unreachable","reason":null,"set_aside_until":"2026-01-02T04:04:05Z","last_error":"refused","last_seen":null,"queued":0,"sent":0,"failed":9,"dropped":0}]}`
	fakeWallet = `{"exists":true,"address":"30819f","confirmed":10,"available":7.5,"encrypted":true}`
)

// remoteCases are commands, what they ask a node for, what it answers, and what they
// print: the tables are compared as they are.
var remoteCases = []struct {
	args, asked string
	answer      fakeAnswer
	want        string
}{
	{"status", "GET /v1/status", fakeAnswer{200, fmt.Sprintf(fakeStatus, false, fakeMining)}, `
node        URL, version devel
height      12
tip         00000abc
difficulty  5
open        2 transactions
peers       2
mining      without end, search fastest
workers     2 with avx2, 1 with generic
hash rate   14.8 MH/s 10s, 14.7 MH/s 60s, 1.0 kH/s 15m, 15.0 MH/s max
device      0 Fake, ready, 2.5 GH/s
found       3 blocks, 2 searches stale
`},
	{"status", "GET /v1/status", fakeAnswer{200, fmt.Sprintf(fakeStatus, true, "null")}, `
node        URL, version devel
height      12
tip         00000abc
difficulty  5
open        2 transactions
conflict    yes: a peer is ahead; ` + "`miner peers resolve`" + ` takes its chain over
mining      shown to those who have the token
`},
	{"status", "GET /v1/status", fakeAnswer{200, fmt.Sprintf(fakeStatus, false,
		strings.NewReplacer(`"paused":false`, `"paused":true`, `mismatches":0`, `mismatches":1`, `"workers":[`, `"workers":[],"x":[`, `"devices":[`, `"devices":[],"y":[`).Replace(fakeMining))}, `
node        URL, version devel
height      12
tip         00000abc
difficulty  5
open        2 transactions
peers       2
mining      paused, search fastest
workers     none
hash rate   14.8 MH/s 10s, 14.7 MH/s 60s, 1.0 kH/s 15m, 15.0 MH/s max
found       3 blocks, 2 searches stale
FAULT       1 wrong hashes of a kernel; see the node's log
`},
	{"peers", "GET /v1/peers", fakeAnswer{200, fakePeers}, `
PEER        STATE        LAST SEEN             QUEUED  SENT  FAILED  DROPPED  NOTE
[::1]:5001  ok           2026-01-02T03:04:05Z  0       7     0       0        -
a?[2J:1     -            -                     -       -     -       -        this node itself, or no address
b:2         invalid      never                 1       2     3       4        set aside until 2026-01-02T04:04:05Z: block 3: ?]0;wrong? proof?
c:3         unreachable  never                 0       0     9       0        refused
`},
	{"peers list", "GET /v1/peers", fakeAnswer{200, `{"peers":[],"states":[]}`}, `
There are no peers; ` + "`miner peers add HOST:PORT`" + ` adds one.
`},
	{"peers add a:1", `POST /v1/peers {"address":"a:1"}`, fakeAnswer{201, `{"peers":["a:1"],"states":[]}`}, `
PEER  STATE  LAST SEEN  QUEUED  SENT  FAILED  DROPPED  NOTE
a:1   -      -          -       -     -       -        this node itself, or no address
`},
	{"peers resolve", "POST /v1/peers/resolve", fakeAnswer{200, `{"replaced":true,"height":9}`}, `
the chain was replaced, height 9
`},
	{"peers resolve", "POST /v1/peers/resolve", fakeAnswer{200, `{"replaced":false,"height":9}`}, `
no peer has a longer valid chain, height 9
`},
	{"wallet new", `POST /v1/wallet {"replace":false}`, fakeAnswer{201, fakeWallet}, `
address    30819f
encrypted  yes
confirmed  10
available  7.5
`},
	{"wallet new --replace", `POST /v1/wallet {"replace":true}`, fakeAnswer{201, fakeWallet}, `
address    30819f
encrypted  yes
confirmed  10
available  7.5
`},
	{"wallet show", "GET /v1/wallet", fakeAnswer{200, strings.Replace(fakeWallet, `"encrypted":true`, `"encrypted":false`, 1)}, `
address    30819f
encrypted  no
confirmed  10
available  7.5
`},
	{"wallet balance", "GET /v1/wallet", fakeAnswer{200, fakeWallet}, `
confirmed  10
available  7.5
`},
	{"wallet balance a/b", "GET /v1/balances/a%2Fb", fakeAnswer{200, `{"address":"a/b","confirmed":1e+22,"available":0}`}, `
confirmed  1e+22
available  0
`},
	{"wallet send somebody 2.50", `POST /v1/transactions {"amount":2.5,"recipient":"somebody"}`,
		fakeAnswer{201, `{"id":"ab12","transaction":{"amount":2.5,"recipient":"somebody","sender":"s","signature":"f"}}`}, `
id         ab12
recipient  somebody
amount     2.5
`},
	{"wallet send --message hello", `POST /v1/transactions {"message":"hello"}`,
		fakeAnswer{201, `{"id":"ab12","transaction":{"amount":0,"recipient":"data:,hello%1B","sender":"s","signature":"f"}}`}, `
id       ab12
message  hello?
`},
}

// request is the method and path of what was asked.
func requestLine(asked string) string {
	return strings.Join(strings.SplitN(asked, " ", 3)[:2], " ")
}

func TestRemoteTables(t *testing.T) {
	for _, test := range remoteCases {
		n := fakeNode{answers: map[string]fakeAnswer{requestLine(test.asked): test.answer}}
		out, messages, code := n.ask(t, strings.Fields(test.args)...)
		if code != 0 || messages != "" || "\n"+out != test.want {
			t.Errorf("miner %s: exit %d, %s, printed\n%swant%s", test.args, code, messages, out, test.want)
		}
		if len(n.asked) != 1 || n.asked[0] != test.asked {
			t.Errorf("miner %s asked %q, want %q", test.args, n.asked, test.asked)
		}
	}
}

// TestRemoteJSON is what the node answered, as it is.
func TestRemoteJSON(t *testing.T) {
	for _, test := range remoteCases {
		n := fakeNode{answers: map[string]fakeAnswer{requestLine(test.asked): test.answer}}
		out, messages, code := n.ask(t, append(strings.Fields(test.args), "--json")...)
		if code != 0 || messages != "" || out != test.answer.body+"\n" {
			t.Errorf("miner %s --json: exit %d, %s, printed %s", test.args, code, messages, out)
		}
	}
}

func TestRemoveAPeer(t *testing.T) {
	n := fakeNode{answers: map[string]fakeAnswer{"DELETE /v1/peers/%5B::1%5D:5001": {204, ""}, "GET /v1/peers": {200, `{"peers":[],"states":[]}`}}}
	out, messages, code := n.ask(t, "peers", "remove", "[::1]:5001")
	if code != 0 || !strings.HasPrefix(out, "There are no peers") {
		t.Errorf("exit %d, %s %s, asked %q", code, out, messages, n.asked)
	}
}

// TestRemoteErrors are one line that says what to do.
func TestRemoteErrors(t *testing.T) {
	const hint = "--api-token-file names the file that has it; the node's log says which that is\n"
	for _, test := range []struct {
		args, asked string
		answer      fakeAnswer
		want        string
	}{
		{"peers", "GET /v1/peers", fakeAnswer{401, `{"status":401,"detail":"It takes the token."}`}, "miner: the node refuses: It takes the token. No token was sent: " + hint},
		{"status", "GET /v1/status", fakeAnswer{503, `{"status":503,"detail":"The node is still reading its ledger."}`}, "miner: the node refuses: The node is still reading its ledger.\n"},
		{"status", "GET /v1/status", fakeAnswer{403, `{"status":403,"detail":"a\u001b[2Jb\n"}`}, "miner: the node refuses: a?[2Jb?\n"},
		{"status", "", fakeAnswer{}, "miner: the node refuses: There is nothing at this path. GET /openapi.json lists all paths.\n"},
		{"status", "GET /v1/status", fakeAnswer{200, `{"height":"5"}`}, "miner: what answers there is no node that has /v1; a Python node has not: json: cannot unmarshal"},
		{"wallet new", "POST /v1/wallet", fakeAnswer{409, `{"status":409,"detail":"x"}`}, "miner: there is a wallet already; with --replace another one takes its place, and the old one's file is kept beside it\n"},
		{"wallet show", "GET /v1/wallet", fakeAnswer{200, `{"exists":false}`}, "miner: there is no wallet; `miner wallet new` makes one\n"},
		{"wallet balance", "GET /v1/wallet", fakeAnswer{200, `{"exists":false}`}, "miner: there is no wallet; `miner wallet new` makes one\n"},
		{"wallet send r 5", "POST /v1/transactions", fakeAnswer{409, `{"status":409,"detail":"Too poor."}`}, "miner: the node refuses: Too poor.\n"},
		{"wallet send r 5", "POST /v1/transactions", lost, "miner: URL: the node's answer didn't come: EOF; the node may have done it all the same: look before you ask again\n"},
		{"status", "GET /v1/status", lost, "miner: URL: the node's answer didn't come: EOF\n"},
		{"wallet send \xff 5", "", fakeAnswer{}, "miner: \"\\xff\": RECIPIENT must be an address, and not empty\n"},
		{"wallet send --message \xff", "", fakeAnswer{}, "miner: --message: not a message: it is not valid UTF-8\n"},
		{"wallet send r five", "", fakeAnswer{}, "miner: \"five\": AMOUNT must be a number of coins above 0, like 5 or 2.5\n"},
		{"wallet send r 0", "", fakeAnswer{}, "miner: \"0\": AMOUNT must be"},
		{"wallet send r NaN", "", fakeAnswer{}, "miner: \"NaN\": AMOUNT must be"},
		{"wallet send r", "", fakeAnswer{}, "miner: accepts 2 arg(s), received 1\n"},
		{"wallet send r 5 --message x", "", fakeAnswer{}, "miner: unknown command \"r\""},
		{"wallet show --private", "", fakeAnswer{}, "miner: --private shows the key on a terminal alone; programs read the wallet file\n"},
		{"status --timeout 0s", "", fakeAnswer{}, "miner: --timeout 0s: must be more than 0\n"},
		{"status --tls-cert missing.pem", "", fakeAnswer{}, "miner: --tls-cert: open missing.pem: no such file or directory\n"},
		{"status --api-token-file missing.txt", "", fakeAnswer{}, "miner: the API token missing.txt: open missing.txt: no such file or directory\n"},
	} {
		n := fakeNode{}
		if test.asked != "" {
			n.answers = map[string]fakeAnswer{test.asked: test.answer}
		}
		out, messages, code := n.ask(t, strings.Fields(test.args)...)
		if code != exitFailure || out != "" || !strings.HasPrefix(messages, test.want) || strings.Count(messages, "\n") != 1 {
			t.Errorf("miner %s: exit %d, %q, want %q, printed %q", test.args, code, messages, test.want, out)
		}
	}
}

func TestRemoteWithoutANode(t *testing.T) {
	port := fmt.Sprint(freePort(t))
	for _, command := range []string{"status", "peers", "peers add a:1", "wallet balance", "wallet send r 1"} {
		_, messages, code := runMiner(t, append(strings.Fields(command), "-p", port)...)
		want := "miner: http://127.0.0.1:" + port + ": no node answers: "
		if code != exitFailure || !strings.HasPrefix(messages, want) ||
			!strings.HasSuffix(messages, "; `miner -p "+port+"` starts one, and --url, --host or --port name another\n") {
			t.Errorf("miner %s: exit %d, %s", command, code, messages)
		}
	}
	// Starting one here makes none there.
	for _, r := range []remote{{url: "http://127.0.0.1:" + port}, {options: options{host: "192.0.2.1"}}} {
		if got := r.explain(client.ErrNoNode).Error(); got != "no node answers; --url, --host or --port name another" {
			t.Errorf("%s%s: %s", r.url, r.host, got)
		}
	}
}

// TestNobodyIsPaid by what a shell makes of a command that failed.
func TestNobodyIsPaid(t *testing.T) {
	var n fakeNode
	if _, messages, code := n.ask(t, "wallet", "send", "", "5"); code != exitFailure || !strings.HasPrefix(messages, `miner: "": RECIPIENT must be`) || len(n.asked) > 0 {
		t.Errorf("exit %d, %s, asked %q", code, messages, n.asked)
	}
}

// TestRemoteToken: the token of a file that is named goes to the node that is named,
// and that of the data folder to the node of --host alone.
func TestRemoteToken(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "api-token-5000.txt")
	if err := os.WriteFile(path, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := fakeNode{answers: map[string]fakeAnswer{"GET /v1/peers": {401, `{"status":401,"detail":"It takes the token."}`}}}
	_, messages, _ := n.ask(t, "peers", "--api-token-file", path)
	if n.token != "Bearer 0123456789abcdef" || !strings.Contains(messages, "That of "+path+" was sent, and isn't the node's: ") {
		t.Errorf("token %q, %s", n.token, messages)
	}
	if strings.Contains(messages, "0123456789abcdef") {
		t.Errorf("the error shows the token: %s", messages)
	}
	n.ask(t, "peers", "--data-dir", dir)
	if n.token != "" {
		t.Errorf("--url got the token of the data folder: %q", n.token)
	}
	for host, want := range map[string]string{"127.0.0.1": "", "localhost": "", "[::1]": "", "0.0.0.0": "", "": "", "192.0.2.1": "0123456789abcdef"} {
		r := remote{options: options{host: host, port: 5000, dataDir: dir}}
		if token, err := r.token(); token != want || err != nil {
			t.Errorf("%s: %q, %v", host, token, err)
		}
	}
	r := remote{options: options{host: "192.0.2.1", port: 5001, dataDir: dir}}
	if token, err := r.token(); token != "" || err != nil {
		t.Errorf("another node's file: %q, %v", token, err)
	}
}

func TestRemoteURLs(t *testing.T) {
	for _, test := range []struct{ host, cert, url, want string }{
		{"127.0.0.1", "", "", "http://127.0.0.1:5000"},
		{"0.0.0.0", "", "", "http://127.0.0.1:5000"},
		{"", "", "", "http://127.0.0.1:5000"},
		{"[::]", "", "", "http://127.0.0.1:5000"},
		{"[::1]", "c.pem", "", "http://[::1]:5000"},
		{"node.example", "", "", "http://node.example:5000"},
		{"node.example", "c.pem", "", "https://node.example:5000"},
		{"node.example", "c.pem", "http://x:1", "http://x:1"},
	} {
		r := remote{options: options{host: test.host, port: 5000}, url: test.url}
		r.access.tlsCert = test.cert
		if got := r.base(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// TestRemoteByConfigFile: the node's own file leads to it.
func TestRemoteByConfigFile(t *testing.T) {
	port := freePort(t)
	path := filepath.Join(t.TempDir(), "miner.toml")
	if err := os.WriteFile(path, fmt.Appendf(nil, "port = %d\nmine = true\n", port), 0o600); err != nil {
		t.Fatal(err)
	}
	_, messages, _ := runMiner(t, "status", "--config", path)
	if !strings.Contains(messages, fmt.Sprintf("http://127.0.0.1:%d: no node answers", port)) {
		t.Error(messages)
	}
}

// TestWalletOffline makes and shows a wallet without a node, and loses none.
func TestWalletOffline(t *testing.T) {
	dir, port := t.TempDir(), fmt.Sprint(freePort(t))
	file := filepath.Join(dir, "WalletKeys_"+port+".txt")
	passphrase := filepath.Join(dir, "passphrase.txt")
	if err := os.WriteFile(passphrase, []byte("a passphrase"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"-p", port, "--data-dir", dir, "--wallet-passphrase-file", passphrase}
	wallet := func(wantCode int, args ...string) (out, messages string) {
		t.Helper()
		out, messages, code := runMiner(t, append(append([]string{"wallet"}, args...), at...)...)
		if code != wantCode {
			t.Fatalf("wallet %v: exit %d: %s", args, code, messages)
		}
		return out, messages
	}
	_, messages := wallet(1, "show", "--offline")
	if messages != "miner: "+file+": there is no wallet; `miner wallet new` makes one\n" {
		t.Error(messages)
	}
	made, messages := wallet(0, "new", "--wallet-bits", "1024")
	if messages != "no node answers at http://127.0.0.1:"+port+": using the wallet file "+file+"\n" {
		t.Error(messages)
	}
	shown, _ := wallet(0, "show", "--offline")
	if made != shown || !strings.HasPrefix(shown, "file       "+file+"\naddress    30819f300d") || !strings.HasSuffix(shown, "\nencrypted  yes\n") {
		t.Errorf("made\n%sshown\n%s", made, shown)
	}
	before, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(before), "-----BEGIN AGE ENCRYPTED FILE-----") {
		t.Fatalf("%.40s %v", before, err)
	}
	if _, messages := wallet(1, "new", "--offline"); messages != "miner: "+file+": "+errHasWallet.Error()+"\n" {
		t.Error(messages)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(after, before) {
		t.Error("the wallet was replaced without --replace")
	}
	var other struct{ Address string }
	text, _ := wallet(0, "new", "--offline", "--replace", "--wallet-bits", "1024", "--json")
	if err := json.Unmarshal([]byte(text), &other); err != nil || strings.Contains(shown, other.Address) {
		t.Errorf("%s %v", text, err)
	}
	kept, _ := filepath.Glob(file + ".bak-*")
	if len(kept) != 1 {
		t.Fatalf("kept %v", kept)
	}
	if content, _ := os.ReadFile(kept[0]); !bytes.Equal(content, before) {
		t.Error("the kept file isn't the old wallet")
	}
	_, messages, code := runMiner(t, "wallet", "show", "--offline", "-p", port, "--data-dir", dir)
	if code != 1 || !strings.Contains(messages, "--wallet-passphrase-file names the file") {
		t.Error(messages)
	}
}

// TestWalletOfflineMistakes: a size is to blame for what is wrong with it alone.
func TestWalletOfflineMistakes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "WalletKeys_5000.txt")
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	for bits, want := range map[string]string{"512": "miner: --wallet-bits 512: an RSA key must have 1024 to 8192 bits\n", "1024": "is a directory\n"} {
		_, messages, code := runMiner(t, "wallet", "new", "--offline", "--replace", "--wallet-bits", bits, "--data-dir", dir)
		if code != exitFailure || !strings.HasSuffix(messages, want) || bits == "1024" && strings.Contains(messages, "--wallet-bits") {
			t.Errorf("%s bits: exit %d, %s", bits, code, messages)
		}
	}
}

// TestRemoteOfANode asks a real one.
func TestRemoteOfANode(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--workers", "1")
	refused := func(want string, args ...string) {
		t.Helper()
		if _, messages, code := runMiner(t, append(args, "-p", fmt.Sprint(p.port))...); code != 1 || !strings.HasPrefix(messages, want) {
			t.Errorf("%v: exit %d, %s", args, code, messages)
		}
	}
	ask := func(args ...string) string {
		t.Helper()
		out, messages, code := runMiner(t, append(args, "-p", fmt.Sprint(p.port))...)
		if code != 0 {
			t.Fatalf("%v: %s", args, messages)
		}
		return out
	}
	if status := ask("status"); !strings.Contains(status, "\nheight      0\n") || !strings.Contains(status, "\nworkers     1 with ") {
		t.Error(status)
	}
	if peers := ask("peers", "add", "127.0.0.1:9"); !strings.Contains(peers, "\n127.0.0.1:9  ") {
		t.Error(peers)
	}
	if peers := ask("peers", "remove", "127.0.0.1:9"); !strings.HasPrefix(peers, "There are no peers") {
		t.Error(peers)
	}
	if balance := ask("wallet", "balance", "somebody"); balance != "confirmed  0\navailable  0\n" {
		t.Error(balance)
	}
	refused("miner: there is no wallet; `miner wallet new` makes one\n", "wallet", "show")
	made := ask("wallet", "new")
	if shown := ask("wallet", "show"); shown != made || !strings.HasSuffix(made, "\nencrypted  no\nconfirmed  0\navailable  0\n") {
		t.Errorf("made\n%sshown\n%s", made, shown)
	}
	refused("miner: there is a wallet already; with --replace", "wallet", "new")
	refused("miner: the node refuses: ", "wallet", "send", "somebody", "5")
	p.mine()
	if sent := ask("wallet", "send", "somebody", "2.5"); !strings.HasSuffix(sent, "\nrecipient  somebody\namount     2.5\n") {
		t.Error(sent)
	}
	if sent := ask("wallet", "send", "--message", "grüß dich"); !strings.HasSuffix(sent, "\nmessage  grüß dich\n") {
		t.Error(sent)
	}
	if balance := ask("wallet", "balance"); balance != "confirmed  10\navailable  7.5\n" {
		t.Error(balance)
	}
	p.mine()
	if balance := ask("wallet", "balance", "somebody"); balance != "confirmed  2.5\navailable  2.5\n" {
		t.Error(balance)
	}
	if resolved := ask("peers", "resolve"); resolved != "no peer has a longer valid chain, height 2\n" {
		t.Error(resolved)
	}
	p.interrupt()
}
