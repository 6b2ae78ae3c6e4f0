package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/internal/rig"
)

// editedBooks is how many books one edit changes.
const editedBooks = 1000

// settle is the settle time of servers whose refreshes are measured.
const settle = 200 * time.Millisecond

// editor changes books as Calibre does: with its triggers, in one transaction.
type editor struct {
	db    *sql.DB
	ids   []catalog.BookID
	rng   *rand.Rand
	round int
}

func newEditor(dir string, ids []catalog.BookID) (*editor, error) {
	db, err := calibretest.Open(filepath.Join(dir, "metadata.db"))
	if err != nil {
		return nil, err
	}
	return &editor{db: db, ids: ids, rng: rand.New(rand.NewPCG(seed, 0))}, nil
}

func (e *editor) close() { e.db.Close() }

// edited is a book that an edit changed, and its new title.
type edited struct {
	id    catalog.BookID
	title string
}

// edit gives books all over the library a new title and a new tag, and returns
// one of them. It ends with the commit.
func (e *editor) edit(ctx context.Context) (edited, error) {
	e.round++
	tx, err := e.db.BeginTx(ctx, nil)
	if err != nil {
		return edited{}, err
	}
	defer tx.Rollback()
	tag, err := tx.ExecContext(ctx, `INSERT INTO tags (name) VALUES (?)`, fmt.Sprintf("Edited %d", e.round))
	if err != nil {
		return edited{}, err
	}
	tagID, err := tag.LastInsertId()
	if err != nil {
		return edited{}, err
	}
	now := time.Now().UTC().Format("2006-01-02 15:04:05.000000-07:00")
	var one edited
	for i := range min(editedBooks, len(e.ids)) {
		// Spread over the library, another book of each part in each round.
		part := len(e.ids) / min(editedBooks, len(e.ids))
		one.id = e.ids[i*part+e.rng.IntN(part)]
		one.title = fmt.Sprintf("%c edited %d, %d", 'A'+rune(e.rng.IntN(26)), e.round, i)
		if _, err := tx.ExecContext(ctx, `UPDATE books SET title = ?, last_modified = ? WHERE id = ?`, one.title, now, one.id); err != nil {
			return edited{}, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO books_tags_link (book, tag) VALUES (?, ?)`, one.id, tagID); err != nil {
			return edited{}, err
		}
	}
	return one, tx.Commit()
}

// refresh is what editing books under a running server showed: medians.
type refresh struct {
	visible time.Duration // from the commit, without the settle time
	lock    time.Duration // Calibre's lock held by the server
	lockErr error         // why lock is not known
}

func (l *lab) refreshed(ctx context.Context, books int) (*refresh, error) {
	return once(l.refreshes, books, func() (*refresh, error) {
		lib, err := l.library(ctx, books)
		if err != nil {
			return nil, err
		}
		l.rest()
		l.say("editing %d of %d books under a server", editedBooks, books)
		dir, err := l.copyDatabase(lib)
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		srv, err := l.serve(dir, "WATCH_SETTLE="+settle.String())
		if err != nil {
			return nil, err
		}
		defer srv.stop()
		if _, err := srv.Ready(ctx, "/api/health/ready", readyWait); err != nil {
			return nil, err
		}
		if _, err := settled(ctx, srv.PID()); err != nil {
			return nil, err
		}
		e, err := newEditor(dir, lib.ids)
		if err != nil {
			return nil, err
		}
		defer e.close()
		r := &refresh{}
		var visible, lock []time.Duration
		for range 5 {
			seen, held, err := r.round(ctx, e, dir, srv)
			if err != nil {
				return nil, fmt.Errorf("%w; the server's last words:\n%s", err, srv.Log.Last(5))
			}
			visible, lock = append(visible, seen), append(lock, held)
		}
		r.visible, r.lock = rig.Median(visible), rig.Median(lock)
		return r, nil
	})
}

// round edits once and waits until the server shows it.
func (r *refresh) round(ctx context.Context, e *editor, dir string, srv *process) (visible, lock time.Duration, err error) {
	c, err := dial(srv.Addr)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	one, err := e.edit(ctx)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	probe := watchLock(filepath.Join(dir, "metadata.db"))
	defer func() {
		var probeErr error
		if lock, probeErr = probe.stop(); probeErr != nil {
			r.lockErr = probeErr
		}
	}()
	request := get(nil, fmt.Sprintf("/api/books/%d", one.id))
	want := []byte(one.title) // nothing in it that JSON escapes
	for time.Since(began) < time.Minute {
		a, err := c.do(request)
		if err != nil {
			return 0, 0, err
		}
		if bytes.Contains(a.body, want) {
			return time.Since(began) - settle, 0, nil
		}
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return 0, 0, fmt.Errorf("book %d does not show the edit after a minute", one.id)
}
