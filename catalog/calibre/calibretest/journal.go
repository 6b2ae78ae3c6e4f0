package calibretest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// WAL switches the metadata.db at path to write-ahead logging, as some other
// programs do to Calibre's file, and commits the statements, if any, so that
// they are found only in the file metadata.db-wal beside it: a reader of
// metadata.db alone gets the books as they were before. There is no -shm file,
// as after a copy of the folder. Without statements there is no -wal either.
func WAL(path string, statements ...string) error {
	return keepFiles(path, "-wal", "wal", func(db *sql.Conn) error {
		for _, s := range append([]string{
			`PRAGMA journal_mode = WAL`, `PRAGMA wal_checkpoint(TRUNCATE)`, `PRAGMA wal_autocheckpoint = 0`,
		}, statements...) {
			if _, err := db.ExecContext(context.Background(), s); err != nil {
				return fmt.Errorf("%.60q: %w", s, err)
			}
		}
		return nil
	})
}

// HotJournal leaves the metadata.db at path as a writer does that is killed in
// the middle of a large transaction: the pages that did not fit its cache are
// in the file, and metadata.db-journal holds what they replaced. Read with its
// journal, the library is what it was before; without, its tags and comments
// are half rewritten and the file has grown. SQLite sees that the journal is
// hot, for nobody holds a lock, and rolls back when it may write.
func HotJournal(path string) error {
	return keepFiles(path, "-journal", "hot journal", func(db *sql.Conn) error {
		for _, s := range []string{
			`PRAGMA journal_mode = DELETE`,
			`PRAGMA synchronous = FULL`, // the journal's header gets its page count only when it is synced
			`PRAGMA cache_size = 2`,     // pages: the rest spills
			`BEGIN IMMEDIATE`,
			`UPDATE tags SET name = name || ' (unfinished)'`,
			`UPDATE comments SET text = text || ' (unfinished)'`,
			`CREATE TABLE unfinished (filler BLOB)`,
			`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 64) INSERT INTO unfinished SELECT randomblob(5000) FROM n`,
		} {
			if _, err := db.ExecContext(context.Background(), s); err != nil {
				return fmt.Errorf("%.60q: %w", s, err)
			}
		}
		return nil
	})
}

// keepFiles lets write work on the database, reads the file and its companion
// (by suffix) while the connection is still open, closes it, which tidies both
// up, and puts them back as they were.
func keepFiles(path, suffix, operation string, write func(*sql.Conn) error) error {
	db, err := Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	defer conn.Close()
	if err := write(conn); err != nil {
		return fmt.Errorf("%s: %s: %w", operation, path, err)
	}
	main, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	companion, err := os.ReadFile(path + suffix)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	conn.Close()
	if err := db.Close(); err != nil { // rolls back, or checkpoints
		return fmt.Errorf("%s: %w", operation, err)
	}
	if err := os.WriteFile(path, main, 0o644); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	if len(companion) == 0 {
		return nil
	}
	if err := os.WriteFile(path+suffix, companion, 0o644); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}
