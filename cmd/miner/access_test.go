package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// remoteAddress is what tests in a network of their own use as an address that
// isn't loopback.
var remoteAddress = net.IPv4(10, 77, 0, 1)

// makeCertificate writes a certificate of its own authority and returns it as
// what a client trusts.
func makeCertificate(t *testing.T, certFile, keyFile, name string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), remoteAddress}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	trusted := x509.NewCertPool()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trusted.AddCert(certificate)
	return trusted
}

// asker is a client of one node on any of its addresses.
type asker struct {
	*http.Client
	t     *testing.T
	token string
}

func newAsker(t *testing.T, trusted *x509.CertPool) *asker {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	t.Cleanup(transport.CloseIdleConnections)
	return &asker{Client: &http.Client{Timeout: patience, Transport: transport}, t: t}
}

// ask returns the status and the body of an answer.
func (a *asker) ask(method, url string) (int, string) {
	a.t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	answer, err := a.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// mustAsk checks the statuses of GETs.
func (a *asker) mustAsk(want map[string]int) {
	a.t.Helper()
	for url, code := range want {
		if got, body := a.ask(http.MethodGet, url); got != code {
			a.t.Errorf("%s: %d %s, want %d", url, got, body, code)
		}
	}
}

// TestTLS has a node on loopback with a certificate, which is renewed.
func TestTLS(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	trusted := makeCertificate(t, certFile, keyFile, "first")
	p := start(t, dir, port, "--create-wallet", "--tls-cert", certFile, "--tls-key", keyFile)
	newAsker(t, trusted).mustAsk(map[string]int{
		"https://" + p.address() + "/wallet": 201, "https://" + p.address() + "/chain": 200,
		"http://" + p.address() + "/wallet": 201, "http://" + p.address() + "/chain": 200,
	})
	_, err := tls.Dial("tcp", p.address(), &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil || !strings.Contains(err.Error(), "protocol version not supported") {
		t.Errorf("TLS 1.1: %v", err)
	}

	renewed := makeCertificate(t, certFile, keyFile, "a longer name")
	newAsker(t, renewed).mustAsk(map[string]int{"https://" + p.address() + "/wallet": 201})
	if !p.output.waitFor("read the changed TLS certificate") {
		t.Error("the log doesn't tell of the new certificate")
	}
	if _, err := os.Stat(p.file("api-token-%d.txt")); !os.IsNotExist(err) {
		t.Errorf("a node on loopback has made a token: %v", err)
	}
	p.interrupt()
}

// TestCertificateStays when the files change to something else.
func TestCertificateStays(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	makeCertificate(t, certFile, keyFile, "first")
	var log strings.Builder
	c, err := loadCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := c.get(nil)
	write(t, keyFile, "no key at all")
	for range 2 {
		if now, err := c.get(nil); now != first || err != nil {
			t.Errorf("another certificate, or %v", err)
		}
	}
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	if now, err := c.get(nil); now != first || err != nil {
		t.Errorf("another certificate, or %v", err)
	}
	if count := strings.Count(log.String(), "the old one stays"); count != 2 { // once for each change
		t.Errorf("%d warnings: %s", count, log.String())
	}
	makeCertificate(t, certFile, keyFile, "second")
	if now, err := c.get(nil); now == first || now.Leaf.Subject.CommonName != "second" || err != nil {
		t.Errorf("the second certificate isn't used: %v", err)
	}
}

// TestMetricsListener reads the metrics where they are, and nothing else there.
func TestMetricsListener(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--metrics-addr", "127.0.0.1:0")
	url := regexp.MustCompile(`url=(http://127\.0\.0\.1:\d+)/metrics`).FindStringSubmatch(p.output.String())
	if url == nil {
		t.Fatal("the log doesn't say where the metrics are")
	}
	own, node := url[1], "http://"+p.address()
	a := newAsker(t, nil)
	a.mustAsk(map[string]int{
		own + "/metrics": 200, own + "/healthz": 200, own + "/chain": 404, own + "/wallet": 404,
		node + "/metrics": 404, node + "/healthz": 200, node + "/chain": 200,
	})
	if _, text := a.ask(http.MethodGet, own+"/metrics"); !strings.Contains(text, "miner_chain_height 0\n") {
		t.Error(text)
	}
	if _, text := a.ask(http.MethodGet, node+"/metrics"); !strings.Contains(text, "--metrics-addr") {
		t.Error(text)
	}
	second := launch(t, t.TempDir(), freePort(t), "--host", "0.0.0.0", "--metrics-addr", strings.TrimPrefix(own, "http://"))
	if code := second.wait(); code != exitFailure || !strings.Contains(second.output.String(), "miner: --metrics-addr: listen tcp") {
		t.Errorf("exit code %d\n%s", code, second.output)
	}
	if left, _ := os.ReadDir(second.dir); len(left) > 0 {
		t.Errorf("a node that could not start left %v", left)
	}
	p.interrupt()
}

// TestTokenOnLoopback: who names a token file gets one, and it serves there for
// names that the node doesn't know.
func TestTokenOnLoopback(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token.txt")
	p := start(t, t.TempDir(), freePort(t), "--create-wallet", "--api-token-file", file)
	for token, want := range map[string]int{"": 403, "wrong": 403, strings.TrimSpace(read(t, file)): 201} {
		request, err := http.NewRequest(http.MethodGet, "http://"+p.address()+"/wallet", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "node.example"
		request.Header.Set("Authorization", "Bearer "+token)
		answer, err := httpClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%d, want %d", answer.StatusCode, want)
		}
	}
	for line := range strings.Lines(p.output.String()) {
		if strings.Contains(line, "other machines") {
			t.Errorf("a node on loopback says: %s", line)
		}
	}
	p.interrupt()
}

// TestBadTokenFile: the node doesn't start, says why, and doesn't show the text.
func TestBadTokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token.txt")
	write(t, file, "tooshort")
	p := launch(t, t.TempDir(), freePort(t), "--api-token-file", file)
	want := fmt.Sprintf("miner: the API token %s: it holds no token: it needs at least 16 characters", file)
	if code := p.wait(); code != exitFailure || !strings.Contains(p.output.String(), want) || strings.Contains(p.output.String(), "tooshort") {
		t.Errorf("exit code %d\n%s", code, p.output)
	}
}
