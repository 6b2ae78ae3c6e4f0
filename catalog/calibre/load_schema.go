package calibre

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
)

// The versions of Calibre's schema (PRAGMA user_version) that are known here,
// and the number with which Calibre marks its databases ("cali").
const (
	oldestVersion = 20
	newestVersion = 27
	applicationID = 0x63616c69
)

// schema is what a database has of the tables that are read here.
type schema struct {
	version int64
	library string
	columns map[string][]string // of each table
	customs []customColumn
	// digest changes with everything above.
	digest uint64
}

// readSchema looks at what there is. Problems that one can live with go to w.
func readSchema(ctx context.Context, s *source, seed maphash.Seed, w *warnings) (*schema, error) {
	sc := &schema{columns: map[string][]string{}}
	// Views and virtual tables are left out: what they do is up to whoever
	// wrote the file.
	err := s.each(ctx, "the schema", `SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.sql NOT LIKE 'create virtual%' ORDER BY t.name, c.cid`, func(v []driver.Value) {
		table, _ := text(v[0])
		column, _ := text(v[1])
		table, column = strings.ToLower(table), strings.ToLower(column)
		sc.columns[table] = append(sc.columns[table], column)
	})
	if err != nil {
		return nil, err
	}
	pragma := func(name string) (n int64, err error) {
		err = s.each(ctx, name, "PRAGMA "+name, func(v []driver.Value) { n, _ = integer(v[0]) })
		return n, err
	}
	app, err := pragma("application_id")
	if err != nil {
		return nil, err
	}
	if app != 0 && app != applicationID {
		return nil, fmt.Errorf("%w: it belongs to another application (application_id %#x)", ErrNotCalibre, uint32(app))
	}
	if err := sc.checkRequired(); err != nil {
		return nil, err
	}
	if sc.version, err = pragma("user_version"); err != nil {
		return nil, err
	}
	if sc.version < oldestVersion || sc.version > newestVersion {
		w.add("schema version " + strconv.FormatInt(sc.version, 10) + " is not known")
	}
	if sc.has("library_id", "uuid") {
		err = s.each(ctx, "library_id", "SELECT uuid FROM library_id ORDER BY rowid DESC", func(v []driver.Value) {
			sc.library, _ = text(v[0])
		})
	}
	if err != nil {
		return nil, err
	}
	rows, err := sc.readCustomColumns(ctx, s, w)
	if err != nil {
		return nil, err
	}
	sc.digest = sc.hash(seed, rows)
	return sc, nil
}

// checkRequired looks for the tables and columns without which there is no
// catalog. What else is missing reads as if it were empty, so that older and
// newer schemas need no code of their own.
func (sc *schema) checkRequired() error {
	for _, r := range [...]struct{ table, columns string }{
		{"books", "id title path"},
		{"authors", "id name"},
		{"books_authors_link", "book author"},
		{"data", "book format name"},
	} {
		if sc.columns[r.table] == nil {
			return fmt.Errorf("%w: it has no table %q", ErrNotCalibre, r.table)
		}
		for _, column := range strings.Fields(r.columns) {
			if !sc.has(r.table, column) {
				return fmt.Errorf("%w: its table %q has no column %q", ErrNotCalibre, r.table, column)
			}
		}
	}
	return nil
}

// has reports whether a table has a column.
func (sc *schema) has(table, column string) bool {
	return slices.Contains(sc.columns[table], column)
}

// list returns the columns as a list for SELECT, with NULL for those that are
// missing.
func (sc *schema) list(table string, columns ...string) string {
	exprs := make([]string, len(columns))
	for i, c := range columns {
		exprs[i] = "NULL"
		if sc.has(table, c) {
			exprs[i] = c
		}
	}
	return strings.Join(exprs, ", ")
}

func (sc *schema) hash(seed maphash.Seed, customs []byte) uint64 {
	tables := make([]string, 0, len(sc.columns))
	for table, columns := range sc.columns {
		tables = append(tables, table+"("+strings.Join(columns, ",")+")")
	}
	slices.Sort(tables)
	return maphash.Comparable(seed, [...]string{
		strconv.FormatInt(sc.version, 10), sc.library, strings.Join(tables, "\n"), string(customs),
	})
}
