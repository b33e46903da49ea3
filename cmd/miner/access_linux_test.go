package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace tells the test binary that it runs in a network of its own.
const inNamespace = "TEST_IN_NAMESPACE"

// TestRemoteAccess uses a node on an address that isn't loopback.
func TestRemoteAccess(t *testing.T) {
	withRemoteAddress(t, map[string]func(*testing.T){"token": testRemoteToken, "TLS": testRemoteTLS})
}

// withRemoteAddress runs subtests on a machine that has an address that isn't
// loopback. Machines need not have one, so it makes a network with one.
func withRemoteAddress(t *testing.T, subtests map[string]func(*testing.T)) {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		addRemoteAddress(t)
		for name, test := range subtests {
			t.Run(name, test)
		}
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout", patience.String())
	command.Env = append(os.Environ(), inNamespace+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	output, err := command.CombinedOutput()
	if len(output) == 0 && err != nil && os.Getenv("CI") != "true" {
		t.Skipf("this machine lets nobody make a network of their own: %v", err)
	}
	if err != nil || strings.Count(string(output), "--- PASS: "+t.Name()+"/") != len(subtests) {
		t.Errorf("%v\n%s", err, output)
	}
}

// addRemoteAddress gives the loopback interface another address.
func addRemoteAddress(t *testing.T) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	up, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, up); err != nil {
		t.Fatal(err)
	}
	alias, err := unix.NewIfreq("lo:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := alias.SetInet4Addr(remoteAddress.To4()); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFADDR, alias); err != nil {
		t.Fatal(err)
	}
}

// remote is the node's address that isn't loopback.
func (p *process) remote() string {
	_, port, _ := net.SplitHostPort(p.address())
	return net.JoinHostPort(remoteAddress.String(), port)
}

// testRemoteToken starts a node twice, with the token that the first start made.
func testRemoteToken(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	token := ""
	for _, made := range []string{"made=true", "made=false"} {
		p := start(t, dir, port, "--host", "0.0.0.0", "--create-wallet")
		file := p.file("api-token-%d.txt")
		info, err := os.Stat(file)
		if err != nil || info.Mode() != 0o600 {
			t.Fatalf("the token file: %v %v", info, err)
		}
		now := strings.TrimSpace(read(t, file))
		if token != "" && now != token {
			t.Error("the second start has another token")
		}
		token = now
		checkRemoteLog(t, p, file, made, token)
		a := newAsker(t, nil)
		url := "http://" + p.remote()
		a.mustAsk(map[string]int{
			url + "/wallet": 401, url + "/node": 401, url + "/v1/mining": 401,
			url + "/chain": 200, url + "/v1/status": 200, url + "/healthz": 200, url + "/metrics": 200,
			"http://" + p.address() + "/wallet": 201,
		})
		if code, body := a.ask("POST", url+"/broadcast_block"); code != 400 { // open, but it wants a block
			t.Errorf("POST /broadcast_block: %d %s", code, body)
		}
		if code, body := a.ask("POST", url+"/mine"); code != 401 || strings.Contains(body, token) || strings.Contains(body, file) {
			t.Errorf("POST /mine: %d %s", code, body)
		}
		a.token = token[:len(token)-1]
		a.mustAsk(map[string]int{url + "/wallet": 401})
		a.token = token
		a.mustAsk(map[string]int{url + "/wallet": 201, url + "/node": 200})
		p.interrupt()
	}
}

// checkRemoteLog: the log says what is open to whom and where the token is, and
// not the token.
func checkRemoteLog(t *testing.T, p *process, file, made, token string) {
	t.Helper()
	log := p.output.String()
	for _, want := range []string{"other machines may read the chain", `msg="the API token is in a file" file=` + file + " " + made} {
		if strings.Count(log, want) != 1 {
			t.Errorf("the log lacks %q", want)
		}
	}
	if strings.Contains(log, token) {
		t.Error("the log shows the token")
	}
}

// testRemoteTLS: with a certificate the token is taken over https alone, while
// peers go on in plain HTTP.
func testRemoteTLS(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	trusted := makeCertificate(t, certFile, keyFile, "node")
	p := start(t, dir, port, "--host", "0.0.0.0", "--create-wallet", "--tls-cert", certFile, "--tls-key", keyFile)
	a := newAsker(t, trusted)
	plain, secure := "http://"+p.remote(), "https://"+p.remote()
	a.mustAsk(map[string]int{
		plain + "/wallet": 403, secure + "/wallet": 401, plain + "/chain": 200, secure + "/chain": 200,
		"http://" + p.address() + "/wallet": 201,
	})
	a.token = strings.TrimSpace(read(t, p.file("api-token-%d.txt")))
	a.mustAsk(map[string]int{plain + "/wallet": 403, secure + "/wallet": 201})
	if _, body := a.ask("GET", plain+"/wallet"); !strings.Contains(body, "only over https") {
		t.Error(body)
	}
	if code, body := a.ask("POST", plain+"/broadcast_block"); code != 400 {
		t.Errorf("POST /broadcast_block: %d %s", code, body)
	}
	p.interrupt()
}
