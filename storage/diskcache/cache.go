// Package diskcache keeps what was read from a slow [storage.Store], such as a
// bucket or a shared drive, on a disk of this machine.
//
//	cache, err := diskcache.Open("/var/cache/books", diskcache.Options{MaxBytes: 20 << 30})
//	...
//	defer cache.Close()
//	books := cache.Store(drive, "drive/1f3a")
//
// A [Cache] is a folder of bounded size, and serves any number of sources. The
// result of [Cache.Store] is a [storage.Store] that answers as its source does:
// it asks the source's Stat for the version of an object and delivers that
// version, from disk as far as it is there. So it suits sources whose Stat is
// cheap.
//
// # Blocks
//
// Objects are kept in aligned blocks of [Options.BlockSize], each a file, under
// the name of the source, the object's key, tag and size, and the block's place.
// A changed object has another tag and therefore other blocks: contents never
// mix, nothing has to be invalidated, and what nobody asks for any more is the
// first to be removed. A block is checked against its identity and its checksum
// each time before a byte of it is served; what fails is removed and fetched
// again.
//
// # Fetches
//
// What is missing is fetched in windows of many blocks, once, however many
// readers wait for it, and served while it arrives. A reader from the beginning
// of an object gets all of it, up to 256 MiB, so that a book is one call of the
// source's Open with the zero Range, and of larger ones windows of 64 MiB; a
// reader from elsewhere begins with one block and gets twice as much each time, up to
// 16 MiB, while it reads on. Nothing is fetched beyond the block with the end of
// the Range that was asked for. Blocks are kept once the source's stream has
// ended with io.EOF, which proves that all of it is of one version; a reader
// gets io.EOF only after that proof, too. So a reader of a part of a window gets
// its bytes as they come, and io.EOF when the window has ended.
//
// A fetch goes on without its readers if less than 16 MiB are missing, unless
// nothing of it arrives for a minute.
//
// # What is not kept
//
// Objects that would take more than half of [Options.MaxBytes] go by, and so
// does a window for which there is no room because others are being fetched:
// they are read from the source directly. The same is done when the disk is
// full, read-only or broken: readers notice nothing, [Stats] tells, and after 30
// seconds a next fetch tries to write again.
//
// # Capabilities
//
// A store of the cache has its source's capabilities. What is written goes to
// the source; as it has another tag then, old content is not seen.
// [storage.FileOpener] is the source's too: files of this machine need no cache.
package diskcache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// Options are the settings of a [Cache]. The zero value works.
type Options struct {
	// MaxBytes is how much the block files may take on disk, unfinished ones
	// among them, each rounded up to 4 KiB. 0 means 10 GiB. It must be at
	// least four blocks.
	MaxBytes int64

	// BlockSize is the size of blocks in bytes, from 64 KiB to 16 MiB. A reader
	// holds one block in memory. 0 means 1 MiB. Blocks of another size, from
	// before it was changed, are not used and go in time.
	BlockSize int64

	// Logger gets a line when the disk begins or ceases to make trouble. nil
	// means none.
	Logger *slog.Logger
}

const (
	defaultMaxBytes  = 10 << 30
	defaultBlockSize = 1 << 20
	minBlockSize     = 64 << 10
	maxBlockSize     = 16 << 20

	// retryAfter is how long nothing is written after the disk made trouble.
	retryAfter = 30 * time.Second
)

// Cache is a folder with blocks of objects. Make one with [Open]. Its methods
// may be called by several goroutines at once.
type Cache struct {
	dir       string
	blockSize int64
	log       *slog.Logger
	ctx       context.Context // of fetches, ends with Close
	cancel    context.CancelFunc
	fetching  sync.WaitGroup
	buffers   sync.Pool // *[]byte that a block file fits into
	chunks    sync.Pool // *[]byte of chunkSize

	// mu guards what follows, and the fields of flight that say so. It is taken
	// before flight.mu. No file is touched and no source is asked under it.
	mu      sync.Mutex
	closed  bool
	index   *index
	flights map[blockID]*flight // by the blocks that they bring
	seq     uint64              // of the last flight
	trouble trouble

	// locking guards lock, the lock of the folder. It is never held together
	// with another mutex.
	locking sync.Mutex
	lock    *os.File

	hits, misses, fetches, fetched, evicted, discarded, bypassed atomic.Int64
}

// trouble is what the disk makes. The zero value is none.
type trouble struct {
	since time.Time
	cause error
	retry time.Time // when to write again
	seq   uint64    // of the last flight that had begun then
}

