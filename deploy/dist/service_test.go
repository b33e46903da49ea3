//go:build linux

package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds what the test waits for.
const patience = 2 * time.Minute

// dataFolder is what %S/miner of the unit is on a system.
const dataFolder = "/var/lib/miner"

// nobody is the user that the service runs as here, where no systemd makes one.
const nobody = 65534

// TestDebianPackage installs the package, runs the service by its unit's command line,
// mines, and removes the package again. It changes the system, so it runs in CI alone,
// on a machine of its own.
func TestDebianPackage(t *testing.T) {
	if os.Getenv("CI") != "true" {
		t.Skip("it installs a package: only with CI=true, as root on Debian")
	}
	if os.Geteuid() != 0 || !hasDpkg(t) {
		t.Fatal("it takes root and dpkg to install a package")
	}
	if _, err := os.Stat(dataFolder); err == nil {
		t.Fatal(dataFolder + " is somebody's")
	}
	say(t, "v0.0.1")
	out := t.TempDir()
	if err := run(t.Context(), root, out, here().String(), t.Output()); err != nil {
		t.Fatal(err)
	}
	before := systemFiles(t)
	t.Cleanup(func() {
		_ = exec.Command("dpkg", "--purge", "miner").Run()
		_ = os.RemoveAll(dataFolder)
	})
	command(t, "dpkg", "-i", filepath.Join(out, "miner_0.0.1_"+here().architecture+".deb"))
	command(t, "dpkg", "--verify", "miner")
	command(t, "bash", "-n", "/usr/share/bash-completion/completions/miner")
	if list := command(t, "dpkg", "--listfiles", "miner"); !strings.Contains(list, "\n/usr/share/man/man1/miner.1.gz\n") {
		t.Errorf("there is no manual page in\n%s", list)
	}
	if answer := command(t, "systemd-analyze", "verify", unitFile); answer != "" {
		t.Error(answer)
	}
	port := freePort(t)
	mineAsService(t, port)

	command(t, "dpkg", "--remove", "miner")
	if _, err := os.Stat(settingsFile); err != nil {
		t.Error("removed, the package keeps its settings:", err)
	}
	answer := command(t, "dpkg", "--purge", "miner")
	if want := "The ledger and the wallet stay in "; !strings.Contains(answer, want) {
		t.Errorf("%q doesn't say %q", answer, want)
	}
	if _, err := os.Stat(filepath.Join(dataFolder, "WalletKeys_"+port+".txt")); err != nil {
		t.Error("purged, the package keeps the wallet:", err)
	}
	if err := os.RemoveAll(dataFolder); err != nil {
		t.Fatal(err)
	}
	if after := systemFiles(t); !slices.Equal(after, before) {
		t.Errorf("the package left %q", slices.DeleteFunc(after, func(name string) bool { return slices.Contains(before, name) }))
	}
}

// command runs a program and returns what it prints.
func command(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	answer, err := exec.Command(name, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, arguments, err, answer)
	}
	return string(answer)
}

