package sqldb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Postgres returns a database, version 15 or newer. The pool stays the caller's.
func Postgres(pool *pgxpool.Pool) *DB {
	return &DB{
		Postgres: true,
		engine:   pg{pool},
		time:     func(t time.Time) any { return t },
		down:     postgresDown,
		taken:    postgresTaken,
	}
}

type pg struct{ pool *pgxpool.Pool }

func (p pg) query(ctx context.Context, query string, args []any) (Rows, error) {
	rows, err := p.pool.Query(ctx, query, args...) //nolint:sqlclosecheck // the caller does
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (p pg) begin(ctx context.Context) (transaction, error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &pgTx{conn: conn}, nil
}

// pgTx is a transaction that sends its statements together, as far as none has to
// wait for the outcome of another (PostgreSQL, Pipelining of the extended query
// protocol).
type pgTx struct {
	conn    *pgxpool.Conn
	begun   bool
	waiting []pgStatement
}

type pgStatement struct {
	query string
	args  []any
	read  func(Rows) error
}

func (t *pgTx) later(_ context.Context, read func(Rows) error, query string, args []any) error {
	t.waiting = append(t.waiting, pgStatement{query, args, read})
	return nil
}

// send sends what waits, and then one more statement unless it is "", whose
// outcome is next in what is returned. That has to be closed.
func (t *pgTx) send(ctx context.Context, query string, args []any) (pgx.BatchResults, error) {
	var b pgx.Batch
	if !t.begun {
		b.Queue("BEGIN")
	}
	for _, s := range t.waiting {
		b.Queue(s.query, s.args...)
	}
	if query != "" {
		b.Queue(query, args...)
	}
	br := t.conn.SendBatch(ctx, &b)
	if !t.begun {
		t.begun = true
		if _, err := br.Exec(); err != nil {
			return nil, errors.Join(err, ignore(br.Close(), err))
		}
	}
	for _, s := range t.waiting {
		if err := s.receive(br); err != nil {
			return nil, errors.Join(err, ignore(br.Close(), err))
		}
	}
	t.waiting = t.waiting[:0]
	return br, nil
}

// ignore is err, but for one that says the same as another.
func ignore(err, other error) error {
	if errors.Is(err, other) {
		return nil
	}
	return err
}

func (s *pgStatement) receive(br pgx.BatchResults) error {
	if s.read == nil {
		_, err := br.Exec()
		return err
	}
	rows, err := br.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := s.read(rows); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

func (t *pgTx) flush(ctx context.Context) error {
	if len(t.waiting) == 0 {
		return nil
	}
	br, err := t.send(ctx, "", nil)
	if err != nil {
		return err
	}
	return br.Close()
}

func (t *pgTx) exec(ctx context.Context, query string, args []any) (int64, error) {
	tag, err := t.run(ctx, query, args)
	return tag.RowsAffected(), err
}

func (t *pgTx) run(ctx context.Context, query string, args []any) (pgconn.CommandTag, error) {
	br, err := t.send(ctx, query, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := br.Exec()
	return tag, errors.Join(err, ignore(br.Close(), err))
}

func (t *pgTx) query(ctx context.Context, query string, args []any) (Rows, error) {
	br, err := t.send(ctx, query, args)
	if err != nil {
		return nil, err
	}
	rows, err := br.Query()
	if err != nil {
		return nil, errors.Join(err, ignore(br.Close(), err))
	}
	return &batchRows{Rows: rows, batch: br}, nil
}

// batchRows are the last of what was sent together.
type batchRows struct {
	pgx.Rows
	batch pgx.BatchResults
	err   error
}

// Next closes the rows at their end, as rows of other kinds do.
func (r *batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *batchRows) Close() {
	r.Rows.Close()
	r.err = r.batch.Close()
}

func (r *batchRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

// commit sends what waits with COMMIT, which PostgreSQL answers with ROLLBACK if
// something has failed.
func (t *pgTx) commit(ctx context.Context) error {
	defer t.conn.Release()
	if !t.begun && len(t.waiting) == 0 {
		return nil
	}
	tag, err := t.run(ctx, "COMMIT", nil)
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("commit: answered %s", tag)
	}
	return err
}

// rollbackWait is how long the end of a transaction is waited for, whose caller
// waits no more.
const rollbackWait = 5 * time.Second

// rollback gives the connection back as it was, or closes it.
func (t *pgTx) rollback(ctx context.Context) error {
	defer t.conn.Release() // it is closed if it is within a transaction
	if !t.begun || t.conn.Conn().IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackWait)
	defer cancel()
	_, err := t.conn.Exec(ctx, "ROLLBACK")
	return err
}

// ScanTimestamptz takes a time from pgx, which then need not make a value of it.
func (s stamp) ScanTimestamptz(v pgtype.Timestamptz) error {
	if *s.t = (time.Time{}); v.Valid {
		*s.t = v.Time.UTC()
	}
	return nil
}

// postgresDown tells of connections that cannot be had or have broken, and of
// what PostgreSQL says when it starts, stops or is full (SQLSTATE, appendix A).
func postgresDown(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		class := said.Code[:min(2, len(said.Code))]
		return class == "08" || class == "53" || class == "57" || class == "58" || said.Code == "25006"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// postgresTaken reads the column from the constraint, which has the name that
// PostgreSQL gave it.
func postgresTaken(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "23505" {
		return ""
	}
	return e.TableName + "." + strings.TrimSuffix(strings.TrimPrefix(e.ConstraintName, e.TableName+"_"), "_key")
}
