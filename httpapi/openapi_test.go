package httpapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/pressmark/pressmark/httpapi"
)

// TestOpenAPI compares the document with the committed one. `go test -update`
// writes it.
func TestOpenAPI(t *testing.T) {
	const golden = "openapi.golden.json"
	got, err := httpapi.OpenAPI(httpapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the OpenAPI document is not %s; if that is meant, run go test ./httpapi -run TestOpenAPI -update", golden)
	}
}

// TestOpenAPIRefs checks that every reference leads somewhere, that no list
// may be null, and that every operation says what a client generator needs.
func TestOpenAPIRefs(t *testing.T) {
	a, _ := newAPI(t)
	raw := get(a, "/openapi.json").Body.Bytes()
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) < 16 {
		t.Errorf("version %q, %d paths", doc.OpenAPI, len(doc.Paths))
	}
	for part := range strings.SplitSeq(string(raw), `"#/components/schemas/`) {
		if name, _, _ := strings.Cut(part, `"`); !strings.HasPrefix(part, "{") && doc.Components.Schemas[name] == nil {
			t.Errorf("no schema %q", name)
		}
	}
	if bytes.Contains(raw, []byte(`["array","null"]`)) || bytes.Contains(raw, []byte(`$schema`)) {
		t.Error("lists may be null, or $schema is on")
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			for _, k := range []string{"operationId", "summary", "tags", "responses"} {
				if op[k] == nil {
					t.Errorf("%s %s lacks %s", method, path, k)
				}
			}
		}
	}
}

func TestDocument(t *testing.T) {
	a, _ := newAPI(t)
	for path, want := range map[string]string{"/openapi.json": "application/vnd.oai.openapi+json;version=3.1", "/openapi.yaml": "application/vnd.oai.openapi;version=3.1"} {
		w := get(a, path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != want || w.Header().Get("Etag") == "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if w := get(a, path, "If-None-Match", w.Header().Get("Etag")); w.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", path, w.Code)
		}
		if w := do(a, http.MethodHead, path); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d, %d bytes", path, w.Code, w.Body.Len())
		}
	}
	if w := get(a, "/openapi.yaml"); !strings.HasPrefix(w.Body.String(), "components:") && !strings.Contains(w.Body.String(), "\nopenapi: 3.1.0") {
		t.Errorf("YAML begins %.60q", w.Body)
	}
	for _, path := range []string{"/docs", "/docs/"} {
		if w := get(a, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "swagger-ui") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
