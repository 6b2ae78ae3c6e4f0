// Package transfer moves what a database of package migrations holds to another
// one, of either kind, as lines of JSON: one that says what it is, one for each
// row, and one that ends it. Two databases that hold the same give the same lines.
//
// The lines hold hashes of passwords and of tokens: keep them as you would keep
// the database.
package transfer

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/migrations/sqldb"
)

// Database is what is moved, or where it goes.
type Database struct {
	DB      *sql.DB
	Dialect migrations.Dialect
	Schema  *migrations.Schema
}

// format is the version of the lines.
const format = 1

// line is one line: the first has Format, the last Rows.
type line struct {
	Format int   `json:"pressmark_state,omitempty"`
	Schema int64 `json:"schema,omitempty"`
	// Last is, by table, the last number that was given out.
	Last map[string]int64 `json:"last,omitempty"`

	Table string                     `json:"table,omitempty"`
	Row   map[string]json.RawMessage `json:"row,omitempty"`

	Rows *int64 `json:"rows,omitempty"`
}

// ErrNotEmpty is returned, wrapped, by Import into a database that holds
// something already.
var ErrNotEmpty = errors.New("the database is not empty")

// maxLine bounds one line: a row has some texts of 64 KiB at most.
const maxLine = 4 << 20

// Export writes what a database holds at one moment.
func Export(ctx context.Context, d Database, to io.Writer) (rows int64, err error) {
	version, err := d.version(ctx)
	if err != nil {
		return 0, err
	}
	options := &sql.TxOptions{}
	if d.Dialect == migrations.Postgres {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := d.DB.BeginTx(ctx, options)
	if err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	out := bufio.NewWriter(to)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	head := line{Format: format, Schema: version, Last: map[string]int64{}}
	for _, t := range tables {
		if t.counted {
			if head.Last[t.name], err = d.last(ctx, tx, t.name); err != nil {
				return 0, fmt.Errorf("export %s: %w", t.name, err)
			}
		}
	}
	if err := enc.Encode(head); err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	for _, t := range tables {
		n, err := t.export(ctx, tx, enc)
		if rows += n; err != nil {
			return rows, fmt.Errorf("export %s: %w", t.name, err)
		}
	}
	if err := errors.Join(enc.Encode(line{Rows: &rows}), out.Flush()); err != nil {
		return rows, fmt.Errorf("export: %w", err)
	}
	return rows, nil
}

// version returns the schema's version, which has to be the newest.
func (d Database) version(ctx context.Context) (int64, error) {
	if err := d.Schema.Check(ctx); err != nil {
		return 0, err
	}
	steps, err := d.Schema.Status(ctx)
	if err != nil || len(steps) == 0 {
		return 0, err
	}
	return steps[len(steps)-1].Version, nil
}

// last returns the last number that a table has given out.
func (d Database) last(ctx context.Context, tx *sql.Tx, name string) (n int64, err error) {
	query := `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = '` + name + `'), 0)`
	if d.Dialect == migrations.Postgres {
		var sequence string
		if err := tx.QueryRowContext(ctx, `SELECT pg_get_serial_sequence('`+name+`', 'id')`).Scan(&sequence); err != nil {
			return 0, err
		}
		query = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ` + sequence
	}
	err = tx.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

func (t table) names() string {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

func (t table) export(ctx context.Context, tx *sql.Tx, enc *json.Encoder) (n int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+t.names()+` FROM `+t.name+` ORDER BY `+t.key)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	into := make([]any, len(t.columns))
	for i, c := range t.columns {
		into[i] = c.target()
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		row := map[string]json.RawMessage{}
		for i, c := range t.columns {
			if row[c.name], err = written(into[i]); err != nil {
				return n, err
			}
		}
		if err := enc.Encode(line{Table: t.name, Row: row}); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// instant is a time that may be missing.
type instant struct{ time.Time }

// Scan takes what sqldb.At takes.
func (i *instant) Scan(src any) error { return sqldb.At(&i.Time).Scan(src) }

// target returns where the value of a column goes.
func (c column) target() any {
	switch c.kind {
	case number:
		return new(int64)
	case real:
		return new(float64)
	case flag:
		return new(bool)
	case moment:
		return new(instant)
	case binary:
		return new([]byte)
	}
	return new(string)
}

// written is a value in JSON.
func written(v any) (json.RawMessage, error) {
	if i, ok := v.(*instant); ok && i.IsZero() {
		return json.RawMessage("null"), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// read is what written has written, as the database takes it.
func (d Database) read(c column, raw json.RawMessage) (any, error) {
	v := c.target()
	if raw == nil {
		return nil, errors.New("it is missing")
	}
	if c.kind == moment && string(raw) == "null" {
		return nil, nil
	}
	if string(raw) == "null" {
		return nil, errors.New("a value was expected")
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *string:
		if !sqldb.Storable(*v) {
			return nil, errors.New("it is not text")
		}
		return *v, nil
	case *int64:
		return *v, nil
	case *float64:
		return *v, nil
	case *bool:
		return *v, nil
	case *instant:
		if d.Dialect == migrations.SQLite {
			return v.UnixMicro(), nil
		}
		return v.UTC(), nil
	case *[]byte:
		return *v, nil
	}
	return nil, fmt.Errorf("%T is not known", v)
}

// Import adds what Export has written to a database that holds nothing yet, whole
// or not at all. Its schema must be that of the export.
func Import(ctx context.Context, d Database, from io.Reader) (rows int64, err error) {
	version, err := d.version(ctx)
	if err != nil {
		return 0, err
	}
	tx, err := d.DB.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback() // it may have ended with its context
		}
	}()
	for _, t := range tables {
		var n int64
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM `+t.name+` LIMIT 1) AS one`).Scan(&n); err != nil {
			return 0, fmt.Errorf("import: %w", err)
		}
		if n > 0 {
			return 0, fmt.Errorf("import: %w: there are %s", ErrNotEmpty, t.name)
		}
	}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	i := importer{Database: d, tx: tx, version: version}
	for !i.ended && lines.Scan() {
		i.line++
		if err := i.take(ctx, lines.Bytes()); err != nil {
			return 0, fmt.Errorf("import: line %d: %w", i.line, err)
		}
	}
	switch {
	case lines.Err() != nil:
		return 0, fmt.Errorf("import: line %d: %w", i.line+1, lines.Err())
	case !i.ended:
		return 0, fmt.Errorf("import: it ends in line %d, before its end was said: a part is missing", i.line)
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	return i.rows, nil
}

type importer struct {
	Database
	tx      *sql.Tx
	version int64
	line    int
	rows    int64
	ended   bool
}

// take takes one line.
func (i *importer) take(ctx context.Context, given []byte) error {
	var l line
	dec := json.NewDecoder(bytes.NewReader(given))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return fmt.Errorf("it is not one of an export: %w", err)
	}
	switch {
	case i.line == 1:
		if l.Format != format {
			return errors.New("this is no export, or one of another version")
		}
		if l.Schema != i.version {
			return fmt.Errorf("the export has schema version %d and this database %d: export and import with one version of Pressmark", l.Schema, i.version)
		}
		return i.setLast(ctx, l.Last)
	case l.Rows != nil:
		if *l.Rows != i.rows {
			return fmt.Errorf("%d rows were expected, and %d have come: a part is missing", *l.Rows, i.rows)
		}
		i.ended = true
		return nil
	}
	i.rows++
	return i.insert(ctx, l.Table, l.Row)
}