// systemFiles are the names of all files where packages have theirs.
func systemFiles(t *testing.T) (names []string) {
	t.Helper()
	for _, dir := range []string{"/etc", "/usr/bin", "/usr/lib/systemd", "/usr/share", "/var/lib"} {
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			// What dpkg keeps for itself changes with each run.
			if entry.IsDir() && path == "/var/lib/dpkg" {
				return filepath.SkipDir
			}
			names = append(names, path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

const settingsFile = "/etc/miner/miner.toml"

const unitFile = "/usr/lib/systemd/system/miner.service"

// TestUnit lets systemd's own tool say what it thinks of the unit, alone and with each
// example. It rates what a service could do from 0, nothing, to 10, everything; the
// threshold is ten times that.
func TestUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("systemd-analyze isn't installed")
	}
	for _, test := range []struct{ example, threshold string }{{"", "20"}, {"idle.conf", "20"}, {"gpu.conf", "30"}, {"passphrase.conf", "20"}} {
		dir := t.TempDir()
		path := filepath.Join(dir, "miner.service")
		// The programs needn't be installed.
		text := strings.ReplaceAll(read(t, "../systemd/miner.service"), "/usr/bin/miner", "/bin/true")
		write(t, path, text)
		if test.example != "" {
			write(t, filepath.Join(path+".d", test.example), read(t, filepath.Join("../systemd", test.example)))
		}
		if answer := command(t, "systemd-analyze", "verify", path); answer != "" {
			t.Errorf("with %q: %s", test.example, answer)
		}
		command(t, "systemd-analyze", "security", "--offline=yes", "--threshold="+test.threshold, path)
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

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// unit reads the settings of the section Service.
func unit(t *testing.T) map[string]string {
	t.Helper()
	settings, section := map[string]string{}, ""
	for line := range strings.Lines(read(t, unitFile)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		if name, value, ok := strings.Cut(line, "="); ok && section == "[Service]" && !strings.HasPrefix(line, "#") {
			settings[name] = value
		}
	}
	return settings
}

// uncomment puts settings into force that the file has as examples, and adds others.
func uncomment(t *testing.T, path string, names []string, more string) {
	t.Helper()
	text := read(t, path)
	for _, name := range names {
		changed := strings.Replace(text, "\n#"+name+" = ", "\n"+name+" = ", 1)
		if changed == text {
			t.Fatalf("%s has no example of %s", path, name)
		}
		text = changed
	}
	if err := os.WriteFile(path, []byte(text+more), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mineAsService does what systemd would do with the unit: it makes the folder for a
// user without rights, starts the command line with the settings, waits for READY, and
// ends it by SIGTERM.
func mineAsService(t *testing.T, port string) {
	t.Helper()
	service := unit(t)
	if service["Type"] != "notify" || service["DynamicUser"] != "yes" || "/var/lib/"+service["StateDirectory"] != dataFolder {
		t.Fatalf("the unit is another one than this test knows: %q", service)
	}
	if err := os.Mkdir(dataFolder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dataFolder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	uncomment(t, settingsFile, []string{"create-wallet", "mine"}, "port = "+port+"\n")
	socket, address := notifySocket(t)
	arguments := strings.Fields(strings.ReplaceAll(service["ExecStart"], "%S", "/var/lib"))
	node := exec.Command(arguments[0], arguments[1:]...)
	node.Dir = "/"
	node.Env = []string{"NOTIFY_SOCKET=" + address, "PATH=/usr/bin:/bin", "STATE_DIRECTORY=" + dataFolder}
	node.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var log strings.Builder
	node.Stdout, node.Stderr = &log, &log
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = node.Process.Kill()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	waitFor(t, socket, "READY=1")
	if version := ask(t, port, "/v1/status")["version"]; version != "v0.0.1" {
		t.Errorf("version %v answers", version)
	}
	for deadline := time.Now().Add(patience); ask(t, port, "/v1/mining")["blocks_found"] == 0.0; {
		if time.Now().After(deadline) {
			t.Fatal("no block was found")
		}
	}
	if err := node.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitFor(t, socket, "STOPPING=1")
	if err := node.Wait(); err != nil {
		t.Error(err)
	}
}

// notifySocket is systemd's end of what a service tells it; everybody may write to it.
func notifySocket(t *testing.T) (*net.UnixConn, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	address := filepath.Join(dir, "socket")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	for path, mode := range map[string]os.FileMode{dir: 0o755, address: 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	return socket, address
}

// waitFor reads messages until one has the line.
func waitFor(t *testing.T, socket *net.UnixConn, line string) {
	t.Helper()
	if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	message := make([]byte, 4096)
	for {
		n, err := socket.Read(message)
		if err != nil {
			t.Fatalf("%s didn't come: %v", line, err)
		}
		if slices.Contains(strings.Split(string(message[:n]), "\n"), line) {
			return
		}
	}
}

// ask reads from the node of the service.
func ask(t *testing.T, port, path string) (object map[string]any) {
	t.Helper()
	answer, err := http.Get("http://127.0.0.1:" + port + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
