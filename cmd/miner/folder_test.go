package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestFolderOfTheOriginal takes a folder of the original over, with its chain,
// open payments, peers and wallet, and hands it back byte for byte.
func TestFolderOfTheOriginal(t *testing.T) {
	v := readVectors(t)
	dir, port := t.TempDir(), freePort(t)
	classic := fmt.Sprintf("%s/basicBlockChain%d.txt", dir, port)
	saved := strings.TrimSuffix(v.Chain.SaveFile, "[]") + `["127.0.0.1:1", "127.0.0.1:2"]`
	write(t, classic, saved)
	write(t, fmt.Sprintf("%s/WalletKeys_%d.txt", dir, port), v.Wallets["A"].File)

	p := start(t, dir, port)
	balance := p.must(http.StatusOK, "GET", "/balance", "")
	if balance["Wallet address"] != v.Wallets["A"].PublicKey || fmt.Sprint(balance["Funds"]) != "32.6500001" {
		t.Errorf("GET /balance: %v", balance)
	}
	if height, _ := p.tip(); height != int64(len(v.Chain.Blocks)-1) {
		t.Errorf("height %d", height)
	}
	p.interrupt()
	if text := read(t, classic); text != saved {
		t.Errorf("the folder was handed back with another text file:\n%s\nnot\n%s", text, saved)
	}

	// The open payments are mined; what stands in the text file then is no news.
	p = start(t, dir, port)
	p.mine()
	p.kill()
	p = start(t, dir, port)
	if open := p.must(http.StatusOK, "GET", "/v1/transactions", "")["transactions"]; len(open.([]any)) != 0 {
		t.Errorf("payments that were mined are open again: %v", open)
	}
	p.interrupt()
	if text := read(t, classic); strings.Count(text, `"index"`) != len(v.Chain.Blocks)+1 || !strings.Contains(text, "]\n[]\n[") {
		t.Errorf("the text file after another block: %s", text)
	}
}

// TestOddTextFileOfTheOriginal takes over a text file with peers and open
// payments that are none: the original takes anything.
func TestOddTextFileOfTheOriginal(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	write(t, fmt.Sprintf("%s/basicBlockChain%d.txt", dir, port),
		`[{"previous_hash": "", "index": 0, "transactions": [], "proof": 100, "time_stamp": 0}]`+"\n"+
			`[{"sender": "s", "recipient": null, "signature": "", "amount": 0}, {"sender": "s", "recipient": "r", "signature": "", "amount": -1}]`+
			"\n"+`[5, null, "", "LOCALHOST:05001"]`)
	p := start(t, dir, port)
	if open := p.must(http.StatusOK, "GET", "/v1/transactions", "")["transactions"].([]any); len(open) != 0 {
		t.Errorf("open transactions: %v", open)
	}
	if count := strings.Count(p.output.String(), "an open transaction of the text file is left out"); count != 2 {
		t.Errorf("%d warnings, want 2", count)
	}
	if peers := p.must(http.StatusOK, "GET", "/v1/peers", "")["peers"].([]any); len(peers) != 1 || peers[0] != "localhost:5001" {
		t.Errorf("peers: %v", peers)
	}
	p.interrupt()
}

// TestClassicFileModes checks when the text file is read and written.
func TestClassicFileModes(t *testing.T) {
	v := readVectors(t)
	for mode, taken := range map[string]bool{"auto": true, "always": true, "never": false} {
		t.Run(mode, func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			classic := fmt.Sprintf("%s/basicBlockChain%d.txt", dir, port)
			write(t, classic, v.Chain.SaveFile+"\n") // which the original never writes
			p := start(t, dir, port, "--classic-file", mode)
			if height, _ := p.tip(); (height > 0) != taken {
				t.Errorf("height %d", height)
			}
			p.interrupt()
			if written := !strings.HasSuffix(read(t, classic), "\n"); written != taken {
				t.Errorf("the text file was written: %v", written)
			}
		})
	}
}

