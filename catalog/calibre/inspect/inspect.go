// Package inspect looks at a Calibre library apart from the catalog that is
// served: at the condition of its metadata.db, and, by an own reading of its
// tables in SQL, at whether a catalog says what is in them.
//
//	c, err := inspect.Take(ctx, "/books/metadata.db", inspect.Options{Dir: dataDir})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	differences, err := c.Compare(ctx, reader, func(d inspect.Difference) { fmt.Println(d) })
//
// As package calibre it reads a private copy, writes nothing in the library, and
// does not make Calibre wait. It shares the making of that copy with package
// calibre, and nothing of what follows: one fault shall not hide in both.
package inspect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pressmark/pressmark/catalog/calibre"
	"github.com/pressmark/pressmark/catalog/calibre/internal/snapshot"
)

// The versions of Calibre's schema that are known, those of Calibre 2 to 9.
const (
	OldestSchema = 20
	NewestSchema = 27
)

// Options say how a copy is taken. The zero value works.
type Options struct {
	// Dir is a folder for the private copy. Empty means one below os.TempDir.
	Dir string
	// Wait is how long a writer is waited for. 0 means 2 s.
	Wait time.Duration
}

// Condition is what was seen of a metadata.db while it was copied.
type Condition struct {
	// Schema is the version of Calibre's schema (PRAGMA user_version).
	Schema int64
	// Library is the library's id, empty if it has none.
	Library string
	// Books is how many there are.
	Books int
	// WAL reports that the database is in WAL mode, which Calibre does not use.
	WAL bool
	// HotJournal reports that a writer died in the middle of a change.
	HotJournal bool
	// Locking says in words what kept writers out while it was copied.
	Locking string
	// Locked reports that this was SQLite's own lock, and Local that the file is on
	// a file system known to be this machine's alone.
	Locked, Local bool
	// Held is how long writers were kept out.
	Held time.Duration
}

// Copy is a private copy of a metadata.db. Close removes it.
type Copy struct {
	Condition
	// Path is the copy itself: a whole database that nobody writes.
	Path string

	dir  *snapshot.Dir
	copy snapshot.Copy
	db   *sql.DB
}

// Take copies the database at a path and has SQLite check the copy. Errors can
// be told apart as those of [calibre.Library.Load]: calibre.ErrLocked,
// calibre.ErrDamaged, calibre.ErrNotCalibre, and those of package fs.
func Take(ctx context.Context, database string, o Options) (_ *Copy, err error) {
	if o.Dir == "" {
		o.Dir = filepath.Join(os.TempDir(), fmt.Sprintf("pressmark-%d", os.Getuid()))
	}
	c := &Copy{}
	if c.dir, err = snapshot.OpenDir(o.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if c.copy, err = c.dir.Take(ctx, database, snapshot.Options{Wait: o.Wait}); err != nil {
		return nil, err
	}
	if err := c.copy.Check(ctx); err != nil {
		return nil, fmt.Errorf("copy %s: %w", database, err)
	}
	c.Path = c.copy.Path
	c.Condition = Condition{
		WAL: c.copy.WAL, HotJournal: c.copy.HotJournal, Locking: string(c.copy.Method), Held: c.copy.LockHeld,
		Locked: c.copy.Method == snapshot.LockedOFD || c.copy.Method == snapshot.LockedSQLite,
		Local:  c.copy.Trusted,
	}
	if c.db, err = sql.Open("sqlite", c.copy.DSN()+"&_pragma=trusted_schema(0)"); err != nil {
		return nil, err
	}
	c.db.SetMaxOpenConns(1)
	return c, c.look(ctx)
}

// look fills in what is in the copy.
func (c *Copy) look(ctx context.Context) error {
	var application int64
	for _, q := range []struct {
		query string
		to    any
	}{
		{"PRAGMA user_version", &c.Schema},
		{"PRAGMA application_id", &application},
	} {
		if err := c.db.QueryRowContext(ctx, q.query).Scan(q.to); err != nil {
			return fmt.Errorf("%s: %w", q.query, err)
		}
	}
	const calibres = 0x63616c69 // "cali"
	if application != 0 && application != calibres {
		return fmt.Errorf("%w: it belongs to another application (application_id %#x)", calibre.ErrNotCalibre, uint32(application))
	}
	for _, table := range []string{"books", "authors", "books_authors_link", "data"} {
		if !c.has(ctx, table, "id") {
			return fmt.Errorf("%w: it has no table %q", calibre.ErrNotCalibre, table)
		}
	}
	if err := c.db.QueryRowContext(ctx, "SELECT count(*) FROM books").Scan(&c.Books); err != nil {
		return fmt.Errorf("count books: %w", err)
	}
	if c.has(ctx, "library_id", "uuid") {
		err := c.db.QueryRowContext(ctx, "SELECT uuid FROM library_id ORDER BY id LIMIT 1").Scan(&c.Library)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read library_id: %w", err)
		}
	}
	return nil
}

// has reports whether there is a table with a column.
func (c *Copy) has(ctx context.Context, table, column string) bool {
	n := 0
	err := c.db.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_info(?) WHERE lower(name) = ?", table, column).Scan(&n)
	return err == nil && n > 0
}

// Current reports whether the database at a path still is what was copied, as
// far as its files tell.
func (c *Copy) Current(database string) bool {
	now, err := snapshot.Look(database)
	return err == nil && now == c.copy.Stamp
}

// Close removes the copy.
func (c *Copy) Close() error {
	var errs []error
	if c.db != nil {
		errs = append(errs, c.db.Close())
	}
	return errors.Join(append(errs, c.copy.Remove(), c.dir.Close())...)
}
