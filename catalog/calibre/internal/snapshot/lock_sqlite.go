package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// lockSQLite holds the SHARED lock through an SQLite connection. Its POSIX lock
// is the process's: another copier of the same file in this process takes it
// away when it closes its descriptor. So a copy made under it is not trusted.
//
// The source was opened before and is closed after, for the same reason.
func lockSQLite(ctx context.Context, s *source) (*sharedLock, error) {
	db, err := sql.Open("sqlite", dsn(s.path, "mode=ro&_pragma=busy_timeout(0)"))
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err == nil {
		var tables int
		// BEGIN alone takes no lock.
		if err = tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}
	switch {
	case err == nil:
		return &sharedLock{method: LockedSQLite, unlock: func() {
			_ = tx.Rollback() // nothing was written
			_ = db.Close()
		}}, nil
	case ctx.Err() != nil:
		err = ctx.Err()
	case isBusy(err):
		err = ErrLocked
	default:
		// A hot journal, no locks, no permission, damage: the comparison before
		// and after and the check of the copy decide.
		err = fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	_ = db.Close()
	return nil, err
}
