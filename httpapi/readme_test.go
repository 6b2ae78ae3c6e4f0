package httpapi_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/auth"
)

// TestReadmeCommands sends what the README's curl commands send to the sample
// library, which is what "make run" serves.
func TestReadmeCommands(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(t)
	s := openSample(t, nil, d.option)
	d.create(t, "ada", auth.Rule{})
	token := ""
	// What readers fill in.
	fill := func(s, secret string) string { return strings.ReplaceAll(s, "…", secret) }
	address := regexp.MustCompile(`localhost:8000(/[^' ]*)`)
	own := regexp.MustCompile(` -H '([^:']*): ([^']*)'`)
	verb := regexp.MustCompile(`^curl -X ([A-Z]+) `)
	data := regexp.MustCompile(` -d '([^']*)'`)
	var app struct{ Password string }
	n := 0
	for line := range strings.SplitSeq(string(readme), "\n") {
		m := address.FindStringSubmatch(line)
		if !strings.HasPrefix(line, "curl ") || m == nil {
			continue
		}
		n++
		method := http.MethodGet
		if m := verb.FindStringSubmatch(line); m != nil {
			method = m[1]
		}
		if strings.HasPrefix(line, "curl -N ") {
			method = http.MethodHead // a stream does not end
		}
		var header []string
		kind := asForm
		for _, h := range own.FindAllStringSubmatch(line, -1) {
			if h[1] == "Content-Type" {
				kind = h[2]
				continue
			}
			header = append(header, h[1], fill(h[2], token))
		}
		if strings.Contains(line, " -u ada:k3xq4-… ") {
			header = basic("ada", app.Password)
		}
		w := do(s.api, method, m[1], header...)
		switch body := data.FindStringSubmatch(line); {
		case body == nil:
		case m[1] == "/api/books/search":
			w = post(s.api, body[1])
		case kind == asForm:
			w = send(s.api, http.MethodPost, m[1], asForm, fill(body[1], url.QueryEscape(doorPassword)))
			token = granted(t, w).AccessToken
		default:
			if method == http.MethodGet {
				method = http.MethodPost
			}
			if w = send(s.api, method, m[1], kind, body[1], header...); w.Code == http.StatusCreated {
				w.Code = http.StatusOK
				if strings.HasSuffix(m[1], "/app-passwords") {
					app = decode[struct{ Password string }](t, w)
				}
			}
		}
		if w.Code != http.StatusOK {
			t.Errorf("%s\nis answered %d: %s", line, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), `"items":[]`) {
			t.Errorf("%s\nshows nothing", line)
		}
	}
	if n < 8 {
		t.Errorf("the README has %d commands", n)
	}
}
