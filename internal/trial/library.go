package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

const (
	seed       = 1    // of libraries and of who does what when
	withFiles  = 200  // books that have files and covers
	largeFiles = 20   // of those, that many have a large EPUB
	largeBytes = 2e6  // of one
	mostRead   = 2000 // books that places are told of
)

// file is a book that can be downloaded.
type file struct {
	book   catalog.BookID
	format string // as in the path of the API
	key    string // in the library
	sum    [sha256.Size]byte
}

// title is a book as far as the load has to know it.
type title struct {
	id   catalog.BookID
	uuid string
}

// library is the library of a site.
type library struct {
	dir    string
	books  []title // all, by id
	covers []catalog.BookID
	files  map[class][]file
	words  []string // that searches look for
}

// readBooks is how many books, from the first on, readers tell places of. Nobody
// deletes these.
func readBooks(books []title) int { return min(mostRead, len(books)/2) }

// database is the path of its metadata.db.
func (l *library) database() string { return filepath.Join(l.dir, "metadata.db") }

// newLibrary generates a library.
func newLibrary(ctx context.Context, dir string, books int) (*library, error) {
	l := &library{dir: dir, files: map[class][]file{}}
	if err := calibretest.Generate(ctx, l.database(), calibretest.Spec{Books: books, Seed: seed, Files: withFiles}); err != nil {
		return nil, err
	}
	db, err := calibretest.Open(l.database())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := l.readBooks(ctx, db); err != nil {
		return nil, err
	}
	return l, l.readFiles(ctx, db)
}

// readBooks reads what exists.
func (l *library) readBooks(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT id, uuid, title, has_cover FROM books ORDER BY id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t title
		var name string
		var cover bool
		if err := rows.Scan(&t.id, &t.uuid, &name, &cover); err != nil {
			return err
		}
		l.books = append(l.books, t)
		if cover && len(l.books) <= withFiles {
			l.covers = append(l.covers, t.id)
		}
		for word := range strings.FieldsSeq(name) {
			if len(l.words) < 400 && len(word) > 3 && !strings.ContainsAny(word, `"'()[]{}:;,&|!`) {
				l.words = append(l.words, word)
			}
		}
	}
	return rows.Err()
}

// place says where the files of a format are.
func placeOf(format string) class {
	switch format {
	case "PDF":
		return s3Downloads
	case "AZW3":
		return driveDownloads
	}
	return localDownloads
}

// readFiles notes the files that there are, and makes some of them large.
func (l *library) readFiles(ctx context.Context, db *sql.DB) error {
	last := l.books[min(len(l.books), withFiles)-1].id
	rows, err := db.QueryContext(ctx, `SELECT b.id, b.path, d.name, d.format FROM books b JOIN data d ON d.book = b.id WHERE b.id <= ? ORDER BY b.id`, last)
	if err != nil {
		return err
	}
	defer rows.Close()
	large := 0
	for rows.Next() {
		var f file
		var path, name, format string
		if err := rows.Scan(&f.book, &path, &name, &format); err != nil {
			return err
		}
		f.format = strings.ToLower(format)
		f.key = path + "/" + name + "." + f.format
		if format == "EPUB" && large < largeFiles {
			large++
			if err := l.enlarge(f.key); err != nil {
				return err
			}
		}
		content, err := os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(f.key)))
		if err != nil {
			return err
		}
		f.sum = sha256.Sum256(content)
		c := placeOf(format)
		l.files[c] = append(l.files[c], f)
	}
	for _, c := range []class{localDownloads, s3Downloads, driveDownloads} {
		if len(l.files[c]) == 0 {
			return fmt.Errorf("no file for a %s in the library", c)
		}
	}
	return rows.Err()
}

// enlarge gives a file bytes that nothing on the way can compress.
func (l *library) enlarge(key string) error {
	data := make([]byte, largeBytes)
	var from [32]byte
	copy(from[:], key)
	_, _ = rand.NewChaCha8(from).Read(data) // it never fails
	return os.WriteFile(filepath.Join(l.dir, filepath.FromSlash(key)), data, 0o644)
}

// retitle changes the title of a book as Calibre does, and returns the new one.
// It opens and closes metadata.db: nothing in this process may hold a lock on it.
func (l *library) retitle(path string, id catalog.BookID) (string, error) {
	text := fmt.Sprintf("Changed %d", rand.Uint32())
	return text, calibretest.Alter(path, fmt.Sprintf(
		`UPDATE books SET title = '%s', last_modified = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') || '000+00:00' WHERE id = %d`, text, id))
}

// copyFile copies a file to one that does not exist yet.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
