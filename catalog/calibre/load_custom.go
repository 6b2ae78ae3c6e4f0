package calibre

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/pressmark/pressmark/catalog"
)

// customColumn is one custom column that is read.
type customColumn struct {
	field      catalog.Field
	normalized bool // values are rows of a table that link to books
	sortAlpha  bool // a book's values are shown in alphabetical order
	table      string
	link       string // of a normalized column
}

// display are the settings of a column (custom_columns.display) that matter to
// a reader.
type display struct {
	Values    []string `json:"enum_values"`
	SortAlpha bool     `json:"sort_alpha"`
}

// readCustomColumns reads the definitions, and returns their rows for
// comparison. Columns that Calibre deletes when it next opens the library are
// left out.
func (sc *schema) readCustomColumns(ctx context.Context, s *source, w *warnings) (rows []byte, err error) {
	const table = "custom_columns"
	for _, c := range [...]string{"id", "label", "datatype", "normalized"} {
		if !sc.has(table, c) {
			return nil, nil
		}
	}
	err = s.each(ctx, table, "SELECT "+sc.list(table, "id", "label", "name", "datatype", "mark_for_delete",
		"display", "is_multiple", "normalized")+" FROM custom_columns ORDER BY id", func(v []driver.Value) {
		rows = append(appendRow(rows, v), '\n')
		if deleted, _ := integer(v[4]); deleted != 0 {
			return
		}
		c, err := sc.customColumn(v)
		if err == nil && slices.ContainsFunc(sc.customs, func(o customColumn) bool { return o.field.Key == c.field.Key }) {
			err = fmt.Errorf("custom column %s is there twice", c.field.Key)
		}
		if err != nil {
			w.add(err.Error())
			return
		}
		sc.customs = append(sc.customs, c)
	})
	return rows, err
}

func (sc *schema) customColumn(v []driver.Value) (customColumn, error) {
	id, _ := integer(v[0])
	label, _ := text(v[1])
	name, _ := text(v[2])
	datatype, _ := text(v[3])
	settings, _ := text(v[5])
	multiple, _ := integer(v[6])
	normalized, _ := integer(v[7])
	num := strconv.FormatInt(id, 10)

	c := customColumn{
		normalized: normalized != 0,
		table:      "custom_column_" + num,
		link:       "books_custom_column_" + num + "_link",
		field: catalog.Field{
			Key: catalog.FieldKey("#" + label), Name: name, Type: catalog.FieldType(datatype), Custom: true,
			Stored: true, Searchable: true, Sortable: true, Display: settings,
		},
	}
	if label == "" {
		return c, fmt.Errorf("custom column %d has no label", id)
	}
	var d display
	if err := json.Unmarshal([]byte(settings), &d); err != nil {
		d = display{} // as if there were no settings
	}
	values := true // kept in rows that link to books
	f := &c.field
	switch f.Type {
	case catalog.TypeText:
		f.Multiple, f.HasTerms = multiple != 0, true
		c.sortAlpha = d.SortAlpha && f.Multiple
	case catalog.TypeEnumeration:
		f.HasTerms, f.Values = true, d.Values
	case catalog.TypeSeries, catalog.TypeRating:
		f.HasTerms = true
	case catalog.TypeComments:
		values, f.Sortable = false, false
	case catalog.TypeInt, catalog.TypeFloat, catalog.TypeBool, catalog.TypeDatetime:
		values = false
	case catalog.TypeComposite:
		f.Multiple = multiple != 0
		f.Stored, f.Sortable, f.Searchable = false, false, false
		return c, nil
	default:
		return c, fmt.Errorf("custom column %s has a type that is not known: %q", f.Key, datatype)
	}
	switch {
	case values != c.normalized:
		return c, fmt.Errorf("custom column %s of type %s is stored in a way that is not known", f.Key, datatype)
	case !sc.has(c.table, "value"),
		c.normalized && !(sc.has(c.table, "id") && sc.has(c.link, "book") && sc.has(c.link, "value")),
		!c.normalized && !sc.has(c.table, "book"):
		return c, fmt.Errorf("custom column %s has no table", f.Key)
	}
	return c, nil
}

// fields returns the library's fields as catalog.Reader.Fields does.
func (sc *schema) fields(hierarchies []string) []catalog.Field {
	fields := catalog.Builtin(sc.has("books_pages_link", "pages"))
	for i := range sc.customs {
		fields = append(fields, sc.customs[i].field)
	}
	for i := range fields {
		f := &fields[i]
		f.Hierarchical = f.HasTerms && slices.Contains(hierarchies, string(f.Key))
	}
	return fields
}
