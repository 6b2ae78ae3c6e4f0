package calibretest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// batchRows is how many rows go into one INSERT: beyond it the time per row
// hardly falls any more.
const batchRows = 100

// batch collects the rows of one table. Its first error stays and makes all
// further calls do nothing; finish returns it.
type batch struct {
	ctx     context.Context
	tx      *sql.Tx
	head    string // INSERT INTO table (columns) VALUES
	columns int
	full    *sql.Stmt
	args    []any
	err     error
}

func newBatch(ctx context.Context, tx *sql.Tx, table, columns string) *batch {
	return &batch{
		ctx: ctx, tx: tx,
		head:    fmt.Sprintf("INSERT INTO %s (%s) VALUES ", table, columns),
		columns: strings.Count(columns, ",") + 1,
	}
}

// statement is the INSERT for a number of rows.
func (b *batch) statement(rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", b.columns), ",") + "),"
	return b.head + strings.TrimSuffix(strings.Repeat(row, rows), ",")
}

// add appends one row.
func (b *batch) add(values ...any) {
	if b.err != nil {
		return
	}
	b.args = append(b.args, values...)
	if len(b.args) < batchRows*b.columns {
		return
	}
	if b.full == nil {
		if b.full, b.err = b.tx.PrepareContext(b.ctx, b.statement(batchRows)); b.err != nil {
			return
		}
	}
	_, b.err = b.full.ExecContext(b.ctx, b.args...)
	b.args = b.args[:0]
}

// finish writes what is left.
func (b *batch) finish() error {
	if b.err == nil && len(b.args) > 0 {
		_, b.err = b.tx.ExecContext(b.ctx, b.statement(len(b.args)/b.columns), b.args...)
		b.args = nil
	}
	if b.err != nil {
		return fmt.Errorf("%s: %w", b.head, b.err)
	}
	return nil
}
