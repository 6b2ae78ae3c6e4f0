package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// pairFor writes a certificate for books.example to a folder, good from a day ago
// until some time from now.
func pairFor(t *testing.T, dir string, lasts time.Duration) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(lasts),
		DNSNames: []string{"books.example"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert, key
}

func withCertificate(lasts time.Duration, base string) func(*testing.T, *Config) {
	return func(t *testing.T, c *Config) {
		c.TLSCertFile, c.TLSKeyFile = pairFor(t, t.TempDir(), lasts)
		c.BaseURL = base
	}
}

// TestCertificateReplaced: a new pair is noticed without a signal, not at once but
// soon; one that is no good leaves the old one in use, until it is mended.
func TestCertificateReplaced(t *testing.T) {
	dir := t.TempDir()
	cert, key := pairFor(t, dir, time.Hour)
	c, err := openCertificate(cert, key, slog.New(slog.DiscardHandler))
	must(t, err)
	now := time.Now()
	c.now = func() time.Time { return now }
	serial := func() string {
		pair, err := c.current(nil)
		must(t, err)
		return pair.Leaf.SerialNumber.String()
	}
	first := serial()
	pairFor(t, dir, 2*time.Hour)
	if serial() != first {
		t.Error("it looks at the files with every handshake")
	}
	now = now.Add(certificateEvery)
	second := serial()
	if second == first {
		t.Error("the new pair is not noticed")
	}
	must(t, os.WriteFile(key, []byte("no key"), 0o600))
	now = now.Add(certificateEvery)
	if serial() != second {
		t.Error("a pair that is no good took the place of one that is")
	}
	if err := c.reload(); err == nil || serial() != second {
		t.Errorf("reloaded: %v", err)
	}
	pairFor(t, dir, 3*time.Hour)
	now = now.Add(certificateEvery)
	if serial() == second {
		t.Error("after a bad pair no other is noticed")
	}
}
