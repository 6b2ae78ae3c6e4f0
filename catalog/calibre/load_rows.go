package calibre

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// source is one connection to a private copy. It reads through the driver's
// own rows: a value arrives as what is stored, whatever type the column was
// declared with, and costs no reflection.
type source struct {
	conn interface {
		QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error)
	}
	// maxRows is more rows than a table of a file of this size can have. A
	// damaged file whose pages form a loop would be read for ever.
	maxRows int64
}

// withSource opens the copy with this DSN, of this size in bytes, and calls f
// with a connection to it.
func withSource(ctx context.Context, dsn string, size int64, f func(*source) error) error {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		s := &source{maxRows: size/4 + 1}
		var ok bool
		if s.conn, ok = c.(driver.QueryerContext); !ok {
			return fmt.Errorf("the SQLite driver has no QueryContext: %w", errors.ErrUnsupported)
		}
		return f(s)
	})
}

// query begins to read rows. what names the table in errors.
func (s *source) query(ctx context.Context, what, query string, args ...driver.NamedValue) (*cursor, error) {
	rows, err := s.conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return &cursor{rows: rows, v: make([]driver.Value, len(rows.Columns())), what: what, left: s.maxRows}, nil
}

// each calls f with every row of a query.
func (s *source) each(ctx context.Context, what, query string, f func(v []driver.Value), args ...driver.NamedValue) error {
	c, err := s.query(ctx, what, query, args...)
	if err != nil {
		return err
	}
	defer c.close()
	for c.next() {
		if c.left%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f(c.v)
	}
	return c.err
}

// cursor is a query that is being read.
type cursor struct {
	rows driver.Rows
	v    []driver.Value // the row, until the next call of next
	what string
	left int64
	err  error
}

func (c *cursor) next() bool {
	if c.err != nil {
		return false
	}
	switch err := c.rows.Next(c.v); {
	case err == io.EOF:
		return false
	case err != nil:
		c.err = fmt.Errorf("read %s: %w", c.what, err)
		return false
	}
	if c.left--; c.left < 0 {
		c.err = fmt.Errorf("read %s: %w: more rows than fit into the file", c.what, ErrDamaged)
		return false
	}
	return true
}

func (c *cursor) close() { c.rows.Close() }

// integer returns v if it is a whole number, also one that is stored as text
// or as a real.
func integer(v driver.Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), true
		}
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// number returns v if it is a finite number, also one that is stored as text.
func number(v driver.Value) (float64, bool) {
	f := math.NaN()
	switch v := v.(type) {
	case int64:
		f = float64(v)
	case float64:
		f = v
	case string:
		if n, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			f = n
		}
	}
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// text returns v as valid UTF-8, and whether there is anything (not NULL).
func text(v driver.Value) (string, bool) {
	var s string
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		s = v
	case []byte:
		s = string(v)
	default:
		return string(appendValue(nil, v)), true
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s, true
}

// separator stands between two values of a row that are compared as one text.
const separator = "\x1f"

// appendRow appends values as joined makes SQLite join them, so that a row put
// together here equals one from SQLite.
func appendRow(row []byte, v []driver.Value) []byte {
	for i, x := range v {
		if i > 0 {
			row = append(row, separator...)
		}
		row = appendValue(row, x)
	}
	return row
}

// joined is an SQL expression for columns as one text. Unlike concat_ws, the
// operator needs no memory for each row, and so no lock that two connections
// would fight over.
func joined(columns []string) string {
	return "ifnull(" + strings.Join(columns, ", '') || '"+separator+"' || ifnull(") + ", '')"
}

func appendValue(row []byte, v driver.Value) []byte {
	switch v := v.(type) {
	case string:
		row = append(row, v...)
	case []byte:
		row = append(row, v...)
	case int64:
		row = strconv.AppendInt(row, v, 10)
	case float64:
		row = strconv.AppendFloat(row, v, 'g', 15, 64)
	}
	return row
}
