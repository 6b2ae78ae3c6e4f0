package passwordproc_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/auth/passwordproc"
)

// TestMain makes the test program the one that hashes, too.
func TestMain(m *testing.M) {
	if os.Getenv("PASSWORDPROC_TEST_CHILD") != "" {
		if err := passwordproc.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// self starts the test program as the one that hashes.
func self(t *testing.T) []string {
	t.Helper()
	if _, err := exec.LookPath("env"); err != nil {
		t.Skip("there is no program env")
	}
	return []string{"env", "PASSWORDPROC_TEST_CHILD=1", os.Args[0]}
}

func derivation(password string) auth.Derivation {
	return auth.Derivation{Password: []byte(password), Salt: []byte("salt of 16 bytes"), Time: 1, Memory: 8 << 10, Lanes: 1, Len: 32}
}

func TestDerive(t *testing.T) {
	var logs bytes.Buffer
	h := passwordproc.New(passwordproc.Options{Command: self(t), Logger: slog.New(slog.NewTextHandler(&logs, nil))})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			d := derivation(fmt.Sprint("password ", i, " \x00ü"))
			key, err := h.Derive(t.Context(), d)
			if err != nil || !bytes.Equal(key, d.Key()) {
				t.Errorf("%x, %v", key, err)
			}
		})
	}
	wg.Wait()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if logs.Len() > 0 {
		t.Error(logs.String())
	}
	if key, err := h.Derive(t.Context(), derivation("after the end")); err != nil || !bytes.Equal(key, derivation("after the end").Key()) {
		t.Errorf("%x, %v", key, err)
	}
}

// TestIdle: the process ends by itself, and the next password starts another.
func TestIdle(t *testing.T) {
	h := passwordproc.New(passwordproc.Options{Command: self(t), Idle: time.Millisecond})
	defer h.Close()
	for range 3 {
		if key, err := h.Derive(t.Context(), derivation("x")); err != nil || !bytes.Equal(key, derivation("x").Key()) {
			t.Fatalf("%x, %v", key, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestBroken: a process that cannot be used keeps nobody out.
func TestBroken(t *testing.T) {
	for name, command := range map[string][]string{
		"none": nil, "missing": {"/no/such/program"}, "ends": {"true"}, "talks": {"echo", "{}"}, "talks nonsense": {"echo", "hello"},
	} {
		var logs bytes.Buffer
		h := passwordproc.New(passwordproc.Options{Command: command, Logger: slog.New(slog.NewTextHandler(&logs, nil))})
		for range 2 {
			if key, err := h.Derive(t.Context(), derivation("x")); err != nil || !bytes.Equal(key, derivation("x").Key()) {
				t.Errorf("%s: %x, %v", name, key, err)
			}
		}
		if !strings.Contains(logs.String(), "Passwords are hashed in the process that serves readers") {
			t.Errorf("%s: nobody is told: %s", name, logs.String())
		}
		if err := h.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
