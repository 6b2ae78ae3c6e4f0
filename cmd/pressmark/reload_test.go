//go:build unix

package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// TestHangup sends SIGHUP to a server: clients get a new certificate, the log level
// is taken over, what needs a restart is named, and a certificate that is no good
// leaves the old one in use.
func TestHangup(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	dir := t.TempDir()
	level, old := filepath.Join(dir, "level"), filepath.Join(dir, "old")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certify(t, cert, key, 1)
	write(level, "info")
	write(old, "0123456789012345678901234567890123456789")
	cmd := exec.Command(build(t), "serve", "--log-format=json", "--public")
	cmd.Env = append(os.Environ(), "CALIBRE_LIBRARY_PATH="+calibretest.Sample(t), "DATA_DIR="+t.TempDir(), "LISTEN_ADDR=127.0.0.1:0",
		"TLS_CERT_FILE="+cert, "TLS_KEY_FILE="+key, "LOG_LEVEL_FILE="+level, "SECRET_KEY_OLD_FILE="+old)
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	type line struct {
		Msg, URL    string
		Settings    []string
		NeedRestart []string `json:"need_restart"`
	}
	lines := bufio.NewScanner(logs)
	until := func(msg string) line {
		t.Helper()
		for lines.Scan() {
			var l line
			if err := json.Unmarshal(lines.Bytes(), &l); err == nil && l.Msg == msg {
				return l
			}
		}
		t.Fatalf("no line %q", msg)
		return line{}
	}
	u, err := url.Parse(until("Serving").URL)
	if err != nil {
		t.Fatal(err)
	}
	hangup := func() {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if n := serial(t, u.Host); n != 1 {
		t.Errorf("certificate %d at first", n)
	}
	certify(t, cert, key, 2)
	write(old, "9876543210987654321098765432109876543210")
	hangup()
	if l := until("Reloaded"); !slices.Equal(l.NeedRestart, []string{"SECRET_KEY_OLD"}) || len(l.Settings) != 0 {
		t.Errorf("%+v", l)
	}
	if n := serial(t, u.Host); n != 2 {
		t.Errorf("certificate %d after the first SIGHUP", n)
	}
	write(key, "no key")
	hangup()
	until("The TLS certificate cannot be replaced; the one before stays in use")
	until("Reloaded")
	if n := serial(t, u.Host); n != 2 {
		t.Errorf("certificate %d after one that is no good", n)
	}
	write(level, "loud")
	hangup()
	until("Not reloaded: a setting cannot be used any more")
	certify(t, cert, key, 3)
	write(level, "warn")
	hangup() // nothing is said at this level
	deadline := time.Now().Add(30 * time.Second)
	for serial(t, u.Host) != 3 {
		if time.Now().After(deadline) {
			t.Fatal("the third certificate never came")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		var l struct{ Msg, Level string }
		if err := json.Unmarshal(lines.Bytes(), &l); err == nil && l.Level == "INFO" && l.Msg == "Stopping" {
			t.Errorf("it logs at level info: %s", lines.Bytes())
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// certify writes a certificate with a number.
func certify(t *testing.T, cert, key string, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// serial is the number of the certificate that a server shows.
func serial(t *testing.T, address string) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}
