package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

const (
	seed          = 1   // of every library, so that runs can be compared
	withFiles     = 200 // books that have files and covers on disk
	downloadBytes = 5_000_000
)

// library is a generated library.
type library struct {
	dir   string
	books int
	// ids are those of all books, in ascending order; covers those of books
	// with a cover on disk.
	ids, covers []catalog.BookID
	// big is a book whose EPUB, the file at bigPath, has downloadBytes.
	big     catalog.BookID
	bigPath string
}

// database is the path of the library's metadata.db.
func (l *library) database() string { return filepath.Join(l.dir, "metadata.db") }

// openLibrary generates a library below dir, unless it is there from another
// run.
func openLibrary(ctx context.Context, dir string, books int) (*library, error) {
	l := &library{dir: filepath.Join(dir, fmt.Sprintf("library-%d", books)), books: books}
	err := calibretest.Generate(ctx, l.database(), calibretest.Spec{Books: books, Seed: seed, Files: min(books, withFiles)})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := l.look(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", l.database(), err)
	}
	return l, l.enlarge()
}

// look reads what the rows have to know of the library.
func (l *library) look(ctx context.Context) error {
	db, err := calibretest.Open(l.database())
	if err != nil {
		return err
	}
	defer db.Close()
	if l.ids, err = readIDs(ctx, db, `SELECT id FROM books ORDER BY id`); err != nil {
		return err
	}
	if len(l.ids) != l.books {
		return fmt.Errorf("it has %d books, expected %d: delete the folder, it is made again", len(l.ids), l.books)
	}
	last := l.ids[min(l.books, withFiles)-1]
	if l.covers, err = readIDs(ctx, db, `SELECT id FROM books WHERE has_cover AND id <= ? ORDER BY id`, last); err != nil {
		return err
	}
	var path, name string
	err = db.QueryRowContext(ctx, `SELECT b.id, b.path, d.name FROM books b JOIN data d ON d.book = b.id
		WHERE d.format = 'EPUB' AND b.id <= ? ORDER BY b.id LIMIT 1`, last).Scan(&l.big, &path, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return errors.New("no book with files has an EPUB: too few books")
	}
	l.bigPath = filepath.Join(l.dir, filepath.FromSlash(path), name+".epub")
	return err
}

// enlarge gives the big book its size. The bytes are random, so that nothing
// on the way can compress them.
func (l *library) enlarge() error {
	if info, err := os.Stat(l.bigPath); err != nil || info.Size() == downloadBytes {
		return err
	}
	data := make([]byte, downloadBytes)
	var key [32]byte
	rand.NewChaCha8(key).Read(data)
	return os.WriteFile(l.bigPath, data, 0o644)
}

func readIDs(ctx context.Context, db *sql.DB, query string, args ...any) ([]catalog.BookID, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []catalog.BookID
	for rows.Next() {
		var id catalog.BookID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
