package localstore_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pressmark/pressmark/storage/localstore"
)

// TestLocksKept holds a POSIX lock on metadata.db, as SQLite does, and lets
// the store do everything that could open the file. The lock must survive; the
// test ends by showing that an open and close does drop it.
func TestLocksKept(t *testing.T) {
	dir := folder(t, map[string][]byte{"metadata.db": []byte("SQLite format 3"), "a/k": nil})
	name := filepath.Join(dir, "metadata.db")
	if err := os.Link(name, filepath.Join(dir, "a", "hard")); err != nil {
		t.Fatal(err)
	}
	symlink(t, "../metadata.db", dir, "a/soft")
	db, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	probe, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 0, Len: 1}
	if err := syscall.FcntlFlock(db.Fd(), syscall.F_SETLK, &lock); err != nil {
		t.Fatal(err)
	}
	// An open-file-description lock is another owner, also in this process.
	locked := func() bool {
		t.Helper()
		const ofdGetLock = 36 // F_OFD_GETLK
		probeLock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 0, Len: 1}
		if err := syscall.FcntlFlock(probe.Fd(), ofdGetLock, &probeLock); err != nil {
			t.Skipf("no open-file-description locks here: %v", err)
		}
		return probeLock.Type != syscall.F_UNLCK
	}
	if !locked() {
		t.Fatal("the lock is not seen")
	}
	s := localstore.New(dir, calibre)
	for _, key := range []string{"metadata.db", "a/hard", "a/soft", "metadata.db/x", "a/k"} {
		s.Stat(t.Context(), key)
		if f, _, err := s.OpenFile(t.Context(), key); err == nil {
			f.Close()
		}
		list(t, s, key)
		list(t, s, key+"/")
	}
	list(t, s, "")
	if !locked() {
		t.Error("the lock on metadata.db is gone")
	}
	if _, err := os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
	if locked() {
		t.Error("reading the file does not drop the lock: this test shows nothing")
	}
}
