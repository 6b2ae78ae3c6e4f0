package diskcache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pressmark/pressmark/storage"
	"github.com/pressmark/pressmark/storage/memstore"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	code := m.Run()
	if left := goroutines("(*flight)."); code == 0 && left != "" {
		fmt.Println("goroutines that are left:", left)
		code = 1
	}
	os.Exit(code)
}

// goroutines returns the stacks of those that are in a function of the name.
func goroutines(name string) string {
	b := make([]byte, 1<<20)
	var found []string
	for g := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(g, name) {
			found = append(found, g)
		}
	}
	return strings.Join(found, "\n\n")
}

// newCache opens a cache with blocks of any size. At the end of the test, what
// it knows must be what is on disk.
func newCache(t testing.TB, dir string, blockSize, maxBytes int64) *Cache {
	t.Helper()
	c, err := open(dir, Options{BlockSize: blockSize, MaxBytes: maxBytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// audit closes the cache and compares what it knows with what is on disk.
func audit(t testing.TB, c *Cache) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if n := inFlight(c); n > 0 {
		t.Errorf("%d blocks are still being fetched", n)
	}
	used, files, temps := usage(t, c.dir)
	if temps > 0 {
		t.Errorf("%d temporary files are left", temps)
	}
	if s := c.Stats(); s.Bytes != used || s.Blocks != files {
		t.Errorf("Stats: %d bytes in %d blocks; on disk are %d in %d", s.Bytes, s.Blocks, used, files)
	}
	for id, e := range c.index.entries {
		if e.pins != 0 || e.leaving {
			t.Errorf("block %v: %d pins, leaving: %v", id, e.pins, e.leaving)
		}
	}
}

// usage returns what is in the folders of blocks.
func usage(t testing.TB, dir string) (used, files, temps int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() || d.Name() == lockName {
			return err
		}
		fi, err := d.Info()
		if os.IsNotExist(err) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		used += onDisk(fi.Size())
		if strings.HasSuffix(path, tempSuffix) {
			temps++
		} else {
			files++
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return used, files, temps
}

// origin is a source that counts, and that a test can make wait or fail.
type origin struct {
	*memstore.Store
	opens atomic.Int64
	bytes atomic.Int64

	mu     sync.Mutex
	ranges []storage.Range
	stat   func(storage.Info) storage.Info                                  // changes what Stat says
	open   func(n int, r storage.Range) error                               // is called before the nth Open, from 1
	body   func(ctx context.Context, n int, rc io.ReadCloser) io.ReadCloser // replaces what the nth Open returns
}

func newOrigin(t testing.TB, objects map[string][]byte) *origin {
	t.Helper()
	o := &origin{Store: memstore.New(memstore.Options{})}
	for key, content := range objects {
		o.put(t, key, content)
	}
	return o
}

func (o *origin) put(t testing.TB, key string, content []byte) storage.Info {
	t.Helper()
	info, err := o.Put(context.Background(), key, bytes.NewReader(content), storage.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func (o *origin) Stat(ctx context.Context, key string) (storage.Info, error) {
	info, err := o.Store.Stat(ctx, key)
	o.mu.Lock()
	stat := o.stat
	o.mu.Unlock()
	if err == nil && stat != nil {
		info = stat(info)
	}
	return info, err
}

func (o *origin) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	n := int(o.opens.Add(1))
	o.mu.Lock()
	o.ranges = append(o.ranges, r)
	open, body := o.open, o.body
	o.mu.Unlock()
	if open != nil {
		if err := open(n, r); err != nil {
			return nil, storage.Info{}, err
		}
	}
	rc, info, err := o.Store.Open(ctx, key, r)
	if err != nil {
		return nil, info, err
	}
	rc = &counted{rc, &o.bytes}
	if body != nil {
		rc = body(ctx, n, rc)
	}
	return rc, info, nil
}

// asked returns the ranges of all Opens, and forgets them.
func (o *origin) asked() []storage.Range {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.ranges
	o.ranges = nil
	return r
}

type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// body is a reader with a Read of its own.
type body struct {
	io.ReadCloser
	read func(p []byte) (int, error)
}

func (b body) Read(p []byte) (int, error) { return b.read(p) }

// gated returns a body that gives n bytes and then waits for the gate, or ctx.
func gated(ctx context.Context, rc io.ReadCloser, n int64, gate <-chan struct{}) io.ReadCloser {
	return body{rc, func(p []byte) (int, error) {
		if n <= 0 {
			select {
			case <-gate:
				n = math.MaxInt64
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		got, err := rc.Read(p[:min(int64(len(p)), n)])
		n -= int64(got)
		return got, err
	}}
}

// failing returns a body that gives n bytes and then an error.
func failing(rc io.ReadCloser, n int64, err error) io.ReadCloser {
	return body{rc, func(p []byte) (int, error) {
		if n <= 0 {
			return 0, err
		}
		got, err := rc.Read(p[:min(int64(len(p)), n)])
		n -= int64(got)
		return got, err
	}}
}

// pattern returns n bytes, others for each seed, in which places can be told.
func pattern(n, seed int) []byte {
	b := make([]byte, 0, n+24)
	for len(b) < n {
		b = fmt.Appendf(b, "%d:%x,", seed, len(b))
	}
	return b[:n]
}

// read returns what Open delivers.
func read(ctx context.Context, s storage.Store, key string, r storage.Range) ([]byte, storage.Info, error) {
	rc, info, err := s.Open(ctx, key, r)
	if err != nil {
		return nil, info, err
	}
	defer rc.Close()
	b, err := io.ReadAll(rc)
	return b, info, err
}

// want reads an object's whole, and fails the test unless it is content.
func want(t testing.TB, s storage.Store, key string, content []byte) {
	t.Helper()
	got, _, err := read(context.Background(), s, key, storage.Range{})
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%s: %d bytes, %v; want %d", key, len(got), err, len(content))
	}
}

// start opens an object and fails the test if it cannot.
func start(t testing.TB, s storage.Store, key string, r storage.Range) io.ReadCloser {
	t.Helper()
	rc, _, err := s.Open(t.Context(), key, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rc.Close() })
	return rc
}

// settle waits until nothing is fetched any more.
func settle(c *Cache) { c.fetching.Wait() }

// inFlight returns how many blocks are on their way.
func inFlight(c *Cache) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.flights)
}

// blockFiles returns the files of the cache.
func blockFiles(t testing.TB, c *Cache) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, "??", strings.Repeat("?", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// gateFirst lets the first Open give n bytes and then wait for the gate.
func (o *origin) gateFirst(n int64, gate <-chan struct{}) {
	o.body = func(ctx context.Context, i int, rc io.ReadCloser) io.ReadCloser {
		if i > 1 {
			return rc
		}
		return gated(ctx, rc, n, gate)
	}
}

// endless is a source with objects of any size and no memory: the byte at i is a
// hash of i.
type endless struct {
	size  int64
	mu    sync.Mutex
	opens []storage.Range
}

func (e *endless) Stat(_ context.Context, key string) (storage.Info, error) {
	return storage.Info{Key: key, Size: e.size, Tag: "endless"}, nil
}

func (e *endless) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	e.mu.Lock()
	e.opens = append(e.opens, r)
	e.mu.Unlock()
	info, _ := e.Stat(ctx, key)
	start, n, err := r.Resolve(e.size)
	return storage.NewReader(ctx, key, io.NopCloser(&stream{at: start}), n), info, err
}

func (e *endless) List(context.Context, string) iter.Seq2[storage.Info, error] { return nil }

func (e *endless) asked() []storage.Range {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.opens
}

func byteAt(i int64) byte { return byte(uint64(i) * 0x9e3779b97f4a7c15 >> 56) }

type stream struct{ at int64 }

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byteAt(s.at + int64(i))
	}
	s.at += int64(len(p))
	return len(p), nil
}

// checker is a writer that accepts only the bytes of endless.
type checker struct{ at int64 }

func (c *checker) Write(p []byte) (int, error) {
	for i, b := range p {
		if b != byteAt(c.at+int64(i)) {
			return i, fmt.Errorf("byte %d is wrong", c.at+int64(i))
		}
	}
	c.at += int64(len(p))
	return len(p), nil
}

func readerOf(b []byte) io.Reader { return bytes.NewReader(b) }
