package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// finish makes the copy one plain file and completes c. What kept the copy whole
// may not have been enough; then it is checked.
func finish(ctx context.Context, c *Copy) error {
	if c.WAL || c.HotJournal {
		if err := settle(ctx, c.Path); err != nil {
			return err
		}
	}
	f, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h, err := readHeader(f)
	if err != nil {
		return err
	}
	if err := h.verify(info.Size()); err != nil {
		return err
	}
	c.Size = info.Size()
	if !c.Trusted || c.HotJournal {
		if err := quickCheck(ctx, *c); err != nil {
			return err
		}
		c.Checked = true
	}
	return nil
}

// settle lets SQLite roll back the hot journal beside the copy at path, or fold
// its -wal into it.
func settle(ctx context.Context, path string) error {
	// Nobody needs the copy after a crash, so nothing waits for the disk.
	db, err := sql.Open("sqlite", dsn(path, "mode=rw&_pragma=synchronous(OFF)"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // locks and the -wal's index would be another connection's
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return fmt.Errorf("recover the copy: %w", classify(err))
	}
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode=DELETE").Scan(&mode); err != nil {
		return fmt.Errorf("recover the copy: %w", classify(err))
	}
	if mode != "delete" {
		return fmt.Errorf("recover the copy: expected journal mode delete, found %s", mode)
	}
	return db.Close()
}

// quickCheck is [Copy.Check] of a copy that was not checked.
func quickCheck(ctx context.Context, c Copy) error {
	db, err := sql.Open("sqlite", c.DSN())
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "PRAGMA quick_check(5)")
	if err != nil {
		return fmt.Errorf("check the copy: %w", classify(err))
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			found = append(found, line)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close(), ctx.Err()); err != nil {
		return fmt.Errorf("check the copy: %w", classify(err))
	}
	if len(found) > 0 {
		return fmt.Errorf("%w: quick_check: %s", ErrDamaged, strings.Join(found, "; "))
	}
	return nil
}

// classify makes an error of SQLite about the file's contents an ErrDamaged.
func classify(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func isBusy(err error) bool { return code(err) == sqlite3.SQLITE_BUSY }

// code is the primary result code of an SQLite error, 0 for other errors.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// dsn names a file for modernc.org/sqlite as a URI, whatever is in its path.
func dsn(path, query string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter: the paths here are absolute
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query}).String()
}
