package search

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// What stands before the name of a view where the name alone could be that of
// another kind.
const (
	libraryPrefix  = "vl:"
	searchPrefix   = "search:"
	categoryPrefix = "@"
)

// views returns all views, with no Problem yet.
func (l *Language) views() []catalog.View {
	var list []catalog.View
	add := func(kind catalog.ViewKind, v catalog.View) {
		v.Kind = kind
		list = append(list, v)
	}
	for _, name := range sortedNames(l.libraries) {
		add(catalog.VirtualLibrary, catalog.View{Name: name, Ref: libraryRef(name), Text: l.libraries[name]})
	}
	for _, name := range sortedNames(l.searches) {
		add(catalog.SavedSearch, catalog.View{Name: name, Ref: searchPrefix + name, Text: l.searches[name]})
	}
	for _, name := range sortedNames(l.categories) {
		add(catalog.UserCategory, catalog.View{Name: name, Ref: categoryPrefix + name, Text: l.categoryText(name)})
	}
	return list
}

// libraryRef returns the Ref of a virtual library: its name, if that cannot be
// the Ref of another view.
func libraryRef(name string) string {
	for _, prefix := range [...]string{libraryPrefix, searchPrefix, categoryPrefix} {
		if strings.HasPrefix(name, prefix) {
			return libraryPrefix + name
		}
	}
	return name
}

// categoryText returns the expression of a user category: that by which Calibre
// asks for it, or, where it cannot be asked for so, one for all of its items.
func (l *Language) categoryText(name string) string {
	if loc := l.locations["@"+lower(name)]; loc.role == category && loc.name == name && !strings.ContainsAny(name, ":\x01\x02\x03\x04") {
		return writtenName("@"+name) + ":true"
	}
	var items Or
	for _, in := range l.categories[name] {
		if _, ok := l.member(in.field); ok {
			items = append(items, Term{Field: lower(in.field), Value: "=" + in.value})
		}
	}
	if len(items) == 0 {
		return Term{Field: "title"}.String() // selects nothing
	}
	return items.String()
}

// check notes why a view cannot be understood.
func (r *Reader) check(ctx context.Context, v *catalog.View) {
	_, v.Problem = r.Parse(ctx, v.Text)
}

// Views implements catalog.Searcher. The Ref of a virtual library is its name,
// "search:" stands before that of a saved search and "@" before that of a user
// category. A virtual library whose name begins so has "vl:" before it.
func (r *Reader) Views(ctx context.Context) ([]catalog.View, error) {
	list := r.l.views()
	for i := range list {
		r.check(ctx, &list[i])
	}
	return list, ctx.Err()
}

// View implements catalog.Searcher. Any virtual library may be asked for with
// "vl:" before its name.
func (r *Reader) View(ctx context.Context, name string) (catalog.View, error) {
	list := r.l.views()
	for _, is := range [...]func(v catalog.View) bool{
		func(v catalog.View) bool { return v.Ref == name },
		func(v catalog.View) bool { return v.Kind == catalog.VirtualLibrary && libraryPrefix+v.Name == name },
		func(v catalog.View) bool { return v.Name == name },
	} {
		if i := slices.IndexFunc(list, is); i >= 0 {
			r.check(ctx, &list[i])
			return list[i], ctx.Err()
		}
	}
	return catalog.View{}, fmt.Errorf("view %q: %w", name, catalog.ErrNotFound)
}
