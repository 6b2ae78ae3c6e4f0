package snapshot

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shared opens the database and takes the lock as Take does.
func shared(t *testing.T, path string) (*source, *sharedLock) {
	t.Helper()
	s, err := openSource(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.file.Close() })
	l, err := lockOFD(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

// TestWriterWaits shows the cost to Calibre: its commit waits while the lock is
// held, keeps new readers out meanwhile, and then succeeds.
func TestWriterWaits(t *testing.T) {
	path := library(t, 50)
	d := openTestDir(t)
	s, l := shared(t, path)
	w := writer(t, path)
	w.ok("BEGIN IMMEDIATE", bump)
	w.send("COMMIT")
	until(t, "the writer waits for readers", func() bool {
		pending, err := writeLocked(s.file, pendingByte)
		if err != nil {
			t.Fatal(err)
		}
		return pending
	})
	if c, err := d.Take(t.Context(), path, once); err == nil || c.Path != "" {
		t.Errorf("a reader came in before the writer: %+v, %v", c, err)
	}
	l.release()
	if a := w.answer(); a != "ok" {
		t.Fatalf("commit: %s", a)
	}
	if _, generation := take(t, d, path, Options{}); generation != 2 {
		t.Errorf("generation %d", generation)
	}
}

// TestLocksAreIndependent closes one copier's descriptor, which would drop the
// other's lock if the locks were POSIX ones.
func TestLocksAreIndependent(t *testing.T) {
	path := library(t, 50)
	first, _ := shared(t, path)
	_, second := shared(t, path)
	take(t, openTestDir(t), path, Options{}) // a third one comes and goes
	w := writer(t, path)
	w.ok("PRAGMA busy_timeout=0", "BEGIN IMMEDIATE", bump)
	refused := func() {
		t.Helper()
		w.send("COMMIT")
		if a := w.answer(); !strings.Contains(a, "locked") {
			t.Fatalf("the writer came through: %s", a)
		}
	}
	refused()
	if err := first.file.Close(); err != nil {
		t.Fatal(err)
	}
	refused()
	second.release()
	w.ok("COMMIT")
}

// TestSuperJournal kills a writer in the middle of a commit over two databases,
// as Calibre's are when notes are attached.
func TestSuperJournal(t *testing.T) {
	path := library(t, 200)
	d := openTestDir(t)
	notes := filepath.Join(filepath.Dir(path), "notes.db")
	run(t, notes, "CREATE TABLE n(x)", "INSERT INTO n VALUES(1)")
	super := func() string { // that the finished journal names and that exists
		f, err := os.Open(path + journalSuffix)
		if err != nil {
			return ""
		}
		defer f.Close()
		magic := make([]byte, len(journalMagic))
		_, unread := f.ReadAt(magic, 0)
		name, _, err := superJournal(f)
		if unread != nil || string(magic) != journalMagic || err != nil || name == "" {
			return ""
		}
		name = filepath.Join(filepath.Dir(path), name)
		if _, err := os.Stat(name); err != nil {
			return ""
		}
		return name
	}
	// The kill may come too late. The next writer recovers then.
	until(t, "a super-journal outlives its writer", func() bool {
		w := writer(t, path)
		w.ok("ATTACH '"+notes+"' AS notes", ".churn "+bump+"UPDATE n SET x = x + 1;")
		until(t, "a super-journal", func() bool { return super() != "" })
		w.kill()
		return super() != ""
	})
	uncommitted := 0
	t.Run("uncommitted", func(t *testing.T) {
		untouched(t, path)
		var c Copy
		if c, uncommitted = take(t, d, path, once); !c.HotJournal {
			t.Errorf("generation %d, %+v", uncommitted, c)
		}
	})
	// The journal names the super-journal's folder as the writer saw it.
	t.Run("mounted elsewhere", func(t *testing.T) {
		folder := filepath.Dir(path)
		if err := os.Rename(folder, folder+" moved"); err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(folder+" moved", "metadata.db")
		untouched(t, path)
		if c, generation := take(t, d, path, once); !c.HotJournal || generation != uncommitted {
			t.Errorf("generation %d, expected %d, %+v", generation, uncommitted, c)
		}
	})
	t.Run("committed", func(t *testing.T) {
		// Deleting it is what commits. The journal is a leftover then.
		if err := os.Remove(super()); err != nil {
			t.Fatal(err)
		}
		s, l := shared(t, path)
		if f, err := s.openHotJournal(l); f != nil || err != nil {
			t.Errorf("expected no hot journal: %v, %v", f, err)
		}
	})
}

// TestReplaced exchanges the database for another one while it is copied, as
// Calibre's restore and synchronising tools do.
func TestReplaced(t *testing.T) {
	path := library(t, 500)
	other := path + ".other"
	d := openTestDir(t)
	run(t, other, schema, "INSERT INTO part SELECT id, 0, randomblob(70000) FROM debit", schemaEnd)
	sizes := map[int]int64{}
	for generation, file := range []string{other, path} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		sizes[generation] = info.Size()
	}
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		tick := time.NewTicker(500 * time.Microsecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-tick.C:
			}
			if err := unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE); err != nil {
				stopped <- err
				return
			}
		}
	}()
	seen := map[int]int{}
	for i := 0; i < 200 || len(seen) < 2; i++ {
		c, generation := take(t, d, path, Options{Wait: time.Minute})
		seen[generation]++
		if c.Size != sizes[generation] || c.Stamp.Main.Size != c.Size {
			t.Errorf("generation %d of %d bytes: %+v", generation, sizes[generation], c)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	t.Log(seen)
}

// TestReadOnly copies, without rights, from a folder that nobody may write.
func TestReadOnly(t *testing.T) {
	prepare := map[string]func(t *testing.T, path string){
		"rollback": func(*testing.T, string) {},
		"hot journal": func(t *testing.T, path string) {
			w := writer(t, path)
			w.ok("PRAGMA cache_size=5", "BEGIN", bump)
			w.kill()
		},
		"wal": func(t *testing.T, path string) {
			w := walWriter(t, path, 0)
			w.ok("SELECT 1", bump, "UPDATE part SET generation = 1")
			w.kill()
		},
		"wal closed": func(t *testing.T, path string) { run(t, path, "PRAGMA journal_mode=WAL") },
	}
	for name, prepare := range prepare {
		t.Run(name, func(t *testing.T) {
			path := library(t, 600)
			prepare(t, path)
			scratch := openScratch(t, path)
			untouched(t, path)

			cmd := exec.Command(scratch.binary, path, scratch.dir)
			cmd.Env = append(os.Environ(), roleVar+"="+roleTake)
			if os.Getuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var c Copy
			if err := json.Unmarshal(out, &c); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if c.HotJournal != (name == "hot journal") || c.WAL != strings.HasPrefix(name, "wal") || c.Method == LockedSQLite {
				t.Errorf("%+v", c)
			}
		})
	}
}

type scratch struct{ binary, dir string }

// openScratch makes the library at path readable and read-only for everybody,
// and a test binary and a folder that everybody can use.
func openScratch(t *testing.T, path string) scratch {
	t.Helper()
	top, err := os.MkdirTemp("", "snapshot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	s := scratch{filepath.Join(top, "binary"), filepath.Join(top, "scratch")}
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.WriteFile(s.binary, program, 0o755))
	check(os.Mkdir(s.dir, 0o755))
	if os.Getuid() == 0 {
		check(os.Chown(s.dir, 65534, 65534))
	}
	check(os.Chmod(top, 0o755))

	folder := filepath.Dir(path)
	for name := range list(t, folder) {
		check(os.Chmod(filepath.Join(folder, name), 0o444))
	}
	check(os.Chmod(folder, 0o555))
	t.Cleanup(func() { check(os.Chmod(folder, 0o755)) })
	for dir := filepath.Dir(folder); dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		check(os.Chmod(dir, 0o755))
	}
	return s
}
