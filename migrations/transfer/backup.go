package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressmark/pressmark/migrations"
)

// Backup copies an SQLite file, as it is at one moment, while others go on to use
// it. What is at path stays there: it is fs.ErrExist. PostgreSQL has pg_dump.
func Backup(ctx context.Context, d Database, path string) error {
	if d.Dialect != migrations.SQLite {
		return fmt.Errorf("backup: %w: PostgreSQL is backed up by its own pg_dump", errors.ErrUnsupported)
	}
	return create(path, func(temp string) error {
		_, err := d.DB.ExecContext(ctx, `VACUUM INTO ?`, temp)
		return err
	})
}

// create makes a file that only its owner can read, by what fill does with an
// empty one beside it: whole, or not at all.
func create(path string, fill func(temp string) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".pressmark-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := f.Close(); err != nil {
		return err
	}
	if err := fill(f.Name()); err != nil {
		return err
	}
	if f, err = os.OpenFile(f.Name(), os.O_RDWR, 0); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ExportFile is Export into a new file, which only its owner can read. What is at
// path stays there: it is fs.ErrExist.
func ExportFile(ctx context.Context, d Database, path string) (rows int64, err error) {
	err = create(path, func(temp string) error {
		f, err := os.OpenFile(temp, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		rows, err = Export(ctx, d, f)
		return errors.Join(err, f.Close())
	})
	return rows, err
}
