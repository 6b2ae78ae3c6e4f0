package httpapi

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// The types here describe answers for the OpenAPI document, in the order in
// which card.go and terms.go write them. A test holds both together.

type bookJSON struct {
	ID           int64                 `json:"id" doc:"Calibre's number of the book in this library." example:"1"`
	UUID         *string               `json:"uuid" doc:"Stays the same if the library is rebuilt." example:"3b483bb1-14b5-4b7c-86bb-3f3f77d1806e"`
	Library      string                `json:"library" example:"main"`
	Title        string                `json:"title" example:"The Tide Clerk"`
	TitleSort    *string               `json:"title_sort" example:"Tide Clerk, The"`
	Authors      []authorJSON          `json:"authors" nullable:"false" doc:"In the order in which they are credited."`
	AuthorSort   *string               `json:"author_sort" example:"Holloway, Maren"`
	Series       *bookSeriesJSON       `json:"series"`
	Tags         []string              `json:"tags" nullable:"false"`
	Languages    []string              `json:"languages" nullable:"false" doc:"ISO 639-3 codes." example:"[\"eng\"]"`
	Publisher    *string               `json:"publisher" example:"Lantern Press"`
	Rating       *float64              `json:"rating" minimum:"0.5" maximum:"5" doc:"Stars." example:"4"`
	Identifiers  map[string]string     `json:"identifiers" doc:"By type, such as isbn."`
	Published    *time.Time            `json:"published"`
	Added        *time.Time            `json:"added"`
	Modified     *time.Time            `json:"modified"`
	CommentsHTML *string               `json:"comments_html" required:"false" doc:"Sanitised HTML. In lists only with include=comments."`
	Cover        *coverJSON            `json:"cover"`
	Formats      []formatJSON          `json:"formats" nullable:"false"`
	Pages        *int                  `json:"pages" doc:"Pages that Calibre counted."`
	Custom       map[string]customJSON `json:"custom" doc:"Stored custom columns by key, also where the book has no value. Columns of type comments are in lists only with include=comments."`
}

// TransformSchema says that series and cover may be null, which huma has no
// tag for where a property is an object.
func (bookJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	for _, name := range []string{"series", "cover"} {
		s.Properties[name] = &huma.Schema{AnyOf: []*huma.Schema{s.Properties[name], {Type: "null"}}}
	}
	return s
}

type authorJSON struct {
	ID   int64   `json:"id"`
	Name string  `json:"name" example:"Maren Holloway"`
	Sort *string `json:"sort" example:"Holloway, Maren"`
	Link *string `json:"link" doc:"An address that Calibre keeps with the author."`
}

type bookSeriesJSON struct {
	ID    int64   `json:"id"`
	Name  string  `json:"name" example:"Harbour Ledgers"`
	Index float64 `json:"index" doc:"Place in the series." example:"1"`
}

type coverJSON struct {
	URL    string `json:"url" format:"uri-reference" doc:"Changes with the cover."`
	Width  *int   `json:"width" doc:"Pixels; null until known."`
	Height *int   `json:"height" doc:"Pixels; null until known."`
}

type formatJSON struct {
	Format    string `json:"format" example:"EPUB"`
	Size      int64  `json:"size" doc:"Bytes, as Calibre recorded them."`
	MediaType string `json:"media_type" example:"application/epub+zip"`
	URL       string `json:"url" format:"uri-reference"`
}

type customJSON struct {
	Type     string   `json:"type" enum:"text,series,enumeration,int,float,bool,datetime,rating,comments" doc:"The column's type, which says what value is."`
	Multiple bool     `json:"multiple" doc:"Whether value is a list."`
	Value    any      `json:"value" doc:"A string, number, boolean or list of strings; null where the book has none."`
	Index    *float64 `json:"index" required:"false" nullable:"true" doc:"Place in the series; columns of type series only."`
}

type bookPageJSON struct {
	Items      []bookJSON `json:"items" nullable:"false"`
	NextCursor *string    `json:"next_cursor" doc:"The cursor of the page that follows; null on the last."`
	Total      int        `json:"total" doc:"How many items all pages have together."`

	Facets map[string][]facetValueJSON `json:"facets,omitempty" doc:"By field, only where facets asks for them: the values that most of the selected books have."`
}

type fieldJSON struct {
	Key        string   `json:"key" doc:"Name in queries; custom columns begin with #." example:"#mood"`
	Name       string   `json:"name" doc:"Heading." example:"Mood"`
	Type       string   `json:"type" enum:"text,series,enumeration,int,float,bool,datetime,rating,comments,identifiers,composite"`
	Multiple   bool     `json:"multiple"`
	Custom     bool     `json:"custom"`
	Stored     bool     `json:"stored" doc:"false for columns that Calibre computes: books have no value of them here."`
	Sortable   bool     `json:"sortable"`
	Searchable bool     `json:"searchable"`
	Values     []string `json:"values" nullable:"false" doc:"What an enumeration allows."`
	HasTerms   bool     `json:"has_terms" doc:"Whether /api/fields/{field}/terms lists its values."`

	Hierarchical bool `json:"hierarchical" doc:"Whether dots in a value separate levels, which /api/fields/{field}/tree shows."`
}

type fieldPageJSON struct {
	Items      []fieldJSON `json:"items" nullable:"false"`
	NextCursor *string     `json:"next_cursor" doc:"Always null: there is one page."`
	Total      int         `json:"total"`
}

type termJSON struct {
	ID    *int64  `json:"id" doc:"null where the library has none, as for formats."`
	Value string  `json:"value" example:"Maps"`
	Sort  *string `json:"sort" example:"Maps"`
	Count int     `json:"count" doc:"Books that have it." example:"4"`
	Link  *string `json:"link"`
}

type termPageJSON struct {
	Items      []termJSON `json:"items" nullable:"false"`
	NextCursor *string    `json:"next_cursor" doc:"The cursor of the page that follows; null on the last."`
	Total      int        `json:"total" doc:"How many items all pages have together."`
}

type eventJSON struct {
	Library  string  `json:"library" example:"main"`
	Revision string  `json:"revision" doc:"Digest of the contents after the change."`
	Added    []int64 `json:"added" nullable:"false"`
	Changed  []int64 `json:"changed" nullable:"false"`
	Removed  []int64 `json:"removed" nullable:"false"`
	More     bool    `json:"more" doc:"More books changed than the lists name, which have at most 100 together."`
}
