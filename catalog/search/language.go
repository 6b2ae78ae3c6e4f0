package search

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
)

// Options say when and where expressions are understood.
type Options struct {
	// Location is the time zone in which dates are compared. nil is
	// time.Local.
	Location *time.Location
	// Now is the clock for dates such as "yesterday". nil means time.Now.
	Now func() time.Time
}

// Language is what the expressions of one library can name. It does not
// change, and may be used concurrently.
type Language struct {
	locations map[string]location
	numbers   []location // in which an expression without a field looks
	groups    map[string][]string
	// categories are the items of the user categories, libraries and searches
	// the expressions of virtual libraries and saved searches, by name.
	categories map[string][]item
	libraries  map[string]string
	searches   map[string]string
	found      map[string]string // names of searches by their lower case
	tristate   bool              // a bool can be missing
	zone       *time.Location
	now        func() time.Time
}

// location is what may stand before a colon.
type location struct {
	role  role
	field catalog.FieldKey
	// multiple is set where a book can have several values, custom where the
	// field is a custom column.
	multiple, custom bool
	terms            bool   // it has values that can be listed
	name             string // of a group or user category
}

// role says what is done with the text after the colon.
type role uint8

const (
	everywhere role = iota // all fields
	textual
	languageCodes
	identifiers
	isbn
	seriesSort
	dates
	integers
	floats
	stars     // whole ones
	halfStars // whole and half ones
	bools
	cover
	bookID
	seriesIndex // of the built-in series
	emptyText   // a field that Calibre fills while a device is connected
	noValues    // marks that live as long as Calibre's window
	composite
	template
	group
	category
	savedSearch
	virtualLibrary
)

// item is a value that is in a user category.
type item struct{ value, field string }

// New makes the language of a library of its fields and of the preferences of
// its database: virtual_libraries, saved_searches, user_categories,
// grouped_search_terms, grouped_search_make_user_categories and
// bools_are_tristate. What is missing or damaged counts as empty.
func New(fields []catalog.Field, preferences map[string]json.RawMessage, o Options) *Language {
	l := &Language{
		locations: map[string]location{
			"all": {role: everywhere}, "search": {role: savedSearch}, "vl": {role: virtualLibrary}, "template": {role: template},
			"ondevice": {role: emptyText}, "marked": {role: noValues}, "in_tag_browser": {role: noValues},
		},
		libraries: map[string]string{}, searches: map[string]string{}, found: map[string]string{},
		groups: map[string][]string{}, categories: map[string][]item{},
		tristate: true, zone: o.Location, now: o.Now,
	}
	if l.zone == nil {
		l.zone = time.Local
	}
	if l.now == nil {
		l.now = time.Now
	}
	for i := range fields {
		l.addField(&fields[i])
	}
	decode(preferences["bools_are_tristate"], &l.tristate)
	l.libraries = entries[string](preferences["virtual_libraries"])
	l.searches = entries[string](preferences["saved_searches"])
	for _, name := range sortedNames(l.searches) {
		if low := lower(name); l.found[low] == "" {
			l.found[low] = name
		}
	}
	l.addCategories(entries[[][]any](preferences["user_categories"]))
	var shown []string
	decode(preferences["grouped_search_make_user_categories"], &shown)
	l.addGroups(entries[[]string](preferences["grouped_search_terms"]), shown)
	return l
}

// decode leaves v as it is where JSON does not hold its type.
func decode[T any](raw json.RawMessage, v *T) bool {
	var value *T
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil || value == nil {
		return false
	}
	*v = *value
	return true
}

// entries returns the members of an object that hold a T.
func entries[T any](raw json.RawMessage) map[string]T {
	var members map[string]json.RawMessage
	decode(raw, &members)
	out := make(map[string]T, len(members))
	for name, m := range members {
		var v T
		if decode(m, &v) {
			out[name] = v
		}
	}
	return out
}

// sortedNames returns names in the order in which Calibre goes through them:
// lower case before upper case where that is all that differs.
func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(strings.Compare(lower(a), lower(b)), strings.Compare(b, a))
	})
	return names
}

