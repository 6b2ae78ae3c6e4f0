package snapshot

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestIdle(t *testing.T) {
	path := library(t, 200)
	before := list(t, filepath.Dir(path))
	d := openTestDir(t)
	c, generation := take(t, d, path, Options{})
	if generation != 1 || c.Method != lockedBest || c.WAL || c.HotJournal || c.ChangeCounter == 0 || c.LockHeld <= 0 {
		t.Errorf("generation %d, %+v", generation, c)
	}
	if c.Checked == c.Trusted {
		t.Errorf("expected a check where the lock is not trusted, and only there: %+v", c)
	}
	again, err := takeAndCheck(t.Context(), d, path, Options{})
	if again.Stamp != c.Stamp || err != nil {
		t.Errorf("second copy of the same: %+v, %v, first %+v", again, err, c)
	}
	if after := list(t, filepath.Dir(path)); !maps.Equal(before, after) {
		t.Errorf("the library changed:\nbefore %v\nafter  %v", before, after)
	}
	run(t, path, bump)
	if changed, generation := take(t, d, path, Options{}); changed.Stamp == c.Stamp || changed.ChangeCounter == c.ChangeCounter || generation != 2 {
		t.Errorf("after a commit: generation %d, %+v", generation, changed)
	}
}

func TestSymbolicLink(t *testing.T) {
	path := library(t, 50)
	link := filepath.Join(t.TempDir(), "metadata.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if _, generation := take(t, openTestDir(t), link, Options{}); generation != 1 {
		t.Errorf("generation %d", generation)
	}
}

func TestWriterPrepares(t *testing.T) {
	path := library(t, 50)
	w := writer(t, path)
	w.ok("BEGIN IMMEDIATE", bump) // RESERVED; the change is in the writer's memory
	untouched(t, path)
	c, generation := take(t, openTestDir(t), path, once)
	if generation != 1 || c.HotJournal {
		t.Errorf("expected what is committed: generation %d, %+v", generation, c)
	}
}

func TestWriterExcludes(t *testing.T) {
	path := library(t, 50)
	d := openTestDir(t)
	w := writer(t, path)
	w.ok("BEGIN EXCLUSIVE", bump)
	if _, err := d.Take(t.Context(), path, Options{Wait: 20 * time.Millisecond}); !errors.Is(err, ErrLocked) {
		t.Fatalf("expected ErrLocked, got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Take(ctx, path, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("expected context.Canceled, got %v", err)
	}
	type result struct {
		c   Copy
		err error
	}
	done := make(chan result)
	go func() {
		c, err := d.Take(t.Context(), path, Options{Wait: time.Minute})
		done <- result{c, err}
	}()
	w.ok("COMMIT")
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	if generation := inspect(t, r.c); generation != 2 {
		t.Errorf("generation %d", generation)
	}
	if err := r.c.Remove(); err != nil {
		t.Error(err)
	}
}

// A writer whose page cache overflows writes to the file before its commit.
func TestWriterSpills(t *testing.T) {
	path := library(t, 600)
	d := openTestDir(t)
	w := writer(t, path)
	w.ok("PRAGMA cache_size=5", "BEGIN", bump)
	if _, err := d.Take(t.Context(), path, once); !errors.Is(err, ErrLocked) {
		t.Fatalf("expected ErrLocked, got %v", err)
	}
	w.ok("ROLLBACK")
	if _, generation := take(t, d, path, Options{}); generation != 1 {
		t.Errorf("generation %d", generation)
	}
}

func TestContinuousCommits(t *testing.T) {
	for _, mode := range []string{"DELETE", "TRUNCATE", "PERSIST"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			path := library(t, 200)
			d := openTestDir(t)
			w := writer(t, path)
			w.ok("PRAGMA journal_mode="+mode, "PRAGMA synchronous=OFF", ".churn")
			copies(t, d, path, 200, Options{Wait: time.Minute})
			w.close()
			untouched(t, path)
			take(t, d, path, Options{})
		})
	}
}

// copies makes n whole copies of a database that is being written, until they
// show that it moved.
func copies(t *testing.T, d *Dir, path string, n int, o Options) {
	t.Helper()
	first, last := 0, 0
	for i := 0; i < n || first == last; i++ {
		c, generation := take(t, d, path, o)
		if c.HotJournal && o.lock == nil { // the other ways cannot tell, and need not
			t.Errorf("a live writer's journal was taken for hot: %+v", c)
		}
		if i == 0 {
			first = generation
		}
		if generation < last {
			t.Fatalf("generation %d after %d", generation, last)
		}
		last = generation
	}
	t.Logf("generations %d to %d", first, last)
}

// TestHotJournal kills a writer after it wrote to the file.
func TestHotJournal(t *testing.T) {
	path := library(t, 600)
	d := openTestDir(t)
	w := writer(t, path)
	w.ok("PRAGMA cache_size=5", "BEGIN", bump)
	w.kill()
	untouched(t, path)
	for range 2 { // the first must not have healed the original
		c, generation := take(t, d, path, once)
		if generation != 1 || !c.HotJournal || !c.Checked || c.Stamp.Journal.Size == 0 {
			t.Errorf("generation %d, %+v", generation, c)
		}
	}
}

// TestColdJournals covers what other journal modes leave beside the database.
func TestColdJournals(t *testing.T) {
	path := library(t, 50)
	d := openTestDir(t)
	for _, journal := range []string{"", "\x00\x00\x00\x00\x00\x00\x00\x00", "\xd9\xd5", "not a journal, but long enough"} {
		if err := os.WriteFile(path+journalSuffix, []byte(journal), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, generation := take(t, d, path, once); generation != 1 || c.HotJournal {
			t.Errorf("journal %q: generation %d, %+v", journal, generation, c)
		}
	}
	if err := os.Remove(path + journalSuffix); err != nil {
		t.Fatal(err)
	}
	run(t, path, "PRAGMA journal_mode=PERSIST", bump)
	if c, generation := take(t, d, path, once); generation != 2 || c.HotJournal || c.Stamp.Journal.Size == 0 {
		t.Errorf("persistent journal: generation %d, %+v", generation, c)
	}
}

// A writer keeps the old file locked for good, and the path gets another one.
func TestReplacedWhileLocked(t *testing.T) {
	path := library(t, 50)
	d := openTestDir(t)
	next := path + ".new"
	run(t, next, schema, "INSERT INTO part VALUES(1, 5, '')", schemaEnd)
	w := writer(t, path)
	w.ok("BEGIN EXCLUSIVE")
	if _, err := d.Take(t.Context(), path, once); !errors.Is(err, ErrLocked) {
		t.Fatalf("expected ErrLocked, got %v", err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	if _, generation := take(t, d, path, Options{}); generation != 5 {
		t.Errorf("generation %d", generation)
	}
}

// TestMaxHold lets the lock go before the first byte is copied.
func TestMaxHold(t *testing.T) {
	path := library(t, 200)
	c, generation := take(t, openTestDir(t), path, Options{MaxHold: 1})
	if generation != 1 || c.Trusted || !c.Checked || c.Method != Unlocked || c.LockHeld <= 0 {
		t.Errorf("generation %d, %+v", generation, c)
	}
}
