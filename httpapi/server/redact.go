package server

import (
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// openly is text that is logged for the secret in it.
type openly string

// redactor takes secrets out of what is logged and traced.
type redactor struct {
	user, param, header, token, ticket *regexp.Regexp
}

func newRedactor() *redactor {
	return &redactor{
		// The password of an address; it may hold signs that should have been escaped.
		user: regexp.MustCompile(`(://[^/\s:@"']*:)[^/\s"']*@`),
		param: regexp.MustCompile(`(?i)\b(x-amz-signature|x-amz-credential|x-amz-security-token|(?:access_|refresh_|id_)?token|signature|key-pair-id|` +
			`(?:client_)?secret|secret_?key|api_?key|password|passwd)=(["']?[^&\s"'#;,]+)`),
		header: regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}`),
		token:  regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*`),
		ticket: regexp.MustCompile(`(/api/c/)[^/\s"'?]+`),
	}
}

// text returns s without secrets. Most texts hold nothing that one could be in,
// which is cheap to see.
func (r *redactor) text(s string) string {
	if strings.IndexByte(s, '=') >= 0 {
		s = r.param.ReplaceAllString(s, "$1="+hidden)
	}
	if strings.IndexByte(s, '@') >= 0 && strings.Contains(s, "://") {
		s = r.user.ReplaceAllString(s, "${1}"+hidden+"@")
	}
	if strings.Contains(s, "earer ") || strings.Contains(s, "asic ") {
		s = r.header.ReplaceAllString(s, "$1 "+hidden)
	}
	if strings.Contains(s, "eyJ") {
		s = r.token.ReplaceAllString(s, hidden)
	}
	if strings.Contains(s, "/api/c/") {
		s = r.ticket.ReplaceAllString(s, "$1"+hidden)
	}
	return s
}

// secret tells whether a name is that of something secret.
func secret(name string) bool {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' || c == '-' {
			name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
			break
		}
	}
	for _, part := range [...]string{
		"password", "passwd", "passphrase", "secret", "token", "authorization", "cookie", "credential",
		"private_key", "signing_key", "access_key", "api_key", "apikey", "seal",
	} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// attr returns an attribute of a line without secrets. Numbers and times are none,
// whatever they are called.
func (r *redactor) attr(groups []string, a slog.Attr) slog.Attr {
	kind := a.Value.Kind()
	if kind != slog.KindString && kind != slog.KindAny {
		return a
	}
	is := secret(a.Key)
	for _, g := range groups {
		is = is || secret(g)
	}
	if is {
		if kind == slog.KindAny && a.Value.Any() == nil || kind == slog.KindString && a.Value.String() == "" {
			return a // that there is none is no secret
		}
		a.Value = slog.StringValue(hidden)
		return a
	}
	if kind == slog.KindString {
		was := a.Value.String()
		if is := r.text(was); is != was {
			a.Value = slog.StringValue(is)
		}
		return a
	}
	switch v := a.Value.Any().(type) {
	case error:
		was := v.Error()
		if is := r.text(was); is != was {
			a.Value = slog.StringValue(is)
		}
	case *url.URL:
		a.Value = slog.StringValue(r.text(v.String()))
	case url.URL:
		a.Value = slog.StringValue(r.text(v.String()))
	case []string:
		a.Value = slog.AnyValue(r.texts(v))
	case http.Header:
		shown := make(map[string][]string, len(v))
		for name, values := range v {
			if shown[name] = r.texts(values); secret(name) {
				shown[name] = []string{hidden}
			}
		}
		a.Value = slog.AnyValue(shown)
	}
	return a
}

func (r *redactor) texts(list []string) []string {
	shown := make([]string, len(list))
	for i, s := range list {
		shown[i] = r.text(s)
	}
	return shown
}
