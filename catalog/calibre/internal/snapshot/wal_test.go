package snapshot

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

// walWriter opens the library at path in WAL mode.
func walWriter(t *testing.T, path string, checkpointAfter int) *process {
	w := writer(t, path)
	w.ok("PRAGMA journal_mode=WAL", fmt.Sprintf("PRAGMA wal_autocheckpoint=%d", checkpointAfter))
	return w
}

func TestWAL(t *testing.T) {
	path := library(t, 200)
	d := openTestDir(t)
	w := walWriter(t, path, 0)
	w.ok(bump, bump)
	t.Run("open", func(t *testing.T) {
		untouched(t, path)
		c, generation := take(t, d, path, once)
		if generation != 3 || !c.WAL || c.Method != WALGeneration || c.LockHeld != 0 || c.Checked == c.Trusted {
			t.Errorf("generation %d, %+v", generation, c)
		}
	})
	t.Run("in a transaction", func(t *testing.T) {
		w.ok("PRAGMA cache_size=5", "BEGIN IMMEDIATE", bump) // spills uncommitted frames
		t.Cleanup(func() { w.ok("ROLLBACK") })
		untouched(t, path)
		if _, generation := take(t, d, path, once); generation != 3 {
			t.Errorf("generation %d", generation)
		}
	})
	t.Run("killed", func(t *testing.T) {
		w.ok(bump)
		w.kill()
		untouched(t, path)
		if _, generation := take(t, d, path, once); generation != 4 {
			t.Errorf("generation %d", generation)
		}
	})
	t.Run("closed", func(t *testing.T) {
		run(t, path, bump) // the last to close folds the -wal into the file
		if _, err := os.Stat(path + walSuffix); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("expected no -wal: %v", err)
		}
		untouched(t, path)
		c, generation := take(t, d, path, once)
		if generation != 5 || !c.WAL || c.Method != Unlocked || c.Trusted || !c.Checked {
			t.Errorf("generation %d, %+v", generation, c)
		}
	})
	t.Run("truncated", func(t *testing.T) {
		w := walWriter(t, path, 0)
		w.ok(bump, "PRAGMA wal_checkpoint(TRUNCATE)")
		untouched(t, path)
		if c, generation := take(t, d, path, once); generation != 6 || c.Trusted {
			t.Errorf("generation %d, %+v", generation, c)
		}
		w.kill()
	})
}

func TestWALContinuousCommits(t *testing.T) {
	for name, change := range map[string]string{"few pages": transfer, "most pages": bump} {
		for _, checkpointAfter := range []int{1, 150, 1000} {
			t.Run(fmt.Sprintf("%s/checkpoint after %d", name, checkpointAfter), func(t *testing.T) {
				path := library(t, 200)
				d := openTestDir(t)
				w := walWriter(t, path, checkpointAfter)
				w.ok("PRAGMA synchronous=OFF", ".churn "+change)
				first, _ := take(t, d, path, Options{Wait: time.Minute})
				last := first
				for i := 0; i < 40 || first.Stamp == last.Stamp; i++ {
					last, _ = take(t, d, path, Options{Wait: time.Minute})
				}
				w.close()
				take(t, d, path, Options{})
			})
		}
	}
}

// Calibre folds the -wal into metadata.db when it closes the library, which
// people copy as one file. A copier must never keep it from that.
func TestWALCloses(t *testing.T) {
	path := library(t, 200)
	d := openTestDir(t)
	for i := range 10 {
		w := walWriter(t, path, 1000)
		w.ok("PRAGMA synchronous=OFF", bump)
		done := make(chan error, 1)
		closing := make(chan struct{})
		go func() {
			for {
				c, err := d.Take(t.Context(), path, Options{Wait: time.Minute})
				if err == nil {
					err = c.Remove()
				}
				select {
				case <-closing:
					done <- err
					return
				default:
				}
				if err != nil {
					done <- err
					return
				}
			}
		}()
		w.close()
		close(closing)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + walSuffix); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("round %d: the -wal stayed behind: %v", i, err)
		}
	}
}
