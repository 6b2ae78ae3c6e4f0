package pgstate_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pressmark/pressmark/migrations/migrationstest"
	"github.com/pressmark/pressmark/readerstate"
	"github.com/pressmark/pressmark/readerstate/pgstate"
	"github.com/pressmark/pressmark/readerstate/statetest"
)

func TestMain(m *testing.M) { os.Exit(migrationstest.Main{M: m}.Run()) }

func TestStore(t *testing.T) {
	statetest.Store(t, func(t *testing.T, now func() time.Time) readerstate.Store {
		return readerstate.All(pgstate.New(migrationstest.Migrated(t), pgstate.Options{Now: now}))
	})
}

func TestFault(t *testing.T) {
	pool := migrationstest.Migrated(t)
	if _, err := pool.Exec(t.Context(), `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
		CREATE TRIGGER refuse BEFORE UPDATE ON marks FOR EACH ROW WHEN (NEW.book = '`+string(statetest.Refused)+`') EXECUTE FUNCTION refuse()`); err != nil {
		t.Fatal(err)
	}
	statetest.Fault(t, readerstate.All(pgstate.New(pool, pgstate.Options{})))
}

// TestDown: a server that cannot be reached is a reason to come again.
func TestDown(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/nothing?connect_timeout=2")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := pgstate.New(pool, pgstate.Options{})
	_, err = s.SetFavorite(t.Context(), 1, "00000000-0000-4000-8000-000000000001", true, readerstate.Write{})
	_, readErr := s.Preferences(t.Context(), 1)
	for _, err := range []error{err, readErr} {
		if !errors.Is(err, readerstate.ErrUnavailable) {
			t.Error(err)
		}
	}
}
