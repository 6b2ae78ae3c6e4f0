package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// registerSearch adds the operations that look for books, and that show what a
// selection is made of.
func (a *API) registerSearch() {
	a.registerSearchBody()
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/search/suggest", OperationID: "suggest", Tags: []string{"search"},
		Summary:     "Ways to complete an expression",
		Description: "Names of fields, values, titles and views that go on where the text ends.",
		Parameters: []*huma.Param{
			{Name: "q", In: "query", Schema: stringSchema(), Description: "The expression as far as it is typed.", Example: "tags:sea"},
			libraryParam(), viewParam(), limited("limit", "Greatest number of suggestions.", 500, 10), ifNoneMatch(),
		},
		Responses: a.catalogueResponses(suggestionsJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented),
	}, 0, a.catalogue(a.planSuggest))
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/views", OperationID: "list-views", Tags: []string{"search"},
		Summary: "The views of the library: virtual libraries, saved searches and user categories",
		Description: "What is under view is the value of the parameter view, which every operation on the catalog and on files takes: " +
			"books that the view does not select are not there then. An expression that cannot be understood selects nothing. " +
			"With view the counts are of books in that view.",
		Parameters: []*huma.Param{libraryParam(), viewParam(), ifNoneMatch()},
		Responses:  a.catalogueResponses(viewPageJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented),
	}, 0, a.catalogue(a.planViews))
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/fields/{field}/letters", OperationID: "list-letters", Tags: []string{"fields"},
		Summary: "The first letters of the values of a field, to show a long list in groups",
		Description: "A letter's cursor leads to the page of /api/fields/{field}/terms that begins with its values, " +
			"with the same prefix and selection, and sorted by name.",
		Parameters: append([]*huma.Param{fieldParam(), libraryParam(), viewParam(), prefixParam(), ifNoneMatch()}, selectParams()...),
		Responses:  a.catalogueResponses(letterPageJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented),
	}, 0, a.catalogue(a.planLetters))
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/fields/{field}/tree", OperationID: "list-branches", Tags: []string{"fields"},
		Summary:     "One page of the levels below a level of a field whose values are a hierarchy, a.b.c",
		Description: "For fields that are hierarchical in /api/fields. The parameters that select books count only those books.",
		Parameters: append([]*huma.Param{
			fieldParam(), libraryParam(), viewParam(), limitParam(), cursorParam(),
			{Name: "parent", In: "query", Schema: stringSchema(), Description: "Value of the level above; without it the topmost levels.", Example: "History.Local"},
			ifNoneMatch(),
		}, selectParams()...),
		Responses: a.catalogueResponses(branchPageJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented),
	}, 0, a.catalogue(a.planTree))

	related := huma.Operation{
		Method: http.MethodGet, Path: "/api/books/{id}/related", OperationID: "list-related", Tags: []string{"books"},
		Summary: "Books of the same series, by the same authors, and similar ones",
		Parameters: []*huma.Param{
			pathParam("id", "The book's id.", idSchema()), libraryParam(), viewParam(),
			limited("limit", "Greatest number of books in each list.", 500, 12), ifNoneMatch(),
		},
		Responses: a.catalogueResponses(relatedJSON{}, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented),
	}
	related.Security = security(0)
	a.huma.OpenAPI().AddOperation(&related)
	related.Path = "/api/books/{id}/{part}"
	a.route(related, 0, a.serveRelated())
}

func (a *API) registerSearchBody() {
	res := a.problems(http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusNotImplemented, http.StatusServiceUnavailable)
	res["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: a.shape(bookPageJSON{})}}}
	a.handle(huma.Operation{
		Method: http.MethodPost, Path: "/api/books/search", OperationID: "search-books", Tags: []string{"books", "search"},
		Summary: "One page of books, asked for in a body",
		Description: "Answers as `GET /api/books` does, for expressions and filters that are too long for an address. It changes nothing, " +
			"and is not cached. Bodies have at most 128 KiB; members that are not known are refused.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
			Schema: a.shape(searchJSON{}),
			Example: map[string]any{
				"q": "tags:\"=Maps\" or author:holloway", "filter": map[string]any{"languages": []string{"eng", "fra"}},
				"sort": "relevance,title", "limit": 20, "facets": []string{"tags", "authors"},
			},
		}}},
		Responses: res,
	}, reading, a.serveSearch)
}

func viewParam() *huma.Param {
	return &huma.Param{
		Name: "view", In: "query", Schema: stringSchema(), Example: "Sea",
		Description: "A view of the library, as /api/views names it. Books outside of it are not there.",
	}
}

func fieldParam() *huma.Param {
	return pathParam("field", "The field's key; # of custom columns is written %23.", stringSchema())
}

func prefixParam() *huma.Param {
	return queryParam("prefix", "Keeps values of which a word begins with this.", stringSchema())
}

func limited(name, description string, most float64, usual int) *huma.Param {
	least := 1.0
	return queryParam(name, description, &huma.Schema{Type: "integer", Minimum: &least, Maximum: &most, Default: usual})
}

func facetParams() []*huma.Param {
	return []*huma.Param{
		{
			Name: "facets", In: "query", Schema: stringSchema(), Example: "tags,authors,#genre",
			Description: "Keys of up to 20 fields with terms, between commas. Adds facets: the values that most of the selected books have, with counts.",
		},
		limited("facet_limit", "Greatest number of values of each field in facets.", mostFacetValues, defaultFacetLimit),
	}
}
