package diskcache

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/pressmark/pressmark/storage"
)

const (
	wholeObject = 256 << 20 // objects up to this size are fetched at once by readers from their beginning
	bulkWindow  = 64 << 20  // of readers from the beginning of a larger one
	otherWindow = 16 << 20  // of others, once they have read on for a while
	finishBelow = 16 << 20  // missing bytes for which a fetch goes on without readers
	idleTimeout = time.Minute
	chunkSize   = 256 << 10 // largest read from a source
	emptyReads  = 100       // reads without a byte or an error after which a source is broken
)

// errLost is the error of a fetch that failed on our side: the source may still
// deliver what it was to bring.
var errLost = errors.New("the cache could not keep what was fetched")

// flight is a fetch of a window of blocks. It runs in a goroutine of its own,
// with the cache's context: no reader can hold it up or break it off, except by
// being the last one to leave.
type flight struct {
	cache       *Cache
	object      *object
	seq         uint64
	first, last int64     // blocks, last exclusive
	ids         []blockID // of the blocks
	reserved    int64     // bytes of disk
	victims     []*entry  // to be removed before anything is written
	ctx         context.Context
	cancel      context.CancelFunc

	// Guarded by Cache.mu.
	readers   int
	over      bool        // no reader can join any more, and none is awaited
	abandoned bool        // broken off by leave
	idle      *time.Timer // ends a fetch without readers that hangs

	// files is held for reading while a reader has one of the temporary files
	// open, and for writing before they are renamed or removed, which some
	// systems refuse for open files. It is taken before mu.
	files sync.RWMutex

	// mu guards what follows. No mutex is taken under it.
	mu     sync.Mutex
	wake   chan struct{} // closed at the next change, nil if nobody waits
	info   storage.Info  // what the source's Open said
	opened bool
	at     int64    // where the next byte of the object goes
	sums   []uint64 // of the files of blocks from first to that of at, as far as they are written
	gone   bool     // the temporary files are not to be opened any more
	ended  bool
	err    error
}

// progress is what a reader sees of a flight.
type progress struct {
	opened bool
	have   int64  // bytes of the block that are in its temporary file
	sum    uint64 // of the file up to there
	gone   bool
	ended  bool
	err    error
}

// has reports whether block i is in the window.
func (f *flight) has(i int64) bool { return i >= f.first && i < f.last }

// look returns how far block i is, and a channel that is closed when that
// changes.
func (f *flight) look(i int64) (progress, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := progress{opened: f.opened, gone: f.gone, ended: f.ended, err: f.err}
	if f.has(i) {
		p.have = max(min(f.at-i*f.object.blockSize, f.object.length(i)), 0)
		if p.have > 0 {
			p.sum = f.sums[i-f.first]
		}
	}
	if f.wake == nil {
		f.wake = make(chan struct{})
	}
	return p, f.wake
}

// change changes what readers see, and wakes them.
func (f *flight) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
	if f.wake != nil {
		close(f.wake)
		f.wake = nil
	}
}

// missing returns how many bytes have not arrived.
func (f *flight) missing() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return min(f.last*f.object.blockSize, f.object.size) - f.at
}

// errBypass is the answer of join if blocks cannot be kept now.
var errBypass = errors.New("the cache cannot keep this")

// join returns the flight that brings block first of o: the one that is on its
// way, or a new one of at most the blocks before last, up to the next that is
// kept or on its way. It returns nil if the block has just been kept, and
// errBypass if it cannot be.
func (c *Cache) join(o *object, first, last int64) (f *flight, started bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := o.id(first)
	if f := c.flights[id]; f != nil {
		f.readers++
		if f.idle != nil {
			f.idle.Stop()
			f.idle = nil
		}
		return f, false, nil
	}
	switch {
	case c.closed:
		return nil, false, errBypass
	case c.index.has(id):
		return nil, false, nil
	case !c.mayWrite():
		return nil, false, errBypass
	}
	ids := []blockID{id}
	for i := first + 1; i < last; i++ {
		id := o.id(i)
		if c.flights[id] != nil || c.index.has(id) {
			break
		}
		ids = append(ids, id)
	}
	last = first + int64(len(ids))
	reserved := o.costs(first, last)
	victims, ok := c.index.reserve(reserved)
	if !ok {
		return nil, false, errBypass
	}
	c.seq++
	f = &flight{
		cache: c, object: o, seq: c.seq, first: first, last: last, ids: ids,
		reserved: reserved, victims: victims, readers: 1, at: first * o.blockSize,
	}
	f.ctx, f.cancel = context.WithCancel(c.ctx)
	for _, id := range ids {
		c.flights[id] = f
	}
	c.fetching.Add(1)
	go f.run()
	return f, true, nil
}