// setLast makes tables give out numbers behind those that were given out.
func (i *importer) setLast(ctx context.Context, last map[string]int64) error {
	for _, t := range tables {
		n := last[t.name]
		if !t.counted || n == 0 {
			continue
		}
		query := `INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)`
		if i.Dialect == migrations.Postgres {
			query = `SELECT setval(pg_get_serial_sequence($1, 'id'), $2::bigint)`
		}
		if i.Dialect == migrations.SQLite { // there is no constraint that says so
			if _, err := i.tx.ExecContext(ctx, `DELETE FROM sqlite_sequence WHERE name = ?`, t.name); err != nil {
				return err
			}
		}
		if _, err := i.tx.ExecContext(ctx, query, t.name, n); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer) insert(ctx context.Context, name string, row map[string]json.RawMessage) error {
	for _, t := range tables {
		if t.name != name {
			continue
		}
		if len(row) != len(t.columns) {
			return fmt.Errorf("a row of %s has %d columns, and here are %d", name, len(t.columns), len(row))
		}
		values := make([]any, len(t.columns))
		for n, c := range t.columns {
			var err error
			if values[n], err = i.read(c, row[c.name]); err != nil {
				return fmt.Errorf("%s.%s: %w", name, c.name, err)
			}
		}
		_, err := i.tx.ExecContext(ctx, i.insertion(t), values...)
		return err
	}
	return fmt.Errorf("there is no table %q", name)
}

// insertion is the statement that adds a row to a table.
func (i *importer) insertion(t table) string {
	marks := make([]string, len(t.columns))
	for n := range marks {
		marks[n] = "?"
		if i.Dialect == migrations.Postgres {
			marks[n] = fmt.Sprintf("$%d", n+1)
		}
	}
	numbers := ""
	if t.counted && i.Dialect == migrations.Postgres {
		numbers = " OVERRIDING SYSTEM VALUE"
	}
	return `INSERT INTO ` + t.name + ` (` + t.names() + `)` + numbers + ` VALUES (` + strings.Join(marks, ", ") + `)`
}
