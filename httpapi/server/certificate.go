package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateEvery is the time between two looks at the files of a certificate,
// of which handshakes are the occasion.
const certificateEvery = 10 * time.Second

// certFiles is a pair of files that may be replaced while the server runs, as
// certbot and Kubernetes do. A new pair that is no good leaves the old in use.
type certFiles struct {
	cert, key string // paths
	log       *slog.Logger
	now       func() time.Time

	mu     sync.Mutex
	used   *tls.Certificate
	seen   [2]os.FileInfo // what was tried last, whatever came of it
	looked time.Time
}

// openCertificate loads a pair.
func openCertificate(cert, key string, log *slog.Logger) (*certFiles, error) {
	c := &certFiles{cert: cert, key: key, log: log, now: time.Now}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("load TLS certificate: %w", err)
	}
	return c, nil
}

// config is for a server that has the pair.
func (c *certFiles) config() *tls.Config { return &tls.Config{GetCertificate: c.current} }

// current returns the pair in use. Now and then it looks whether there is a new
// one.
func (c *certFiles) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= certificateEvery {
		c.looked = now
		if seen, err := c.stat(); err == nil && !samePair(seen, c.seen) {
			_ = c.replace() // it has said so, and there is the one before
		}
	}
	return c.used, nil
}

// reload loads the pair anew. The error says why the old one stays in use.
func (c *certFiles) reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replace()
}

// replace loads the pair anew, and says so. The caller holds mu.
func (c *certFiles) replace() error {
	if err := c.load(); err != nil {
		c.log.Error("The TLS certificate cannot be replaced; the one before stays in use", "file", c.cert, "key_file", c.key, "err", err)
		return err
	}
	c.log.Info("TLS certificate loaded", "file", c.cert, "until", c.used.Leaf.NotAfter)
	return nil
}

func (c *certFiles) load() error {
	seen, err := c.stat() // before the reading: what changes meanwhile is seen later
	c.seen, c.looked = seen, c.now()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.used = &pair
	return nil
}

func (c *certFiles) stat() (seen [2]os.FileInfo, err error) {
	for i, path := range []string{c.cert, c.key} {
		if seen[i], err = os.Stat(path); err != nil {
			return seen, err
		}
	}
	return seen, nil
}

// samePair reports whether neither file was replaced or written. A file that
// could not be looked at is another.
func samePair(a, b [2]os.FileInfo) bool {
	for i := range a {
		if a[i] == nil || b[i] == nil || !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) {
			return false
		}
	}
	return true
}
