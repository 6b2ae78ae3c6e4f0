package calibretest

import (
	"fmt"
	"math/rand/v2"
	"os"
)

// Damage is one way in which a metadata.db can be unfit to be read. Loop over
// [Damages] to see that each is answered with an error and never with a panic.
type Damage struct {
	Name  string                  // for a subtest
	Apply func(path string) error // alters the file at path
}

// Damages returns the damages of this package, each with its default strength.
func Damages() []Damage {
	return []Damage{
		{"empty", Empty},
		{"truncated", Truncate},
		{"bytes flipped", func(path string) error { return FlipBytes(path, 1) }},
		{"not SQLite", NotSQLite},
		{"another application", Foreign},
	}
}

// Empty makes the file at path 0 bytes long: a valid SQLite database without
// any table, and what a full disk leaves.
func Empty(path string) error { return os.Truncate(path, 0) }

// Truncate cuts the file at path to half its length and a bit, inside a page,
// as an interrupted copy leaves it.
func Truncate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/2+100)
}

// FlipBytes changes about one byte in a kilobyte of the file at path. The same
// seed and file give the same damage. The header of 100 bytes stays whole, so
// that SQLite opens the file and finds the damage as it reads.
func FlipBytes(path string, seed uint64) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const header = 100
	if len(b) <= header {
		return fmt.Errorf("flip bytes: %s has only %d bytes", path, len(b))
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	for range len(b)/1024 + 1 {
		b[header+rng.IntN(len(b)-header)] ^= byte(1 + rng.IntN(255))
	}
	return os.WriteFile(path, b, 0o644)
}

// NotSQLite replaces the file at path by a text of the same name.
func NotSQLite(path string) error {
	return os.WriteFile(path, []byte("The catalogue has moved to the second floor.\n"), 0o644)
}

// Foreign replaces the file at path by the sound SQLite database of another
// application: a GeoPackage by its application_id, with a table "books" of its
// own that is nothing like Calibre's.
func Foreign(path string) error {
	if err := os.Truncate(path, 0); err != nil {
		return err
	}
	return Alter(path,
		`PRAGMA application_id = 0x47504B47`,
		`PRAGMA user_version = 10300`,
		`CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT NOT NULL)`,
		`CREATE TABLE books (isbn TEXT PRIMARY KEY, shelf TEXT)`,
		`INSERT INTO books VALUES ('9780000000001', 'A 1')`)
}

// Future gives the metadata.db at path user_version 99, a table and a column
// that no Calibre has today. All that is known is still there, so it is to be
// read, with a warning; it is not among [Damages].
func Future(path string) error {
	return Alter(path,
		`ALTER TABLE books ADD COLUMN shelf_mark TEXT NOT NULL DEFAULT 'A 1'`,
		`CREATE TABLE books_loans_link (id INTEGER PRIMARY KEY, book INTEGER NOT NULL, borrower TEXT)`,
		`PRAGMA user_version = 99`)
}
