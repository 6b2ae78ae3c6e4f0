package pgauth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pressmark/pressmark/auth"
)

var _ auth.Changes = (*Store)(nil)

// channel is where changes are told (NOTIFY): the schema, a space, and the
// number of the account, because a channel is of a whole database.
const channel = "pressmark_users"

// silence is after how long without a word the connection is tried: one that a
// router has dropped is silent, too.
const silence = 15 * time.Second

// Watch tells of accounts that were changed. It has a connection of its own,
// beside those of the pool.
func (s *Store) Watch(ctx context.Context, listening func(), changed func(auth.UserID)) error {
	pooled, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("watch accounts: %w", err)
	}
	conn := pooled.Hijack()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(ctx) // a connection that is broken cannot say good-bye
	}()
	var schema string
	if err := conn.QueryRow(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return fmt.Errorf("watch accounts: %w", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("watch accounts: %w", err)
	}
	listening()
	for {
		payload, err := next(ctx, conn)
		if err != nil {
			return fmt.Errorf("watch accounts: %w", err)
		}
		if number, ours := strings.CutPrefix(payload, schema+" "); ours {
			id, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				id = 0 // not one of ours: ask for all
			}
			changed(auth.UserID(id))
		}
	}
}

// next waits for a notification, or "" as a sign of life.
func next(ctx context.Context, conn *pgx.Conn) (string, error) {
	wait, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	n, err := conn.WaitForNotification(wait)
	switch {
	case err == nil:
		return n.Payload, nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case !errors.Is(err, context.DeadlineExceeded):
		return "", err
	}
	ping, cancel := context.WithTimeout(ctx, silence/3)
	defer cancel()
	return "", conn.Ping(ping)
}
