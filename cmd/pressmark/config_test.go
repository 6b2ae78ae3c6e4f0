package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

// output runs a command and returns what it prints, and its exit code.
func output(t *testing.T, env environment, args ...string) (string, int) {
	t.Helper()
	var out strings.Builder
	code := (console{env.get, nil, &out, &out, ""}).run(t.Context(), args)
	return out.String(), code
}

// TestConfigCheck reports all at once, what cannot be read and what cannot be used.
func TestConfigCheck(t *testing.T) {
	env := environment{"WATCH_POLL": "often", "SECRET_KEY": "short", "DATA_DIR": t.TempDir()}
	out, code := output(t, env, "config", "check", "--listen-addr=nowhere", "--tls-cert-file=x")
	if code != 2 {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"WATCH_POLL", "SECRET_KEY", "LISTEN_ADDR", "TLS_CERT_FILE", "CALIBRE_LIBRARY_PATH"} {
		if !strings.Contains(out, name) {
			t.Errorf("no word of %s:\n%s", name, out)
		}
	}
	if out, code := output(t, environment{"DATA_DIR": t.TempDir()}, "config", "check", "--calibre-library-path=/books"); code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestConfigPrint tells where values are from, and no secrets.
func TestConfigPrint(t *testing.T) {
	const secret = "sesame-open-sesame-open-sesame-open"
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	env := environment{
		"SECRET_KEY_FILE": file, "DATABASE_URL": "postgres://u:" + secret + "@h:5432/d?sslpassword=" + secret,
		"REDIS_URL": "redis://:se@" + secret + "@h:1/0", "AWS_SECRET_ACCESS_KEY": secret, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SESSION_TOKEN": secret, "LOG_LEVEL": "warn",
		"SECRET_KEY_OLD": secret, "DATA_DIR": "/data",
	}
	args := []string{"config", "print", "--calibre-library-path", "/books", "--cache-ttl=7", "--json"}
	out, code := output(t, env, args...)
	if code != 0 || strings.Contains(out, "sesame") {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	var printed struct {
		Settings []struct{ Name, Value, From, File string }
	}
	if err := json.Unmarshal([]byte(out), &printed); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range printed.Settings {
		got[s.Name] = s.Value + " from " + s.From + " " + s.File
	}
	for name, want := range map[string]string{
		"SECRET_KEY": "*** from SECRET_KEY_FILE " + file, "CACHE_TTL": "7 from --cache-ttl ", "LOG_LEVEL": "warn from LOG_LEVEL ",
		"ACCESS_TOKEN_TTL": "30m from default ",
		"WATCH_POLL":       "5s from default ", "DATABASE_URL": "postgres://u:***@h:5432/d?sslpassword=*** from DATABASE_URL ",
		"REDIS_URL": "redis://:***@h:1/0 from REDIS_URL ", "DATA_DIR": "/data from DATA_DIR ",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	env["DATABASE_URL"] = "host=db user=u password=" + secret
	if out, _ := output(t, env, args...); strings.Contains(out, "sesame") {
		t.Errorf("with words for an address:\n%s", out)
	}
	if out, _ := output(t, env, "config", "print"); strings.Contains(out, "sesame") || !strings.Contains(out, "/books") && !strings.Contains(out, "LISTEN_ADDR") {
		t.Errorf("as text:\n%s", out)
	}
}

// TestDoctorAndVerify: exit codes and JSON.
func TestDoctorAndVerify(t *testing.T) {
	data := t.TempDir()
	if err := os.Chmod(data, 0o700); err != nil {
		t.Fatal(err)
	}
	books := calibretest.Sample(t)
	env := environment{"DATA_DIR": data, "CALIBRE_LIBRARY_PATH": books, "THUMBNAIL_CACHE_MAX_BYTES": "1MiB", "LISTEN_ADDR": "127.0.0.1:0"}
	if out, code := output(t, env, "doctor"); code != 0 || !strings.Contains(out, "All is well") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if out, code := output(t, env, "verify"); code != 0 || !strings.Contains(out, "24 books, 54 files") || !strings.Contains(out, "nothing differs") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	covers, err := filepath.Glob(filepath.Join(books, "*", "* (1)", "cover.jpg"))
	if err != nil || len(covers) != 1 {
		t.Fatal(covers, err)
	}
	if err := os.Truncate(covers[0], 3); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"doctor", "verify"} {
		var said strings.Builder
		var result struct{ OK *bool }
		code := (console{env.get, nil, &said, &strings.Builder{}, ""}).run(t.Context(), []string{command, "--json"})
		if err := json.Unmarshal([]byte(said.String()), &result); err != nil || result.OK == nil || *result.OK || code != 1 || !strings.Contains(said.String(), "cover.jpg") {
			t.Errorf("%s: exit code %d, %v:\n%s", command, code, err, said.String())
		}
	}
	for _, args := range [][]string{{"doctor", "x"}, {"verify", "x"}, {"verify", "--files=all"}, {"config"}, {"config", "show"}} {
		if out, code := output(t, env, args...); code != 2 {
			t.Errorf("%q: exit code %d: %s", args, code, out)
		}
	}
}
