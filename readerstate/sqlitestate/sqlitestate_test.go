package sqlitestate_test

import (
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
