package sqlitestate_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressmark/pressmark/migrations"
	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/readerstate/sqlitestate"
	"github.com/pressmark/pressmark/readerstate/statetest"
)

func TestStore(t *testing.T) {
	statetest.Store(t, func(t *testing.T, now func() time.Time) readerstate.Store {
		return readerstate.All(sqlitestate.New(open(t), sqlitestate.Options{Now: now}))
	})
}

func open(tb testing.TB) *migrations.SQLiteDB {
	tb.Helper()
	db, err := migrations.OpenSQLite(filepath.Join(tb.TempDir(), "state.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	schema, err := migrations.New(db.Write, migrations.SQLite)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := schema.Up(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return db
}

func TestFault(t *testing.T) {
	db := open(t)
	if _, err := db.Write.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE UPDATE ON marks WHEN NEW.book = '`+string(statetest.Refused)+`' BEGIN SELECT RAISE(ABORT, 'refused'); END`); err != nil {
		t.Fatal(err)
	}
	statetest.Fault(t, readerstate.All(sqlitestate.New(db, sqlitestate.Options{})))
}

// TestFull: when the disk is full a write fails, and says so; what was acknowledged
// stays, and with room again writing goes on.
func TestFull(t *testing.T) {
	db := open(t)
	bound := func(pages int) { // SQLite takes a file at this size for a full disk (SQLITE_FULL)
		t.Helper()
		if _, err := db.Write.ExecContext(t.Context(), fmt.Sprint("PRAGMA max_page_count = ", pages)); err != nil {
			t.Fatal(err)
		}
	}
	var pages int
	if err := db.Write.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	bound(pages + 1)
	s := readerstate.All(sqlitestate.New(db, sqlitestate.Options{}))
	book := func(i int) readerstate.Book { return readerstate.Book(fmt.Sprintf("00000000-0000-4000-8000-%012d", i)) }
	favorite := func(i int) error {
		_, err := s.SetFavorite(t.Context(), 1, book(i), true, readerstate.Write{})
		return err
	}
	kept := func() int {
		t.Helper()
		n, after := 0, readerstate.Cursor{}
		for {
			page, err := s.Favorites(t.Context(), 1, after, 100)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page)
			if len(page) < 100 {
				return n
			}
			last := page[len(page)-1]
			after = readerstate.Cursor{Time: last.Favorite.Since, Book: last.Book}
		}
	}
	done := 0
	var err error
	for err == nil && done < 100_000 {
		if err = favorite(done); err == nil {
			done++
		}
	}
	if !errors.Is(err, readerstate.ErrUnavailable) || done == 0 {
		t.Fatalf("after %d writes: %v", done, err)
	}
	if n := kept(); n != done {
		t.Errorf("%d are kept of %d that were acknowledged", n, done)
	}
	bound(pages + 100)
	if err := favorite(done); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if n := kept(); n != done+1 {
		t.Errorf("then %d are kept of %d", n, done+1)
	}
}
