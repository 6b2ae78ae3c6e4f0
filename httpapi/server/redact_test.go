package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRedaction(t *testing.T) {
	const hush = "hushhush"
	parsed := &url.URL{Scheme: "https", User: url.UserPassword("ada", hush), Host: "db"}
	for name, args := range map[string][]any{
		"password":       {"password", hush},
		"key":            {"secret_key", hush},
		"header":         {"Authorization", "Token " + hush},
		"capitals":       {"refreshToken", hush},
		"dashes":         {"Private-Key", hush},
		"error as such":  {"token", errors.New(hush)},
		"group":          {slog.Group("cookie", "value", hush)},
		"headers":        {"headers", http.Header{"Cookie": {hush}, "Accept": {"*/*"}}},
		"bearer":         {"err", "refused: Bearer " + hush + hush},
		"address":        {"database", "postgres://ada:" + hush + "@db:5432/books"},
		"no user":        {"err", fmt.Errorf("redis: %w", errors.New("dial redis://:"+hush+"@cache:6379"))},
		"odd password":   {"err", errors.New(`parse "postgres://ada:x@` + hush + `@db"`)},
		"URL":            {"to", parsed},
		"signature":      {"url", "https://b.s3/x?X-Amz-Date=2026&X-Amz-Signature=" + hush + "&a=1"},
		"credential":     {"err", errors.New("Get \"https://b.s3/x?X-Amz-Credential=" + hush + "%2F2026\": EOF")},
		"security token": {"url", "https://b.s3/x?x-amz-security-token=" + hush},
		"access token":   {"url", "/api/books?access_token=" + hush},
		"plain token":    {"url", "https://books.example/x#token=" + hush},
		"list":           {"urls", []string{"redis://a:" + hush + "@b"}},
		"JWT":            {"err", "eyJhbGciOi." + hush + ".x"},
		"ticket":         {"path", "/library/api/c/" + hush + "/download"},
		"dsn":            {"err", errors.New("cannot parse `host=db password=" + hush + " user=a`")},
	} {
		for _, format := range []string{"json", "text"} {
			var out bytes.Buffer
			log := Config{LogFormat: format}.NewLogger(&out)
			log.Info("hello", args...)
			log.With(args...).WithGroup("g").Info("hello", "n", 1)
			if s := out.String(); strings.Contains(s, hush) || strings.Count(s, "hello") != 2 || !strings.Contains(s, hidden) {
				t.Errorf("%s, %s: %s", name, format, s)
			}
		}
	}
	var out bytes.Buffer
	log := Config{LogFormat: "json"}.NewLogger(&out)
	log.Info("kept", "library", "main", "key", "Ada/Book (1)/book.epub", "url", "https://books.example/a?sort=title", "tokens", 3,
		"err", io.ErrUnexpectedEOF, "setup", openly("http://localhost/setup#token=abc"), "seal", "", "address", "a@b.example", "took", time.Second)
	for _, want := range []string{
		`"key":"Ada/Book (1)/book.epub"`, `"url":"https://books.example/a?sort=title"`, `"tokens":3`, `"err":"unexpected EOF"`,
		`"setup":"http://localhost/setup#token=abc"`, `"seal":""`, `"address":"a@b.example"`, `"took":"1s"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, out.String())
		}
	}
}

// BenchmarkLogger compares a line of the server's logger with one of slog's own.
func BenchmarkLogger(b *testing.B) {
	err := fmt.Errorf("copy /books/metadata.db: %w", io.ErrUnexpectedEOF)
	for name, log := range map[string]*slog.Logger{
		"slog": slog.New(slog.NewJSONHandler(io.Discard, nil)),
		"ours": Config{LogFormat: "json"}.NewLogger(io.Discard),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(b.Context(), slog.LevelInfo, "Request failed", slog.Int("status", 500), slog.String("method", "GET"),
					slog.String("path", "/api/books/12"), slog.String("request", "abcdef-12"), slog.Any("err", err))
			}
		})
	}
}
