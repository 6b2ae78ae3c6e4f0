package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// registerDocs adds the OpenAPI document, and pages that show it. It comes
// after all other operations, as the document is made once.
func (a *API) registerDocs() {
	a.registerDocument()
	// Everything that the pages load is embedded in the program.
	pages := v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "Pressmark", SwaggerJSON: a.opts.Prefix + "/openapi.json", BasePath: a.opts.Prefix + "/docs/",
	})
	serve := func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h["Content-Security-Policy"] = []string{cspDocs}
		h["Referrer-Policy"] = []string{"no-referrer"}
		h["Cache-Control"] = []string{"no-cache"}
		pages.ServeHTTP(w, r)
		return nil
	}
	a.route(huma.Operation{Method: http.MethodGet, Path: "/docs"}, open, serve)
	a.route(huma.Operation{Method: http.MethodGet, Path: "/docs/{asset...}"}, open, serve)
}

// cspDocs lets the pages run their own scripts, part of which stand in the
// page, and call this API.
const cspDocs = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

// static serves bytes that stay the same while the program runs.
func static(contentType string, body []byte) handler {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h["Etag"] = []string{tag}
		h["Cache-Control"] = []string{"no-cache"}
		if matches(r.Header["If-None-Match"], tag, true) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		h["Content-Type"] = []string{contentType}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		if r.Method == http.MethodHead {
			return nil
		}
		_, err := w.Write(body)
		return err
	}
}
