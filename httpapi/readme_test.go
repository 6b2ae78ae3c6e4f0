package httpapi_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeCommands sends what the README's curl commands send to the sample
// library, which is what "make run" serves.
func TestReadmeCommands(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := openSample(t, nil)
	address := regexp.MustCompile(`localhost:8000(/[^' ]*)`)
	data := regexp.MustCompile(` -d '([^']*)'`)
	n := 0
	for line := range strings.SplitSeq(string(readme), "\n") {
		m := address.FindStringSubmatch(line)
		if !strings.HasPrefix(line, "curl ") || m == nil {
			continue
		}
		n++
		method := http.MethodGet
		if strings.HasPrefix(line, "curl -N ") {
			method = http.MethodHead // a stream does not end
		}
		w := do(s.api, method, m[1])
		if body := data.FindStringSubmatch(line); body != nil {
			w = post(s.api, body[1])
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
