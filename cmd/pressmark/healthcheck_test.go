package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/httpapi/server"
)

func TestHealthcheck(t *testing.T) {
	ready := http.StatusServiceUnavailable
	h := http.NewServeMux()
	h.HandleFunc("/books/api/health/live", func(http.ResponseWriter, *http.Request) {})
	h.HandleFunc("/books/api/health/ready", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(ready)
		w.Write([]byte(`{"status":"starting"}`))
	})
	plain, encrypted := httptest.NewServer(h), httptest.NewTLSServer(h)
	defer plain.Close()
	defer encrypted.Close()
	env := func(s *httptest.Server) environment {
		return environment{"LISTEN_ADDR": s.Listener.Addr().String(), "BASE_URL": "https://example.org/books/"}
	}
	overTLS := env(encrypted)
	overTLS["TLS_CERT_FILE"], overTLS["TLS_KEY_FILE"] = "cert.pem", "key.pem"
	gone := env(plain)
	gone["LISTEN_ADDR"] = "127.0.0.1:1"
	for name, c := range map[string]struct {
		args []string
		env  environment
		code int
		text string
	}{
		"live":        {nil, env(plain), 0, ""},
		"over TLS":    {nil, overTLS, 0, ""},
		"not ready":   {[]string{"/api/health/ready"}, env(plain), 1, `503 Service Unavailable: {"status":"starting"}`},
		"a flag":      {[]string{"--listen-addr", plain.Listener.Addr().String()}, gone, 0, ""},
		"whole URL":   {[]string{plain.URL + "/books/api/health/live"}, gone, 0, ""},
		"not there":   {nil, gone, 1, "127.0.0.1:1"},
		"no address":  {[]string{"ftp://localhost"}, gone, 2, "neither a URL nor a path"},
		"two of them": {[]string{"/a", "/b"}, gone, 2, "Usage"},
		"help":        {[]string{"--help"}, gone, 0, "/api/health/ready"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			code := (console{c.env.get, nil, &out, &out, ""}).run(t.Context(), append([]string{"healthcheck"}, c.args...))
			if code != c.code || !strings.Contains(out.String(), c.text) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, c.code, c.text, out.String())
			}
		})
	}
}

func TestOwnAddress(t *testing.T) {
	for listen, want := range map[string]string{
		"": "http://127.0.0.1:8000", ":8000": "http://127.0.0.1:8000", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://127.0.0.1:80",
		"192.0.2.1:80": "http://192.0.2.1:80", "[::1]:80": "http://[::1]:80",
	} {
		if got := ownAddress(&server.Config{ListenAddr: listen}); got != want {
			t.Errorf("%q: %s, want %s", listen, got, want)
		}
	}
}
