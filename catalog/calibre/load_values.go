package calibre

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/catalog"
)

// key is the storage key of a file in a book's folder. It is as little to be
// trusted as the path.
func key(path, file string) string {
	if path == "" {
		return file
	}
	return path + "/" + file
}

func (r *reader) readIdentifiers(id int64, b *catalog.Book) {
	b.Identifiers = b.Identifiers[:0]
	for st := r.identifiers; st.at(id); st.step() {
		typ, ok := text(st.v[1])
		val, ok2 := text(st.v[2])
		if ok && ok2 {
			b.Identifiers = append(b.Identifiers, catalog.Identifier{Type: typ, Value: val})
		}
	}
	slices.SortStableFunc(b.Identifiers, func(x, y catalog.Identifier) int { return cmp.Compare(x.Type, y.Type) })
}

func (r *reader) readFormats(id int64, b *catalog.Book) {
	b.Formats = b.Formats[:0]
	for st := r.data; st.at(id); st.step() {
		if r.state != nil {
			r.row = appendRow(r.row[:0], st.v)
			r.state.data.add(id, maphash.Bytes(r.seed, r.row))
		}
		format, ok := text(st.v[2])
		if !ok || format == "" {
			continue
		}
		f := catalog.Format{Name: strings.ToUpper(format)}
		f.File, _ = text(st.v[3])
		f.File += "." + strings.ToLower(format)
		f.Key = key(b.Path, f.File)
		if size, _ := integer(st.v[1]); size > 0 {
			f.Size = size
		}
		// Of two rows for one format the last counts, as in Calibre.
		if i := slices.IndexFunc(b.Formats, func(o catalog.Format) bool { return o.Name == f.Name }); i >= 0 {
			b.Formats[i] = f
			continue
		}
		b.Formats = append(b.Formats, f)
	}
	slices.SortFunc(b.Formats, func(x, y catalog.Format) int { return cmp.Compare(x.Name, y.Name) })
}

func (r *reader) readPages(id int64, b *catalog.Book) {
	b.Pages = 0
	for st := r.pages; st.at(id); st.step() {
		n, _ := integer(st.v[1])
		if r.state != nil {
			r.state.pages.add(id, pagesSum(st.v[1]))
		}
		b.Pages = int(max(n, 0)) // Calibre writes -1 and less where it could not count
	}
}

// readCustoms reads a book's values of the stored custom columns.
func (r *reader) readCustoms(id int64, b *catalog.Book) {
	n := 0
	for i := range r.sc.customs {
		f := &r.sc.customs[i].field
		if !f.Stored {
			continue
		}
		if n == len(b.Custom) {
			b.Custom = append(b.Custom, catalog.Custom{})
		}
		r.readCustom(id, i, &b.Custom[n])
		n++
	}
}

func (r *reader) readCustom(id int64, column int, c *catalog.Custom) {
	f := &r.sc.customs[column].field
	*c = catalog.Custom{Key: f.Key, Type: f.Type, Multiple: f.Multiple, Items: c.Items[:0]}
	table := builtinValueTables + column
	switch f.Type {
	case catalog.TypeText, catalog.TypeEnumeration, catalog.TypeSeries:
		if f.Multiple {
			c.Items = r.items(id, table, c.Items)
			return
		}
		item, extra := r.item(id, table)
		if item == nil {
			return
		}
		c.Items = append(c.Items, *item)
		if f.Type == catalog.TypeSeries {
			var ok bool
			if c.Index, ok = number(extra); !ok {
				c.Index = 1
			}
		}
		return
	case catalog.TypeRating:
		c.Number = r.stars(id, table)
		c.Set = c.Number > 0
		return
	}
	for st := r.customs[column]; st.at(id); st.step() {
		v := st.v[1]
		switch f.Type {
		case catalog.TypeInt, catalog.TypeFloat:
			c.Number, c.Set = number(v)
		case catalog.TypeBool:
			var n float64
			n, c.Set = number(v)
			c.Bool = n != 0
		case catalog.TypeDatetime:
			c.Time = r.time(v)
		case catalog.TypeComments:
			c.Text, _ = text(v)
		}
	}
	if !c.Set {
		c.Number, c.Bool = 0, false
	}
}