// Stats are figures of a [Cache]. Counters begin with 0 at [Open].
type Stats struct {
	Bytes  int64 // that block files take on disk, and fetches may still take
	Blocks int64 // files on disk

	Hits         int64 // blocks that readers got from disk
	Misses       int64 // blocks that readers had to wait for
	Fetches      int64 // calls of a source's Open, for blocks to keep
	BytesFetched int64 // by these
	Evictions    int64 // blocks that were removed to make room
	Discarded    int64 // files that were not what they should be
	Bypassed     int64 // reads that went on, or began, past the cache

	// Degraded says that blocks are not written, since when, and why.
	Degraded bool
	Since    time.Time
	Cause    error
}

// Open opens the cache in the folder dir, which it makes if it is not there. It
// takes over the blocks that it finds, without reading them, and removes what
// fetches left unfinished. Other files in the folder are left alone. A folder
// that is open already, here or in another process, is an error that says so.
// The caller closes the cache.
func Open(dir string, o Options) (*Cache, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.BlockSize == 0 {
		o.BlockSize = defaultBlockSize
	}
	if o.BlockSize < minBlockSize || o.BlockSize > maxBlockSize {
		return nil, fmt.Errorf("diskcache: a block size of %d bytes is not from %d to %d", o.BlockSize, minBlockSize, maxBlockSize)
	}
	if o.MaxBytes < 4*o.BlockSize {
		return nil, fmt.Errorf("diskcache: %d bytes are less than four blocks of %d", o.MaxBytes, o.BlockSize)
	}
	return open(dir, o)
}

// open is Open for options that are set.
func open(dir string, o Options) (*Cache, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Cache{
		dir: dir, blockSize: o.BlockSize, log: o.Logger,
		index: newIndex(o.MaxBytes), flights: make(map[blockID]*flight),
	}
	c.buffers.New = func() any {
		b := make([]byte, maxHeader+o.BlockSize+sumSize+1)
		return &b
	}
	c.chunks.New = func() any {
		b := make([]byte, chunkSize)
		return &b
	}
	if err := c.takeOver(); err != nil {
		return nil, fmt.Errorf("diskcache: open %s: %w", dir, err)
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Store returns source with the cache in front. The name tells sources apart
// and is part of what blocks are found by: the same after a restart, another for
// each source, such as "s3/" and the bucket's name.
func (c *Cache) Store(source storage.Store, name string) *Store {
	return &Store{cache: c, source: source, name: name}
}

// Close ends all fetches, waits for them, and gives the folder free. Stores of
// the cache go on to work, and so do their readers: they read from the source.
func (c *Cache) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.fetching.Wait()
	c.locking.Lock()
	defer c.locking.Unlock()
	if err := c.lock.Close(); err != nil {
		return fmt.Errorf("diskcache: close %s: %w", c.dir, err)
	}
	return nil
}

// Stats returns the figures of now.
func (c *Cache) Stats() Stats {
	s := Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Fetches: c.fetches.Load(), BytesFetched: c.fetched.Load(),
		Evictions: c.evicted.Load(), Discarded: c.discarded.Load(), Bypassed: c.bypassed.Load(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Bytes, s.Blocks = c.index.used, int64(len(c.index.entries))
	s.Degraded, s.Since, s.Cause = c.trouble.cause != nil, c.trouble.since, c.trouble.cause
	return s
}

// degrade notes that the disk makes trouble.
func (c *Cache) degrade(cause error) {
	now := time.Now()
	c.mu.Lock()
	first := c.trouble.cause == nil
	if first {
		c.trouble.since = now
	}
	c.trouble.cause, c.trouble.retry, c.trouble.seq = cause, now.Add(retryAfter), c.seq
	c.mu.Unlock()
	if first {
		c.log.Warn("disk cache degraded", "dir", c.dir, "err", cause)
	}
}

// recovered notes that flight seq was written to disk. One that had begun before
// the trouble says nothing: on a disk that is almost full some come through.
func (c *Cache) recovered(seq uint64) {
	c.mu.Lock()
	was := c.trouble
	over := was.cause != nil && seq > was.seq
	if over {
		c.trouble = trouble{}
	}
	c.mu.Unlock()
	if over {
		c.log.Info("disk cache works again", "dir", c.dir, "took", time.Since(was.since))
	}
}

// mayWrite reports whether a fetch may begin: always without trouble, and with
// it one every while, to see whether it is over. c.mu is held.
func (c *Cache) mayWrite() bool {
	if c.trouble.cause == nil {
		return true
	}
	now := time.Now()
	if now.Before(c.trouble.retry) {
		return false
	}
	c.trouble.retry = now.Add(retryAfter)
	return true
}

// ErrInUse is the error of Open when another cache, of this process or another one,
// has the folder.
var ErrInUse = errors.New("the folder is in use by another disk cache")