// leave ends a reader's part in a flight. The last one breaks it off if much is
// missing.
func (c *Cache) leave(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.readers--
	if f.readers > 0 || f.over {
		return
	}
	if f.missing() >= finishBelow {
		c.abandon(f)
		return
	}
	// A source that has no time limit of its own must not keep it for ever.
	at := f.missing()
	var check func()
	check = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if f.readers > 0 || f.over {
			return
		}
		now := f.missing()
		if now == at {
			c.abandon(f)
			return
		}
		at = now
		f.idle = time.AfterFunc(idleTimeout, check)
	}
	f.idle = time.AfterFunc(idleTimeout, check)
}

// abandon breaks a flight off. c.mu is held.
func (c *Cache) abandon(f *flight) {
	f.abandoned = true
	f.cancel()
	c.conclude(f)
}

// conclude makes the blocks of a flight free to be fetched by another. c.mu is
// held.
func (c *Cache) conclude(f *flight) {
	f.over = true
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
	for _, id := range f.ids {
		if c.flights[id] == f {
			delete(c.flights, id)
		}
	}
}

// run makes room, fetches, keeps what has come, and tells the readers.
func (f *flight) run() {
	c := f.cache
	defer c.fetching.Done()
	defer f.cancel()
	err := f.makeRoom()
	if err == nil {
		err = f.fetch()
	}
	if errors.Is(err, errLost) && f.ctx.Err() == nil {
		c.degrade(err)
	}
	f.change(func() { f.gone = true })
	f.files.Lock()   // now the last reader has closed its temporary file
	f.files.Unlock() //nolint:staticcheck // SA2001: waiting is all that is wanted
	kept := int64(0)
	if err == nil {
		kept = f.keep()
	}
	// Free for another flight first: who is told must not find this one.
	c.mu.Lock()
	c.conclude(f)
	c.mu.Unlock()
	f.change(func() { f.ended, f.err = true, err })
	for i := f.first + kept; i < f.last; i++ {
		os.Remove(c.temp(f.ids[i-f.first], f.seq)) // most were never made
	}
	c.mu.Lock()
	c.index.release(f.reserved)
	c.mu.Unlock()
}

// makeRoom removes the files that the flight takes the place of.
func (f *flight) makeRoom() error {
	var failed error
	for _, e := range f.victims {
		if err := f.cache.remove(e); err != nil {
			failed = fmt.Errorf("%w: making room: %w", errLost, err)
			continue
		}
		f.cache.evicted.Add(1)
	}
	f.victims = nil
	return failed
}

// fetch brings the window into temporary files. It returns nil if the source's
// stream has ended with io.EOF after just the bytes of the window.
func (f *flight) fetch() error {
	o := f.object
	f.cache.fetches.Add(1)
	from, to := f.first*o.blockSize, min(f.last*o.blockSize, o.size)
	rc, info, err := o.open(f.ctx, from, to)
	if err != nil {
		return f.ours(err)
	}
	defer rc.Close()
	f.change(func() { f.info = info })
	if !o.is(info) {
		return o.fail(storage.ErrChanged)
	}
	f.change(func() { f.opened = true })
	chunk, ok := f.cache.chunks.Get().(*[]byte)
	if !ok {
		return errLost
	}
	defer f.cache.chunks.Put(chunk)
	src := &source{rc: rc}
	for i := f.first; i < f.last; i++ {
		if err := f.block(i, src, *chunk); err != nil {
			return f.ours(err)
		}
	}
	return f.ours(o.expectEOF(src, *chunk))
}

