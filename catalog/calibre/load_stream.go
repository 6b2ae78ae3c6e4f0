package calibre

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"
)

// selection is a set of ids, as an argument of a query.
type selection struct {
	args []driver.NamedValue
}

func selectIDs[T ~int64](ids []T) *selection {
	list := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, int64(id), 10)
	}
	return &selection{[]driver.NamedValue{{Ordinal: 1, Value: string(append(list, ']'))}}}
}

// where is the condition that a column holds one of the ids.
func (o *selection) where(column string) string {
	return " WHERE " + column + " IN (SELECT value FROM json_each(?1))"
}

// stream reads a table in the order of its column book, in step with the
// books. Every such table of Calibre has an index on it. The rows of one book
// come in the order in which they were made.
type stream struct {
	*cursor
	book int64 // of the row in v
	more bool
}

// stream begins to read the columns of a table that follow the book's id. A
// table that is not there has no rows.
func (s *source) stream(ctx context.Context, sc *schema, table, columns string, only *selection) (*stream, error) {
	if table == "" || !sc.has(table, "book") {
		return &stream{}, nil
	}
	query, args := "SELECT book, "+columns+" FROM "+table, []driver.NamedValue(nil)
	if only != nil {
		query, args = query+only.where("book"), only.args
	}
	c, err := s.query(ctx, table, query+" ORDER BY book, rowid", args...)
	if err != nil {
		return nil, err
	}
	st := &stream{cursor: c, book: -1 << 63}
	st.step()
	return st, st.err
}

// step goes to the next row that belongs to a book.
func (st *stream) step() {
	for {
		if st.more = st.next(); !st.more {
			return
		}
		book, ok := st.v[0].(int64)
		if !ok {
			continue // NULL or text
		}
		if book < st.book {
			st.more, st.err = false, fmt.Errorf("read %s: %w: rows out of order", st.what, ErrDamaged)
		}
		st.book = book
		return
	}
}

// at reports whether v is a row of that book. Rows of books that are not there
// are passed over. Ask for books in ascending order, and call step after each
// row.
func (st *stream) at(book int64) bool {
	for st.more && st.book < book {
		st.step()
	}
	return st.more && st.book == book
}

func (st *stream) finish() error {
	if st.cursor == nil {
		return nil
	}
	st.close()
	return st.err
}
