package main

import (
	"os"
	"testing"

	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
)

func TestLibrary(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second time it is there
		l, err := openLibrary(t.Context(), dir, 300)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(l.bigPath)
		if err != nil || info.Size() != downloadBytes {
			t.Errorf("%s: %v, %v", l.bigPath, info, err)
		}
		if len(l.ids) != 300 || len(l.covers) < withFiles/2 || len(l.covers) > withFiles || l.big == 0 {
			t.Errorf("%d ids, %d covers, book %d", len(l.ids), len(l.covers), l.big)
		}
	}
	if err := os.Rename(dir+"/library-300", dir+"/library-400"); err != nil {
		t.Fatal(err)
	}
	if _, err := openLibrary(t.Context(), dir, 400); err == nil {
		t.Error("a library of another size was taken")
	}
}

func TestEdit(t *testing.T) {
	dir := t.TempDir()
	lib, err := openLibrary(t.Context(), dir, 2500)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEditor(lib.dir, lib.ids)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	for round := 1; round <= 2; round++ {
		one, err := e.edit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var title, sort string
		var changed, tagged int
		db, err := calibretest.Open(lib.database())
		if err != nil {
			t.Fatal(err)
		}
		row := db.QueryRow(`SELECT title, sort, (SELECT count(*) FROM books WHERE title LIKE '_ edited '||?2||',%'),
			(SELECT count(*) FROM books_tags_link WHERE tag = (SELECT id FROM tags WHERE name = 'Edited '||?2)) FROM books WHERE id = ?1`, one.id, round)
		if err := row.Scan(&title, &sort, &changed, &tagged); err != nil {
			t.Fatal(err)
		}
		db.Close()
		if title != one.title || sort == "" || changed != editedBooks || tagged != editedBooks {
			t.Errorf("round %d: title %q, sort %q, %d books changed, %d tagged; want %q", round, title, sort, changed, tagged, one.title)
		}
	}
}
