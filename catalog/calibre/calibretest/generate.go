package calibretest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest/sample"
)

// Spec says what [Generate] makes. The zero value is a library of 1,000 books
// without files.
type Spec struct {
	// Books is the number of books. 0 means 1,000.
	Books int
	// Seed chooses among libraries of one size: the same Books and Seed give the
	// same rows, on every machine and at any time.
	Seed uint64
	// Files is for how many books, from the first on, the files of their formats
	// and the cover are written too, in the folders that the database names.
	// They are copies of files of the sample.
	Files int
}

// Generate writes a metadata.db of many books to path, which must not exist;
// its folder is made. The schema, with triggers, views and the nine custom
// columns, is that of the sample library, user_version included, and Calibre
// opens it.
//
// The contents resemble those of large libraries:
//
//	comments     80 % of the books, HTML, 800 bytes at the median, log-normal
//	authors      0.4 distinct ones a book, 1.25 a book, with a long tail
//	tags         5,000 by Zipf's law, 0 to 6 a book, some with dots
//	series       20 % of the books, numbered on, some with x.5
//	languages    ten, in five scripts, titles, names and comments alike
//	publishers, ratings, identifiers (valid ISBNs and others), dates from 1900
//	to 2026 and unknown ones, one to three formats, covers on most
//	custom       each of the nine columns on more than half of the books
//	ids          ascending, one in fifty skipped
//
// Virtual libraries, saved searches and user categories fit these. The same
// call gives the same rows. 100,000 books take about six seconds and 230 MiB.
//
// The database appears whole or not at all, ctx ends the work at once; files of
// books (Spec.Files) written until then stay.
func Generate(ctx context.Context, path string, spec Spec) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("generate library %s: %w", path, err)
		}
	}()
	if spec.Books == 0 {
		spec.Books = 1000
	}
	if spec.Books < 0 || spec.Files < 0 {
		return fmt.Errorf("%d books, files of %d: %w", spec.Books, spec.Files, fs.ErrInvalid)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(dir, ".generate-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	work := filepath.Join(temp, "metadata.db")
	archive, err := sample.Archive()
	if err != nil {
		return err
	}
	empty, err := fs.ReadFile(archive, "metadata.db")
	if err != nil {
		return err
	}
	if err := os.WriteFile(work, empty, 0o644); err != nil {
		return err
	}
	if err := fill(ctx, work, dir, spec); err != nil {
		return err
	}
	return os.Rename(work, path)
}

// fill replaces the rows of the sample's database at path by those of spec.
// Indexes and triggers are put aside and made again at the end: the triggers
// would check every row, and an index is built faster than it is kept.
func fill(ctx context.Context, path, dir string, spec Spec) error {
	db, err := Open(path,
		"_pragma=journal_mode(OFF)", "_pragma=synchronous(OFF)", "_pragma=locking_mode(EXCLUSIVE)",
		"_pragma=cache_size(-100000)", "_pragma=temp_store(MEMORY)")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	aside, err := putAside(ctx, tx)
	if err != nil {
		return err
	}
	g, err := newGenerator(ctx, tx, dir, spec)
	if err != nil {
		return err
	}
	if err := g.run(); err != nil {
		return err
	}
	for _, statement := range aside {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%.60q: %w", statement, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return db.Close()
}

// putAside drops the indexes and triggers, deletes all rows but those that
// describe the library, and returns the statements that bring the first back.
func putAside(ctx context.Context, tx *sql.Tx) (aside []string, err error) {
	var drop, empty []string
	rows, err := tx.QueryContext(ctx, `SELECT type, name, COALESCE(sql, '') FROM sqlite_master ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name, statement string
		if err := rows.Scan(&kind, &name, &statement); err != nil {
			return nil, err
		}
		switch {
		case statement == "" || kind == "view":
		case kind == "index" || kind == "trigger":
			drop = append(drop, fmt.Sprintf("DROP %s %q", kind, name))
			aside = append(aside, statement)
		case keepsRows(name):
		default:
			empty = append(empty, fmt.Sprintf("DELETE FROM %q", name))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, statement := range append(drop, empty...) { // triggers first: they would forbid to empty a table
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sqlite_sequence WHERE name <> 'custom_columns'`)
	return aside, err
}

// keepsRows reports whether a table describes the library and not its books.
// The full-text index has none of either, and its parts cannot be emptied alone.
func keepsRows(table string) bool {
	switch table {
	case "custom_columns", "preferences", "library_id", "sqlite_sequence":
		return true
	}
	return strings.HasPrefix(table, "annotations_fts")
}
