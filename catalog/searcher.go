package catalog

import (
	"context"
	"time"
)

// Searcher is the optional role of a reader that understands text in a search
// language, and the names that a library gives to such text.
type Searcher interface {
	// Parse returns what text means now. Text that cannot be understood is an
	// InvalidError with Part "q", a Position and what was Expected there.
	// Blank text selects every book.
	Parse(ctx context.Context, text string) (Parsed, error)
	// Suggest completes text, whose end is where somebody is typing.
	Suggest(ctx context.Context, q SuggestQuery) ([]Suggestion, error)
	// Views returns the selections that have a name in the library: virtual
	// libraries, then saved searches, then user categories, each by name.
	Views(ctx context.Context) ([]View, error)
	// View returns the view that is called so: by its Ref, or by its Name if
	// no view of a kind before has it. There being none is ErrNotFound.
	View(ctx context.Context, name string) (View, error)
}

// Parsed is an expression made of text.
type Parsed struct {
	// Expr has no Search in it: names are looked up, and dates such as
	// "yesterday" are absolute. nil selects every book.
	Expr Expr
	// Until is when the text begins to mean something else, because a day
	// ends. Zero is never.
	Until time.Time
	// Words are the plain words of the text that must be found, for sorting
	// by relevance and for showing where they are.
	Words []string
}

// View is a selection of books that has a name in the library.
type View struct {
	Kind ViewKind
	Name string
	// Ref names the view among those of all kinds.
	Ref string
	// Text is the view's expression in the search language.
	Text string
	// Problem says why Text cannot be understood, and so selects nothing;
	// nil where it can.
	Problem error
}

// ViewKind is the kind of a View.
type ViewKind string

// The kinds of views, by the names of the preferences in which Calibre keeps
// them, in the singular.
const (
	VirtualLibrary ViewKind = "virtual_library"
	SavedSearch    ViewKind = "saved_search"
	UserCategory   ViewKind = "user_category"
)

// SuggestQuery is what Suggest completes.
type SuggestQuery struct {
	Text string
	// Where selects the books whose values may be suggested.
	Where Expr
	// Limit is the greatest number of suggestions. 0 means 10.
	Limit int
}

// Suggestion is one way to complete text.
type Suggestion struct {
	Kind SuggestionKind
	// Label is what to show: "Maren Holloway".
	Label string
	// Text is the whole text with the suggestion taken.
	Text string
	// Field is the field that a value belongs to, empty for other kinds.
	Field FieldKey
	// Count is the number of books that a value has; 0 for other kinds.
	Count int
	// Book is the book of that title, 0 for other kinds.
	Book BookID
}

// SuggestionKind is the kind of a Suggestion.
type SuggestionKind string

// The kinds of suggestions.
const (
	SuggestField SuggestionKind = "field" // a field's name
	SuggestValue SuggestionKind = "value" // a value that books have
	SuggestTitle SuggestionKind = "title" // a book
	SuggestView  SuggestionKind = "view"  // a virtual library, saved search or user category
)