// addField adds the locations of a field: Calibre's names of it. Our own keys
// that are others ("published") are none: Calibre looks for them as text.
func (l *Language) addField(f *catalog.Field) {
	loc := location{field: f.Key, multiple: f.Multiple, custom: f.Custom, terms: f.HasTerms && f.Type != catalog.TypeRating}
	if f.Custom {
		l.addColumn(f, loc)
		return
	}
	loc.role = textual
	add := func(r role, names ...string) {
		loc.role = r
		for _, name := range names {
			l.locations[name] = loc
		}
	}
	switch f.Key {
	case catalog.FieldAuthors:
		add(textual, "authors", "author")
	case catalog.FieldTags:
		add(textual, "tags", "tag")
	case catalog.FieldFormats:
		add(textual, "formats", "format")
	case catalog.FieldComments:
		add(textual, "comments", "comment")
	case catalog.FieldSeries:
		add(textual, "series")
		l.locations["series_sort"] = location{role: seriesSort, field: catalog.FieldSeriesSort}
	case catalog.FieldTitle, catalog.FieldTitleSort, catalog.FieldAuthorSort, catalog.FieldPublisher, catalog.FieldUUID:
		add(textual, string(f.Key))
	case catalog.FieldLanguages:
		add(languageCodes, "languages", "language")
	case catalog.FieldIdentifiers:
		add(identifiers, "identifiers", "identifier")
		add(isbn, "isbn")
	case catalog.FieldPublished:
		add(dates, "pubdate")
	case catalog.FieldAdded:
		add(dates, "date")
	case catalog.FieldModified:
		add(dates, "last_modified")
	case catalog.FieldRating:
		add(stars, "rating")
	case catalog.FieldSeriesIndex:
		add(seriesIndex, "series_index")
	case catalog.FieldSize:
		add(floats, "size")
	case catalog.FieldPages:
		add(integers, "pages")
	case catalog.FieldCover:
		add(cover, "cover")
	case catalog.FieldID:
		add(bookID, "id")
		return
	}
	l.addNumber(loc)
}

// addColumn adds the locations of a custom column.
func (l *Language) addColumn(f *catalog.Field, loc location) {
	var display struct {
		HalfStars bool `json:"allow_half_stars"`
	}
	switch f.Type {
	case catalog.TypeInt:
		loc.role = integers
	case catalog.TypeFloat:
		loc.role = floats
	case catalog.TypeBool:
		loc.role = bools
	case catalog.TypeDatetime:
		loc.role = dates
	case catalog.TypeRating:
		loc.role = stars
		decode(json.RawMessage(f.Display), &display)
		if display.HalfStars {
			loc.role = halfStars
		}
	case catalog.TypeComposite:
		loc.role = composite
	default:
		loc.role = textual
	}
	if !f.Stored {
		loc.role = composite
	}
	l.locations[string(f.Key)] = loc
	l.addNumber(loc)
	if f.Type != catalog.TypeSeries {
		return
	}
	loc.role, loc.terms = floats, false
	if name := string(f.Key) + "_index"; l.locations[name] == (location{}) {
		l.locations[name] = loc
		l.addNumber(loc)
	}
}

// addNumber notes that a number without a field is looked for there.
func (l *Language) addNumber(loc location) {
	switch loc.role {
	case integers, floats, stars, halfStars, cover, seriesIndex:
		l.numbers = append(l.numbers, loc)
	}
}

// addCategories adds the user categories, and those that are above them in
// their hierarchy, by their lower case.
func (l *Language) addCategories(categories map[string][][]any) {
	for _, name := range sortedNames(categories) {
		for _, in := range categories[name] {
			if len(in) < 2 {
				continue
			}
			value, ok := in[0].(string)
			field, ok2 := in[1].(string)
			if ok && ok2 {
				l.categories[name] = append(l.categories[name], item{value, field})
			}
		}
		if l.categories[name] == nil {
			l.categories[name] = []item{}
		}
		for level := name; level != ""; {
			if key := "@" + lower(level); l.locations[key] == (location{}) {
				l.locations[key] = location{role: category, name: level}
			}
			level = level[:max(0, strings.LastIndexByte(level, '.'))]
		}
	}
}

// addGroups adds the groups of fields that are searched together, and with the
// @ of a user category those that are shown as such. Calibre takes one that has
// the name of a field for nothing, and cannot be asked for one that is not in
// lower case.
func (l *Language) addGroups(groups map[string][]string, shown []string) {
	for _, name := range sortedNames(groups) {
		if name == "" {
			continue
		}
		l.groups[name] = groups[name]
		loc := location{role: group, name: name}
		lowered := lower(name) == name
		if _, taken := l.locations[name]; lowered && !taken {
			l.locations[name] = loc
		}
		if !slices.Contains(shown, name) {
			continue
		}
		if _, taken := l.locations["@"+lower(name)]; lowered {
			l.locations["@"+lower(name)] = loc
		} else if !taken { // found as a category, of which there is none
			l.locations["@"+lower(name)] = location{role: category, name: name}
		}
	}
}

// isLocation reports whether name may stand before a colon.
func (l *Language) isLocation(name string) bool {
	_, ok := l.locations[name]
	return ok
}

// member returns the location that a group or a user category names; there may
// be none.
func (l *Language) member(name string) (location, bool) {
	loc, ok := l.locations[name]
	if !ok && strings.HasPrefix(name, "@") {
		loc, ok = l.locations[lower(name)]
	}
	return loc, ok
}
