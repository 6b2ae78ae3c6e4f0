package diskcache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/pressmark/pressmark/storage"
)

// tmpfs mounts a file system in memory with the size, or skips the test.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("SKIPPED: cannot mount a tmpfs (this takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting: %v", err)
			syscall.Unmount(dir, syscall.MNT_DETACH)
		}
	})
	return dir
}

// Many fetches at once on a disk that is just as large as the cache may be: it is
// never full.
func TestBoundTogether(t *testing.T) {
	const limit = 60 * pageSize
	c := newCache(t, tmpfs(t, fmt.Sprint(limit)), 1500, limit)
	src := newOrigin(t, nil)
	fillShelf(t, src)
	src.body = func(_ context.Context, n int, rc io.ReadCloser) io.ReadCloser {
		if n%7 == 0 {
			return failing(rc, 900, errors.New("broken"))
		}
		return rc
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() { readShelf(t, c, src, g+1) })
	}
	wg.Wait()
	settle(c)
	if st := c.Stats(); st.Degraded || st.Evictions == 0 {
		t.Errorf("%+v", st)
	}
	audit(t, c)
}

// A disk that is full, and has room again.
func TestDiskFull(t *testing.T) {
	dir := tmpfs(t, "200k")
	content := map[string][]byte{}
	for i := range 10 {
		content[fmt.Sprint(i)] = pattern(60_000, i)
	}
	src := newOrigin(t, content)
	c := newCache(t, dir, 10_000, 1<<20) // more than there is
	s := c.Store(src, "mem")
	for range 3 {
		var wg sync.WaitGroup
		for key, content := range content {
			wg.Go(func() { want(t, s, key, content) })
		}
		wg.Wait()
	}
	settle(c)
	st := c.Stats()
	if !st.Degraded || !errors.Is(st.Cause, syscall.ENOSPC) {
		t.Errorf("%+v", st)
	}
	if _, _, temps := usage(t, dir); temps > 0 {
		t.Errorf("%d temporary files are left on a full disk", temps)
	}
	for _, f := range blockFiles(t, c) {
		os.Remove(f)
	}
	c.mu.Lock()
	c.trouble.retry = c.trouble.since // the while is over
	c.mu.Unlock()
	want(t, s, "0", content["0"])
	settle(c)
	if st := c.Stats(); st.Degraded {
		t.Errorf("%+v", st)
	}
	for key, content := range content { // so that all that has vanished is noticed
		want(t, s, key, content)
	}
	c.Close()
}

// A disk that has become read-only serves what it has.
func TestReadOnly(t *testing.T) {
	dir := tmpfs(t, "1m")
	a, b := pattern(60_000, 1), pattern(60_000, 2)
	src := newOrigin(t, map[string][]byte{"a": a, "b": b})
	c := newCache(t, filepath.Join(dir, "cache"), 10_000, 1<<20)
	s := c.Store(src, "mem")
	want(t, s, "a", a)
	settle(c)
	lock := c.lock // open for writing, it would keep the system from changing
	c.lock = nil
	lock.Close()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		want(t, s, "a", a)
		want(t, s, "b", b)
	}
	settle(c)
	if st := c.Stats(); !errors.Is(st.Cause, syscall.EROFS) || st.Fetches != 2 || st.Blocks != 6 {
		t.Errorf("%+v", st)
	}
	// A damaged block cannot be removed, and is not served either.
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(blockFiles(t, c)[0], []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		want(t, s, "a", a)
		if _, _, err := read(t.Context(), s, "a", storage.Range{Offset: -1}); err != nil {
			t.Error(err)
		}
	}
	if n := c.Stats().Discarded; n != 1 {
		t.Errorf("%d files were discarded", n)
	}
	if _, err := Open(filepath.Join(dir, "cache"), Options{}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Open: %v", err)
	}
	c.lock = lock
	c.Close()
}

// A pipe in the place of a block does not hold a reader up.
func TestPipe(t *testing.T) {
	src := newOrigin(t, map[string][]byte{"a": pattern(5000, 1)})
	c := newCache(t, t.TempDir(), 1000, 1<<20)
	want(t, c.Store(src, "mem"), "a", pattern(5000, 1))
	settle(c)
	file := blockFiles(t, c)[0]
	if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
		t.Fatal(err)
	}
	want(t, c.Store(src, "mem"), "a", pattern(5000, 1))
	settle(c)
	if st := c.Stats(); st.Discarded != 1 {
		t.Errorf("%+v", st)
	}
	audit(t, c)
}

// asNobody runs a test of root's once more as somebody who may not read everything.
func asNobody(t *testing.T) {
	t.Helper()
	const nobody = 65534
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "diskcache.test") // the folder of the first one is root's alone
	if err := errors.Join(os.WriteFile(name, program, 0o755), os.Chmod(dir, 0o777), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v\n%s", err, out)
	}
}