// ours turns an error that Close has caused into errLost.
func (f *flight) ours(err error) error {
	if err != nil && f.ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// block brings one block into its temporary file.
func (f *flight) block(i int64, src *source, chunk []byte) (err error) {
	o := f.object
	lost := func(err error) error { return fmt.Errorf("%w: %w", errLost, err) }
	file, err := f.cache.createTemp(f.cache.temp(f.ids[i-f.first], f.seq))
	if err != nil {
		return lost(err)
	}
	defer func() {
		if bad := file.Close(); bad != nil && err == nil {
			err = lost(bad)
		}
	}()
	header := o.header(i)
	if _, err := file.Write(header); err != nil {
		return lost(err)
	}
	sum := newChecksum()
	sum.add(header)
	f.change(func() { f.sums = append(f.sums, sum.value()) })
	for left := o.length(i); left > 0; {
		n, err := src.Read(chunk[:min(int64(len(chunk)), left)])
		if n > 0 {
			f.cache.fetched.Add(int64(n))
			if _, err := file.Write(chunk[:n]); err != nil {
				return lost(err)
			}
			sum.add(chunk[:n])
			left -= int64(n)
			f.change(func() {
				f.at += int64(n)
				f.sums[i-f.first] = sum.value()
			})
		}
		if err == io.EOF && (left > 0 || i+1 < f.last) {
			err = o.fail(io.ErrUnexpectedEOF)
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	if _, err := file.Write(binary.LittleEndian.AppendUint64(nil, sum.value())); err != nil {
		return lost(err)
	}
	return nil
}

// keep gives the files of all blocks their names, and returns how many. Readers
// find them in the index before the flight has ended.
func (f *flight) keep() (kept int64) {
	c := f.cache
	c.mu.Lock()
	if f.abandoned { // another flight may be bringing these blocks
		c.mu.Unlock()
		return 0
	}
	f.over = true // leave does not break it off now
	c.mu.Unlock()
	now := time.Now().Unix()
	for i := f.first; i < f.last; i++ {
		id := f.ids[i-f.first]
		c.mu.Lock()
		taken := c.index.entries[id] != nil // a file that is, or could not be, removed
		c.mu.Unlock()
		if taken {
			os.Remove(c.temp(id, f.seq))
			kept++
			continue
		}
		if err := os.Rename(c.temp(id, f.seq), c.path(id)); err != nil {
			c.degrade(fmt.Errorf("keeping a block: %w", err))
			return kept
		}
		cost := f.object.cost(i)
		c.mu.Lock()
		c.index.add(&entry{id: id, cost: cost, touched: now})
		f.reserved -= cost // it is the entry's from now on
		c.mu.Unlock()
		kept++
	}
	c.recovered(f.seq)
	return kept
}

// open opens bytes from to to of the object. All of it is asked for as all, so
// that a source can check a digest.
func (o *object) open(ctx context.Context, from, to int64) (io.ReadCloser, storage.Info, error) {
	r := storage.Range{Offset: from, Length: to - from}
	if from == 0 && to == o.size {
		r = storage.Range{}
	}
	rc, info, err := o.source.Open(ctx, o.key, r)
	if errors.Is(err, storage.ErrRange) { // it was longer
		err = o.fail(storage.ErrChanged)
	}
	return rc, info, err
}

// is reports whether info is of this version.
func (o *object) is(info storage.Info) bool { return info.Tag == o.tag && info.Size == o.size }

func (o *object) fail(err error) error { return &fs.PathError{Op: "read", Path: o.key, Err: err} }

// expectEOF returns nil if src has ended.
func (o *object) expectEOF(src *source, scratch []byte) error {
	n, err := src.Read(scratch[:1])
	switch {
	case n > 0:
		return o.fail(errors.New("the source delivers more than it was asked for"))
	case err == io.EOF:
		return nil
	}
	return err
}

// source is a stream that, once it has ended, stays so, and does not go on
// without bytes for ever.
type source struct {
	rc  io.Reader
	err error
}

func (s *source) Read(p []byte) (n int, err error) {
	for range emptyReads {
		if s.err != nil {
			return 0, s.err
		}
		n, s.err = s.rc.Read(p)
		if n > 0 {
			return n, s.err
		}
	}
	if s.err == nil {
		s.err = io.ErrNoProgress
	}
	return 0, s.err
}
