package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// OpenAPI returns the OpenAPI 3.1 document of an API with these options, as
// JSON. Libraries may be empty: the document does not depend on them.
func OpenAPI(o Options) ([]byte, error) {
	a, err := build(o)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
}

const description = `A Calibre library over HTTP, read-only and always current.

Times are RFC 3339 in UTC. What is absent is null or an empty list; fields are never left out unless they say so.
Errors are problems (RFC 9457) with the part of the request at fault. Answers about the catalog have strong entity tags: ask again with If-None-Match.`

func humaConfig(o *Options) huma.Config {
	server := o.Prefix
	if server == "" {
		server = "/"
	}
	c := huma.Config{OpenAPI: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Pressmark", Version: o.Version, Description: description,
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: server}},
		Tags: []*huma.Tag{
			{Name: "books", Description: "Books and lists of books."},
			{Name: "search", Description: "Calibre's search language, and the views that a library has of itself."},
			{Name: "fields", Description: "What books have: columns, and the values in them."},
			{Name: "files", Description: "Covers and downloads."},
			{Name: "events", Description: "Changes as they happen."},
			{Name: "users", Description: "Logging in, and who one is."},
			{Name: "state", Description: "What one makes of the libraries: favorites, progress, lists. Never part of catalogue answers."},
			{Name: "admin", Description: "Accounts of others."},
			{Name: "health", Description: "How the server is."},
		},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "An access token of /api/auth/login."},
				"password": {Type: "oauth2", Description: "The same, for clients that log in by OAuth.", Flows: &huma.OAuthFlows{Password: &huma.OAuthFlow{
					TokenURL: o.Prefix + "/api/auth/login", RefreshURL: o.Prefix + "/api/auth/refresh", Scopes: map[string]string{},
				}}},
				"basic":  {Type: "http", Scheme: "basic", Description: "A user name or e-mail address and an app password of /api/me/app-passwords, whose scopes say what it is good for."},
				"cookie": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "What a login with cookies set. Good for what a page fetches by itself: covers, files and events."},
			},
		},
	}}
	c.AllowAdditionalPropertiesByDefault = true // fields will be added, which clients must not mind
	return c
}

// schemaName is the name of a Go type without the suffix that keeps the types
// of answers apart from the rest of this package.
func schemaName(t reflect.Type, hint string) string {
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "JSON")
}

// shape returns a reference to the schema of v's type.
func (a *API) shape(v any) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}

// catalogueResponses are the responses of an operation on the catalog that
// answers with JSON of v's type.
func (a *API) catalogueResponses(v any, problems ...int) map[string]*huma.Response {
	tag := map[string]*huma.Param{"ETag": {
		Description: "Strong entity tag: equal tags mean equal bytes.", Schema: &huma.Schema{Type: "string"},
	}}
	res := a.problems(append(problems, http.StatusServiceUnavailable)...)
	res["200"] = &huma.Response{Description: "OK", Headers: tag, Content: map[string]*huma.MediaType{
		"application/json": {Schema: a.shape(v)},
	}}
	res["304"] = &huma.Response{Description: "The client's copy, named by If-None-Match, is current.", Headers: tag}
	return res
}

// problems are error responses, with those that every operation has.
func (a *API) problems(status ...int) map[string]*huma.Response {
	content := map[string]*huma.MediaType{"application/problem+json": {Schema: a.shape(problemJSON{})}}
	res := map[string]*huma.Response{}
	for _, s := range append(status, http.StatusInternalServerError) {
		res[strconv.Itoa(s)] = &huma.Response{Description: http.StatusText(s), Content: content}
	}
	return res
}

func stringSchema() *huma.Schema { return &huma.Schema{Type: "string"} }

func idSchema() *huma.Schema {
	one := 1.0
	return &huma.Schema{Type: "integer", Format: "int64", Minimum: &one}
}

func queryParam(name, description string, s *huma.Schema) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: description, Schema: s}
}

func pathParam(name, description string, s *huma.Schema) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: description, Schema: s}
}

// repeated is a query parameter that may be given several times.
func repeated(name, description string) *huma.Param {
	explode := true
	return &huma.Param{
		Name: name, In: "query", Description: description, Style: "form", Explode: &explode,
		Schema: &huma.Schema{Type: "array", Items: stringSchema()},
	}
}

func libraryParam() *huma.Param {
	return queryParam("library", "Name of the library. Without it the first one answers.", stringSchema())
}

func ifNoneMatch() *huma.Param {
	return &huma.Param{
		Name: "If-None-Match", In: "header", Schema: stringSchema(),
		Description: "Entity tags that the client has. If one is current the answer is 304 without a body.",
	}
}

func limitParam() *huma.Param {
	return limited("limit", "Greatest number of items of a page.", 500, 50)
}

func cursorParam() *huma.Param {
	return queryParam("cursor", "Where the page before ended: its next_cursor, with the same sort.", stringSchema())
}

// selectParams are the parameters that select books.
func selectParams() []*huma.Param {
	explode := true
	p := []*huma.Param{
		{
			Name: "q", In: "query", Style: "form", Explode: &explode, Schema: &huma.Schema{Type: "array", Items: stringSchema()},
			Description: "An expression in Calibre's search language: words, field:value, =exact, ~pattern, comparisons, and, or, not, parentheses. " +
				"Several must all hold. What is wrong with one is told with the place in it.",
			Example: []string{`author:holloway and tags:"=Maps"`},
		},
		repeated("filter", "Any field's key, a colon and a value, such as #mood:dark or #pages:300..400."),
		queryParam("ids", "Up to 500 ids between commas.", stringSchema()),
		queryParam("uuids", "Up to 500 UUIDs between commas.", stringSchema()),
	}
	for _, f := range []struct{ name, values string }{
		{"title", "A title."},
		{"title_sort", "Sort text of the title."},
		{"authors", "An author's name."},
		{"author_sort", "Sort text of the authors."},
		{"series", "A series' name."},
		{"tags", "A tag."},
		{"publisher", "A publisher's name."},
		{"languages", "An ISO 639-3 code."},
		{"formats", "A format, such as epub."},
		{"identifiers", "type:value, or type: for any value."},
		{"rating", "Stars or a range, such as 4..5."},
		{"series_index", "A number or range."},
		{"size", "Bytes of the largest format, or a range."},
		{"pages", "A number or range, such as 300..400; where the library counts pages."},
		{"published", "A year, month, day, instant or range, such as 2020..2024-06."},
		{"added", "As published."},
		{"modified", "As published."},
		{"cover", "true or false."},
	} {
		p = append(p, repeated(f.name, f.values+" Exact, without regard to case and accents; one of them if repeated."))
	}
	return p
}

// registerDocument adds the document itself.
func (a *API) registerDocument() {
	a.route(huma.Operation{Method: http.MethodGet, Path: "/openapi.json"}, open, once(func() (handler, error) {
		doc, err := json.Marshal(a.huma.OpenAPI())
		return static("application/vnd.oai.openapi+json;version=3.1", doc), err
	}))
	a.route(huma.Operation{Method: http.MethodGet, Path: "/openapi.yaml"}, open, once(func() (handler, error) {
		doc, err := a.huma.OpenAPI().YAML()
		return static("application/vnd.oai.openapi;version=3.1", doc), err
	}))
}

// once makes a handler when it is first needed: the document takes longer to write
// than the server to start.
func once(make func() (handler, error)) handler {
	made := sync.OnceValues(make)
	return func(w http.ResponseWriter, r *http.Request) error {
		h, err := made()
		if err != nil {
			return fmt.Errorf("OpenAPI document: %w", err)
		}
		return h(w, r)
	}
}
