package httpapi

import "github.com/danielgtaylor/huma/v2"

// The types here describe what the operations of search_operations.go take and
// answer, in the order in which it is written. A test holds both together.

// searchJSON is the body of a search.
type searchJSON struct {
	_ struct{} `additionalProperties:"false"`

	Q          string   `json:"q,omitempty" doc:"An expression in the search language." example:"title:tide and not tags:\"=Maps\""`
	Filter     any      `json:"filter,omitempty" doc:"Exact values by field, as the filter parameter takes them: an object of lists, or a list of field:value."`
	Sort       string   `json:"sort,omitempty" example:"relevance,-added"`
	Limit      int      `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"`
	Cursor     string   `json:"cursor,omitempty" doc:"next_cursor of the page before, with the same sort."`
	Include    string   `json:"include,omitempty" enum:"comments"`
	Facets     []string `json:"facets,omitempty" nullable:"false" maxItems:"20" example:"[\"tags\",\"authors\"]"`
	FacetLimit int      `json:"facet_limit,omitempty" minimum:"1" maximum:"100" default:"10"`
	Library    string   `json:"library,omitempty"`
	View       string   `json:"view,omitempty"`
}

// TransformSchema describes the two forms of filter.
func (searchJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	list := &huma.Schema{Type: "array", Items: stringSchema()}
	s.Properties["filter"] = &huma.Schema{
		Description: s.Properties["filter"].Description,
		AnyOf:       []*huma.Schema{{Type: "object", AdditionalProperties: list}, list},
		Examples:    []any{map[string]any{"languages": []string{"eng", "fra"}, "#mood": []string{"dark"}}},
	}
	return s
}

// TransformSchema says that the values of a facet are never null, which huma has
// no tag for inside of a map.
func (bookPageJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	if values, ok := s.Properties["facets"].AdditionalProperties.(*huma.Schema); ok {
		values.Nullable = false
	}
	return s
}

type facetValueJSON struct {
	Value string `json:"value" example:"Maps"`
	Count int    `json:"count" doc:"Selected books that have it." example:"4"`
}

type suggestionsJSON struct {
	Items []suggestionJSON `json:"items" nullable:"false"`
}

type suggestionJSON struct {
	Kind  string  `json:"kind" enum:"field,value,title,view"`
	Label string  `json:"label" doc:"What to show." example:"Sea Stories"`
	Text  string  `json:"text" doc:"The whole expression with the suggestion taken." example:"tags:\"=Sea Stories\""`
	Field *string `json:"field" doc:"The field that a value belongs to." example:"tags"`
	Count *int    `json:"count" doc:"Books that have the value." example:"4"`
	Book  *int64  `json:"book" doc:"The book of that title."`
}

type viewJSON struct {
	Kind       string  `json:"kind" enum:"virtual_library,saved_search,user_category"`
	Name       string  `json:"name" doc:"As Calibre shows it." example:"Sea"`
	View       string  `json:"view" doc:"The value for the parameter view." example:"Sea"`
	Expression string  `json:"expression" doc:"What it selects, in the search language." example:"tags:\"=Sea Stories\""`
	Count      int     `json:"count" doc:"Books that it selects." example:"4"`
	Problem    *string `json:"problem" doc:"Why the expression cannot be understood and selects nothing."`
}

type viewPageJSON struct {
	Items      []viewJSON `json:"items" nullable:"false"`
	NextCursor *string    `json:"next_cursor" doc:"Always null: there is one page."`
	Total      int        `json:"total"`
}

type letterJSON struct {
	Letter string  `json:"letter" doc:"A capital letter without accents, or # for what does not begin with a letter." example:"H"`
	Count  int     `json:"count" doc:"Values that begin with it." example:"12"`
	Cursor *string `json:"cursor" doc:"Where they begin in /api/fields/{field}/terms; null for the first letter."`
}

type letterPageJSON struct {
	Items      []letterJSON `json:"items" nullable:"false"`
	NextCursor *string      `json:"next_cursor" doc:"Always null: there is one page."`
	Total      int          `json:"total"`
}

type branchJSON struct {
	Name  string `json:"name" doc:"The last level." example:"Local"`
	Value string `json:"value" doc:"The whole value." example:"History.Local"`
	Count int    `json:"count" doc:"Books that have it or a value below it." example:"5"`
	Own   int    `json:"own" doc:"Books that have the value itself." example:"2"`
	More  bool   `json:"more" doc:"Whether there are levels below."`
}

type branchPageJSON struct {
	Items      []branchJSON `json:"items" nullable:"false"`
	NextCursor *string      `json:"next_cursor" doc:"The cursor of the page that follows; null on the last."`
	Total      int          `json:"total" doc:"How many levels all pages have together."`
}

type relatedJSON struct {
	Series  []bookJSON `json:"series" nullable:"false" doc:"Its series around the book, by index, the book included."`
	Authors []bookJSON `json:"authors" nullable:"false" doc:"Other books of its authors."`
	Similar []bookJSON `json:"similar" nullable:"false" doc:"Books that share tags, authors or the series with it, those that share most first."`
}
