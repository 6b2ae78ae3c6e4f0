package calibretest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// Open opens the metadata.db at path for reading and writing, with stand-ins
// for the SQL functions that Calibre registers (calibre/db/backend.py, class
// Connection): its triggers on books and series call them, so that with plain
// SQLite no row of these tables can be inserted or renamed. options are added
// to the data source name, such as "_pragma=cache_size(5)". As Calibre it waits
// ten seconds for a lock that somebody else holds.
//
// The database has one connection, so that a PRAGMA holds for all that follows.
// The caller closes it.
func Open(path string, options ...string) (*sql.DB, error) {
	d := &sqlite.Driver{}
	for name, fn := range map[string]func(string) string{
		"title_sort":            titleSort,
		"author_to_author_sort": authorSort,
		"books_list_filter":     func(string) string { return "1" },
	} {
		err := d.RegisterDeterministicScalarFunction(name, 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			return fn(fmt.Sprint(args[0])), nil
		})
		if err != nil {
			return nil, err
		}
	}
	err := d.RegisterScalarFunction("uuid4", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		var b [16]byte
		rand.Read(b[:])
		return uuid4(b), nil
	})
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: strings.Join(append([]string{"mode=rw", "_pragma=busy_timeout(10000)"}, options...), "&")}
	db := sql.OpenDB(connector{d, dsn.String()})
	db.SetMaxOpenConns(1)
	return db, nil
}

// connector opens connections of a driver that is registered nowhere, so that
// its functions do not reach the connections of the program under test.
type connector struct {
	driver *sqlite.Driver
	dsn    string
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.driver.Open(c.dsn)
}

func (c connector) Driver() driver.Driver { return c.driver }

// Alter runs SQL statements on the metadata.db at path in one transaction, with
// Calibre's triggers in force. It is the way to make a small oddity of one's
// own, and stands for a change that Calibre has committed:
//
//	calibretest.Alter(path, `UPDATE books SET path = '../../etc' WHERE id = 1`)
//
// Calibre would set last_modified as well; a test that needs it does so too.
func Alter(path string, statements ...string) error {
	db, err := Open(path)
	if err != nil {
		return fmt.Errorf("alter %s: %w", path, err)
	}
	defer db.Close()
	if err := run(db, statements); err != nil {
		return fmt.Errorf("alter %s: %w", path, err)
	}
	return db.Close()
}

// run executes statements in one transaction.
func run(db *sql.DB, statements []string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, s := range statements {
		if _, err := tx.Exec(s); err != nil {
			return fmt.Errorf("%.60q: %w", s, err)
		}
	}
	return tx.Commit()
}

// uuid4 writes random bytes as a version 4 UUID.
func uuid4(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