// TestDamagedFiles starts nodes on files that were edited, cut or are
// something else. Each says which file and where, fails, and changes nothing.
func TestDamagedFiles(t *testing.T) {
	v := readVectors(t)
	chain := v.Chain.SaveFile
	tests := []struct{ name, file, content, want string }{
		{"edited amount", "basicBlockChain%d.txt", strings.Replace(chain, `"amount": 2.5`, `"amount": 3.5`, 1), "block 4"},
		{"cut", "basicBlockChain%d.txt", chain[:len(chain)/2], "line 3"},
		{"cut within the first line", "basicBlockChain%d.txt", chain[:3000] + "\n[]\n[]", "block 3 of the array"},
		{"no JSON", "basicBlockChain%d.txt", "hello\nworld\n!", "line 1"},
		{"another genesis", "basicBlockChain%d.txt", strings.Replace(chain, `"proof": 100`, `"proof": 101`, 1), "genesis"},
		{"empty database", "chain-%d.db", "", "the file is empty"},
		{"foreign database", "chain-%d.db", strings.Repeat("no database. ", 1000), "not a database of this program"},
		{"wallet", "WalletKeys_%d.txt", "abc\ndef", "the wallet file is damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			path := fmt.Sprintf(dir+"/"+test.file, port)
			write(t, path, test.content)
			p := launch(t, dir, port)
			if code := p.wait(); code != exitFailure {
				t.Errorf("exit code %d", code)
			}
			if text := p.output.String(); !strings.Contains(text, path) || !strings.Contains(text, test.want) {
				t.Errorf("the message should name %s and %q:\n%s", path, test.want, text)
			}
			if read(t, path) != test.content {
				t.Error("the file was changed")
			}
		})
	}
}

// TestLeftoversOfAKilledNode starts a node where one was killed while it wrote
// files: theirs go, a private key with them, and those of another node stay.
func TestLeftoversOfAKilledNode(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	for _, name := range []string{".chain-%d.db.1.tmp", ".basicBlockChain%d.txt.1.tmp", ".WalletKeys_%d.txt.1.tmp",
		".WalletKeys_%d.txt.bak-20260101T000000.000000000Z.1.tmp", ".lode-branch-%d.1.tmp"} {
		write(t, dir+"/"+fmt.Sprintf(name, port), "a part")
	}
	others := fmt.Sprintf(".WalletKeys_%d.txt.1.tmp", port+1)
	write(t, dir+"/"+others, "another node's")
	start(t, dir, port, "--index=false")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if want := []string{others, fmt.Sprintf("chain-%d.db", port)}; !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, want %q", names, want)
	}
}

// TestCutDatabase cuts the database of a node that has mined.
func TestCutDatabase(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--create-wallet")
	for range 5 {
		p.mine()
	}
	p.interrupt()
	path := p.file("chain-%d.db")
	cut := read(t, path)
	cut = cut[:16<<10] // most of the file is only reserved, and no loss
	write(t, path, cut)
	again := launch(t, p.dir, p.port, "--difficulty", "1")
	if code := again.wait(); code != exitFailure {
		t.Errorf("exit code %d", code)
	}
	if text := again.output.String(); !strings.Contains(text, path) || !strings.Contains(text, "the database is damaged") {
		t.Error(text)
	}
	if read(t, path) != cut {
		t.Error("the database was changed")
	}
}

