package snapshot

import (
	"errors"
	"runtime"
	"testing"
	"time"
)

var lockedBest = map[bool]Method{true: LockedOFD, false: LockedSQLite}[runtime.GOOS == "linux"]

// The ways for systems and shares without open-file-description locks.
var (
	bySQLite = []locker{lockSQLite}
	unlocked = []locker{}
)

func TestSQLiteLock(t *testing.T) {
	path := library(t, 600)
	d := openTestDir(t)
	o := Options{Wait: -1, lock: bySQLite}
	w := writer(t, path)
	w.ok("BEGIN IMMEDIATE", bump)
	c, generation := take(t, d, path, o)
	if generation != 1 || c.Method != LockedSQLite || c.Trusted || !c.Checked {
		t.Errorf("generation %d, %+v", generation, c)
	}
	w.ok("COMMIT", "BEGIN EXCLUSIVE")
	if _, err := d.Take(t.Context(), path, o); !errors.Is(err, ErrLocked) {
		t.Errorf("expected ErrLocked, got %v", err)
	}
	w.ok("COMMIT", "PRAGMA synchronous=OFF", ".churn")
	copies(t, d, path, 20, Options{Wait: time.Minute, lock: bySQLite})
	w.close()
}

func TestSQLiteLockHotJournal(t *testing.T) {
	for name, way := range map[string][]locker{"sqlite": bySQLite, "unlocked": unlocked} {
		t.Run(name, func(t *testing.T) {
			path := library(t, 600)
			w := writer(t, path)
			w.ok("PRAGMA cache_size=5", "BEGIN", bump)
			w.kill()
			untouched(t, path)
			c, generation := take(t, openTestDir(t), path, Options{lock: way})
			if generation != 1 || !c.HotJournal || c.Trusted || c.Method != Unlocked {
				t.Errorf("generation %d, %+v", generation, c)
			}
		})
	}
}

// Where locks do nothing, a copy that a writer overtook must be thrown away.
func TestUnlocked(t *testing.T) {
	path := library(t, 200)
	d := openTestDir(t)
	w := writer(t, path)
	w.ok("PRAGMA synchronous=OFF", ".churn")
	whole, refused := 0, 0
	for whole < 10 || refused < 10 {
		c, err := d.Take(t.Context(), path, Options{Wait: -1, lock: unlocked})
		switch {
		case err == nil:
			whole++
			inspect(t, c)
			if err := c.Remove(); err != nil {
				t.Error(err)
			}
		case errors.Is(err, ErrUnstable), errors.Is(err, ErrDamaged):
			refused++
		default:
			t.Fatal(err)
		}
		if whole+refused > 20000 {
			break
		}
	}
	t.Logf("%d whole, %d refused", whole, refused)
	w.close()
	take(t, d, path, Options{lock: unlocked})
}
