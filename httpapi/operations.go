package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) registerHealth() {
	for _, o := range []struct {
		path, id, summary string
		body              any
		serve             handler
	}{
		{"/api/health", "health", "Whether the server answers, and from what", healthJSON{}, a.serveHealth},
		{"/api/health/live", "health-live", "Whether the process answers", liveJSON{}, a.serveLive},
		{"/api/health/ready", "health-ready", "Whether requests should be sent here", readyJSON{}, a.serveReady},
	} {
		content := map[string]*huma.MediaType{"application/json": {Schema: a.shape(o.body)}}
		res := a.problems()
		res["200"] = &huma.Response{Description: "It does.", Content: content}
		if o.path != "/api/health/live" {
			res["503"] = &huma.Response{Description: "A library has not been loaded yet.", Content: content}
		}
		a.handle(huma.Operation{
			Method: http.MethodGet, Path: o.path, OperationID: o.id, Summary: o.summary, Tags: []string{"health"}, Responses: res,
		}, open|unlimited, o.serve)
	}
}

func (a *API) registerBooks() {
	list := huma.Operation{
		Method: http.MethodGet, Path: "/api/books", OperationID: "list-books", Tags: []string{"books"},
		Summary: "One page of books",
		Description: "Every field of the library is a parameter that selects by exact value; custom columns are given as " +
			"`filter=%23key:value`. One field repeated means any of the values, different fields mean all of them.",
		Parameters: append([]*huma.Param{
			libraryParam(), viewParam(), limitParam(), cursorParam(),
			queryParam("sort", "Keys of fields between commas; minus descends. relevance puts books first of which the title, or the title and the authors, have the plain words of q. "+
				"Equal books are ordered by id, missing values come last.", &huma.Schema{Type: "string", Examples: []any{"-added,title", "relevance"}}),
			queryParam("include", "comments adds comments_html.", &huma.Schema{Type: "string", Enum: []any{"comments"}}),
			ifNoneMatch(),
		}, append(facetParams(), selectParams()...)...),
		Responses: a.catalogueResponses(bookPageJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented),
	}
	books := a.catalogue(a.planBooks)
	a.handle(list, 0, books)
	list.Path = "/api/books/{$}" // without a redirect, on which some clients drop credentials
	a.route(list, 0, books)

	one := func(path, id, summary string, p *huma.Param, serve plan) {
		a.handle(huma.Operation{
			Method: http.MethodGet, Path: path, OperationID: id, Tags: []string{"books"}, Summary: summary,
			Parameters: []*huma.Param{p, libraryParam(), viewParam(), ifNoneMatch()},
			Responses:  a.catalogueResponses(bookJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity),
		}, 0, a.catalogue(serve))
	}
	one("/api/books/{id}", "get-book", "One book", pathParam("id", "The book's id.", idSchema()), a.planBook)
	one("/api/books/by-uuid/{uuid}", "get-book-by-uuid", "One book by its UUID; of several the one with the lowest id",
		pathParam("uuid", "The book's UUID.", stringSchema()), a.planBookByUUID)
}

func (a *API) registerTerms() {
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/fields", OperationID: "list-fields", Tags: []string{"fields"},
		Summary:    "All fields of the library, built-in ones and custom columns",
		Parameters: []*huma.Param{libraryParam(), viewParam(), ifNoneMatch()},
		Responses:  a.catalogueResponses(fieldPageJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity),
	}, 0, a.catalogue(a.planFields))

	terms := func(path, id, summary, field string, params ...*huma.Param) {
		params = append(params, libraryParam(), viewParam(), limitParam(), cursorParam(), prefixParam(),
			queryParam("sort", "Order.", &huma.Schema{Type: "string", Enum: []any{"name", "-name", "count", "-count"}, Default: "name"}),
			ifNoneMatch())
		a.handle(huma.Operation{
			Method: http.MethodGet, Path: path, OperationID: id, Tags: []string{"fields"}, Summary: summary,
			Description: "The parameters that select books count only those books.",
			Parameters:  append(params, selectParams()...),
			Responses:   a.catalogueResponses(termPageJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity),
		}, 0, a.catalogue(a.planTerms(field)))
	}
	terms("/api/fields/{field}/terms", "list-terms", "One page of the values of a field, with the number of books", "",
		fieldParam())
	terms("/api/authors", "list-authors", "One page of authors", "authors")
	terms("/api/series", "list-series", "One page of series", "series")
	terms("/api/tags", "list-tags", "One page of tags", "tags")
	terms("/api/publishers", "list-publishers", "One page of publishers", "publisher")
	terms("/api/languages", "list-languages", "One page of languages", "languages")
}

func (a *API) registerEvents() {
	res := a.problems(http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	res["200"] = &huma.Response{
		Description: "A stream that goes on until one side ends it. Each event of type catalog has the new revision as its id and this object as data.",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: a.shape(eventJSON{})}},
	}
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/events", OperationID: "events", Tags: []string{"events"},
		Summary: "Changes of the library as they happen (server-sent events)",
		Description: "A client that comes back with Last-Event-ID gets an event with more set if it missed something. " +
			"A comment line every 15 seconds shows that the stream lives. With view, ids outside of it are left out, and the stream ends " +
			"when the library gives the view another expression: come back then.",
		Parameters: []*huma.Param{
			queryParam("library", "Name of the library. Without it and without view the stream has the changes of all.", stringSchema()),
			viewParam(),
			{Name: "Last-Event-ID", In: "header", Description: "The id of the last event that was seen.", Schema: stringSchema()},
		},
		Responses: res,
	}, streaming|fetched, a.serveEvents)
}