// TestExportImportVerify moves a chain from one folder to another by hand.
func TestExportImportVerify(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "2", "--create-wallet", "--classic-file", "never")
	for range 3 {
		p.mine()
	}
	p.must(http.StatusCreated, "POST", "/transaction", `{"recipient": "r", "amount": 1}`)
	p.must(http.StatusCreated, "POST", "/v1/peers", `{"address": "127.0.0.1:1"}`)
	_, tip := p.tip()
	p.interrupt()

	file := p.dir + "/exported.txt"
	succeed(t, launchArguments(t, p.dir, p.port, []string{"export", "-p", fmt.Sprint(p.port), "--data-dir", p.dir, "--difficulty", "2", file}), "wrote 4 blocks")
	other := t.TempDir()
	succeed(t, launchArguments(t, other, 5000, []string{"import", "--data-dir", other, "--difficulty", "2", file}), tip)
	succeed(t, launchCommand(t, "verify", other, 5000, "--difficulty", "2"), "4 blocks are valid, tip "+tip)

	// What was imported is all there: exported again, it is the same.
	again := other + "/again.txt"
	succeed(t, launchArguments(t, other, 5000, []string{"export", "--data-dir", other, "--difficulty", "2", again}), "wrote 4 blocks")
	if read(t, again) != read(t, file) {
		t.Error("the chain isn't the same after export and import")
	}
}

// TestExportReplacesNothingLonger exports over a text file with which a Python
// node has gone on, and from a folder without a database.
func TestExportReplacesNothingLonger(t *testing.T) {
	v := readVectors(t)
	dir := t.TempDir()
	classic := dir + "/basicBlockChain5000.txt"
	write(t, classic, v.Chain.SaveFile)
	arguments := []string{"export", "--data-dir", dir}
	refuse(t, launchArguments(t, dir, 5000, arguments), "chain-5000.db: no such file or directory")
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("export made %v", left)
	}

	write(t, dir+"/genesis.txt", `[{"previous_hash": "", "index": 0, "transactions": [], "proof": 100, "time_stamp": 0}]`+"\n[]\n[]")
	succeed(t, launchArguments(t, dir, 5000, []string{"import", "--data-dir", dir, dir + "/genesis.txt"}), "height 0")
	refuse(t, launchArguments(t, dir, 5000, arguments), "it is not replaced: it has 8 blocks, and the database 1")
	write(t, dir+"/letter.txt", "Dear node")
	refuse(t, launchArguments(t, dir, 5000, append(arguments, dir+"/letter.txt")), "it is not replaced: "+dir+"/letter.txt")
	if read(t, classic) != v.Chain.SaveFile || read(t, dir+"/letter.txt") != "Dear node" {
		t.Error("a file was replaced")
	}
}

func refuse(t *testing.T, p *process, want string) {
	t.Helper()
	if code := p.wait(); code != exitFailure || !strings.Contains(p.output.String(), want) {
		t.Errorf("exit code %d, want %q:\n%s", code, want, p.output)
	}
}

func succeed(t *testing.T, p *process, want string) {
	t.Helper()
	if code := p.wait(); code != 0 || !strings.Contains(p.output.String(), want) {
		t.Errorf("exit code %d, want %q:\n%s", code, want, p.output)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEncryptedWallet mines with a wallet that is made encrypted and pays after
// a restart; the original's plain file is encrypted at the start.
func TestEncryptedWallet(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	passphrase := dir + "/passphrase"
	write(t, passphrase, "correct horse\n")
	p := start(t, dir, port, "--difficulty", "1", "--create-wallet")
	plain := p.must(http.StatusCreated, "GET", "/wallet", "")["private_key"].(string)
	p.mine()
	p.interrupt()
	for range 2 { // the first start encrypts the plain file
		p = start(t, dir, port, "--difficulty", "1", "--wallet-passphrase-file", passphrase)
		p.must(http.StatusCreated, "POST", "/transaction", `{"recipient": "r", "amount": 1}`)
		if key := p.must(http.StatusCreated, "GET", "/wallet", "")["private_key"]; key != plain {
			t.Error("the wallet is another one")
		}
		p.interrupt()
		if strings.Contains(p.output.String(), "horse") {
			t.Error("the passphrase is in the log")
		}
	}
	content := read(t, p.file("WalletKeys_%d.txt"))
	if !strings.HasPrefix(content, "-----BEGIN AGE ENCRYPTED FILE-----\n") || strings.Contains(content, plain) {
		t.Error("the wallet file isn't encrypted")
	}
}
