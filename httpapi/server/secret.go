package server

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretFile is where the key is kept that nobody has set.
const secretFile = "secret.key"

const howToKey = `make one with "openssl rand -base64 48"`

// checkSecret returns what is wrong with a key.
func checkSecret(s string) error {
	low := strings.ToLower(s)
	switch {
	case len(s) < 32:
		return fmt.Errorf("it has %d bytes, and at least 32 are needed: %s", len(s), howToKey)
	case strings.Trim(s, s[:1]) == "", strings.Contains(low, "change"), strings.Contains(low, "your-"), strings.Contains(low, "your_"), strings.Contains(low, "example"), strings.Contains(low, "secret-key"), strings.Contains(low, "secret_key"):
		return fmt.Errorf("it is an example, which others know: %s", howToKey)
	}
	return nil
}

// secret returns the key: the one that is set, else the one in the data folder,
// which is made if there is none. Servers that start together make one.
func (c *Config) secret() ([]byte, error) {
	if c.SecretKey != "" {
		return []byte(c.SecretKey), nil
	}
	path := filepath.Join(c.DataDir, secretFile)
	if key, err := readSecret(path); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	raw := make([]byte, 48)
	rand.Read(raw) // never fails
	// Written whole under another name first: a key that is cut would be read
	// by the next start.
	tmp, err := os.CreateTemp(c.DataDir, secretFile+".*")
	if err != nil {
		return nil, fmt.Errorf("make the secret key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, fmt.Errorf("make the secret key: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		// Not all file systems have links.
		if err := os.Rename(tmp.Name(), path); err != nil {
			return nil, fmt.Errorf("make the secret key: %w", err)
		}
	}
	return readSecret(path)
}

func readSecret(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret key: %w", err)
	}
	key := strings.TrimSpace(string(b))
	if err := checkSecret(key); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return []byte(key), nil
}
