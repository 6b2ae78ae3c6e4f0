package diskcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/storage"
)

// maxTries is how many fetches a reader waits for without getting a byte, as
// what they bring is removed again, before it goes to the source itself.
const maxTries = 3

// reader is what Open returns. It stands in one of four places: in a block in
// memory, in a flight that brings the next block, in the source's own stream, or
// at a byte for which it has to look where it is.
type reader struct {
	cache  *Cache
	object *object
	ctx    context.Context
	cancel context.CancelFunc
	closed atomic.Bool

	// mu makes Close wait for a Read that runs, which the end of ctx wakes.
	mu       sync.Mutex
	err      error // of all further reads
	pos, end int64
	window   int64 // bytes of the next fetch
	limit    int64 // that window must not exceed
	tries    int

	// The file of block in buf, proven up to have bytes of content.
	buf     *[]byte
	idle    *time.Timer // takes buf away from a reader whose client is slow
	block   int64
	have    int64
	content []byte
	sum     *checksum // of the file up to have, while a flight brings it

	// flight is where bytes come from that are not proven yet. Those given out
	// of it begin at unproven and have the checksum given.
	flight   *flight
	unproven int64
	given    *checksum

	direct io.ReadCloser // the source's stream
}

func newReader(ctx context.Context, c *Cache, o *object, start, end int64) *reader {
	r := &reader{cache: c, object: o, pos: start, end: end, window: o.blockSize, limit: otherWindow}
	if start == 0 {
		r.window = bulkWindow
		if o.size <= wholeObject {
			r.window = (o.size + o.blockSize - 1) / o.blockSize * o.blockSize
		}
		r.limit = r.window
	}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

// begin finds the first byte, or waits until the source has been opened for it.
// If the source has another version, that is returned with an error.
func (r *reader) begin() (other storage.Info, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.watch()
	if err := r.ctx.Err(); err != nil {
		return other, r.object.fail(err)
	}
	for r.pos < r.end && r.content == nil {
		if r.flight == nil {
			if err := r.find(); err != nil {
				return other, err
			}
			continue
		}
		f := r.flight
		p, wake := f.look(f.first)
		switch {
		case p.ended && errors.Is(p.err, errLost):
			return other, errBypass
		case p.ended && p.err != nil:
			if f.info.Tag != "" && !r.object.is(f.info) { // it is not changed after the end
				other = f.info
			}
			return other, p.err
		case p.opened:
			return other, nil
		}
		if err := r.wait(wake); err != nil {
			return other, err
		}
	}
	return other, nil
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.read(p)
	if err != nil {
		if r.closed.Load() {
			err = r.object.fail(fs.ErrClosed)
		}
		r.err = err
		r.release()
	}
	r.watch()
	return n, err
}

// idleReader is how long a reader keeps memory between two Reads: hundreds whose
// clients are slow would have hundreds of blocks.
const idleReader = 50 * time.Millisecond

// watch has memory be freed if there is no Read for a while.
func (r *reader) watch() {
	switch {
	case r.buf == nil:
	case r.idle == nil:
		r.idle = time.AfterFunc(idleReader, r.rest)
	default:
		r.idle.Reset(idleReader)
	}
}

// rest frees memory. What was in it is read again when it is wanted.
func (r *reader) rest() {
	if r.mu.TryLock() { // else somebody reads
		defer r.mu.Unlock()
		r.free()
	}
}

func (r *reader) read(p []byte) (int, error) {
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, r.object.fail(err)
		}
		if r.direct != nil {
			return r.readDirect(p)
		}
		if b := r.ready(); len(b) > 0 {
			return r.give(p, b), nil
		}
		switch i := r.pos / r.object.blockSize; {
		case r.flight != nil && (r.pos == r.end || !r.flight.has(i)):
			if err := r.prove(); err != nil {
				return 0, err
			}
		case r.pos == r.end:
			return 0, io.EOF
		case r.flight != nil:
			if err := r.follow(i); err != nil {
				return 0, err
			}
		default:
			err := r.find()
			if err == errBypass {
				err = r.goDirect()
			}
			if err != nil {
				return 0, err
			}
		}
	}
}

// ready returns the bytes in memory from pos.
func (r *reader) ready() []byte {
	size := r.object.blockSize
	if r.content == nil || r.pos/size != r.block {
		return nil
	}
	from, to := r.pos-r.block*size, min(r.have, r.end-r.block*size)
	if from >= to {
		return nil
	}
	return r.content[from:to]
}

// give copies bytes to p, and notes those that are not proven.
func (r *reader) give(p, b []byte) int {
	n := copy(p, b)
	if r.flight != nil {
		if r.given == nil {
			r.given, r.unproven = newChecksum(), r.pos
		}
		r.given.add(p[:n])
	}
	r.pos += int64(n)
	r.tries = 0
	if r.flight == nil && (r.pos == r.end || r.pos%r.object.blockSize == 0) {
		r.free() // a reader that waits for its client holds no memory
	}
	return n
}

// find looks for the block at pos: it is in memory then, or r.flight brings it,
// or neither if it is to be looked for once more.
func (r *reader) find() error {
	o, i := r.object, r.pos/r.object.blockSize
	r.take(i)
	content, err := r.cache.load(o, i, *r.buf)
	if err != nil {
		r.cache.degrade(err)
		return errBypass
	}
	if content != nil {
		r.cache.hits.Add(1)
		r.content, r.have = content, int64(len(content))
		return nil
	}
	r.free() // whoever waits for a source holds no memory
	if r.tries++; r.tries > maxTries {
		return errBypass
	}
	last := min(o.blocks(r.end), i+max(r.window/o.blockSize, 1))
	f, started, err := r.cache.join(o, i, last)
	if err != nil {
		return err
	}
	if started {
		r.window = min(2*r.window, r.limit)
	}
	if f != nil {
		r.cache.misses.Add(1)
		r.flight = f
	}
	return nil
}

// follow waits for bytes at pos, in block i, from the flight, and reads what has
// come.
func (r *reader) follow(i int64) error {
	o, f := r.object, r.flight
	p, wake := f.look(i)
	switch {
	case p.ended:
		return r.prove()
	case p.gone || p.have <= r.pos-i*o.blockSize:
		r.free() // as in find
		return r.wait(wake)
	}
	if r.content == nil || r.block != i || r.sum == nil {
		if r.given != nil {
			r.cache.misses.Add(1)
		}
		r.take(i)
		r.content = (*r.buf)[:o.length(i)]
		r.sum = newChecksum()
		r.sum.add(o.header(i))
	}
	read, err := r.readTemp(i, p)
	if err != nil {
		r.cache.degrade(err)
		return r.goDirect()
	}
	if read {
		r.have = p.have
	}
	return nil
}

// readTemp reads what has come of block i. The flight's checksum proves that it
// is what the source has sent. It returns false if the file is gone.
func (r *reader) readTemp(i int64, p progress) (bool, error) {
	f := r.flight
	f.files.RLock()
	defer f.files.RUnlock()
	if now, _ := f.look(i); now.gone {
		return false, nil
	}
	file, err := os.Open(r.cache.temp(f.ids[i-f.first], f.seq))
	if err != nil {
		return false, err
	}
	defer file.Close()
	part := r.content[r.have:p.have]
	if _, err := file.ReadAt(part, r.object.headerSize()+r.have); err != nil {
		return false, fmt.Errorf("reading a temporary file: %w", err)
	}
	r.sum.add(part)
	if r.sum.value() != p.sum {
		return false, fmt.Errorf("%w: a temporary file was changed", errDamaged)
	}
	return true, nil
}

// prove waits for the end of the flight, which proves all that came from it.
func (r *reader) prove() error {
	if r.pos == r.end {
		r.free()
	}
	for {
		p, wake := r.flight.look(r.flight.first)
		switch {
		case !p.ended:
			if err := r.wait(wake); err != nil {
				return err
			}
			continue
		case p.err == nil:
			r.leave()
			r.given, r.sum = nil, nil
			return nil
		case errors.Is(p.err, errLost):
			return r.goDirect()
		}
		return p.err
	}
}

// goDirect goes on in the source's own stream. Bytes that were given out without
// proof are read once more, and compared: the end of this stream proves them too.
func (r *reader) goDirect() error {
	o, from := r.object, r.pos
	if r.given != nil {
		from = r.unproven
	}
	r.leave()
	r.free()
	r.cache.bypassed.Add(1)
	rc, info, err := o.open(r.ctx, from, r.end)
	if err != nil {
		return err
	}
	r.direct = rc
	if !o.is(info) {
		return o.fail(storage.ErrChanged)
	}
	if from == r.pos {
		return nil
	}
	again := newChecksum()
	if _, err := io.CopyN(again.digest, rc, r.pos-from); err != nil {
		if err == io.EOF {
			err = o.fail(io.ErrUnexpectedEOF)
		}
		return err
	}
	if again.value() != r.given.value() {
		return o.fail(storage.ErrChanged)
	}
	r.given = nil
	return nil
}

func (r *reader) readDirect(p []byte) (int, error) {
	n, err := r.direct.Read(p)
	r.pos += int64(n)
	switch {
	case r.pos > r.end:
		return 0, r.object.fail(errors.New("the source delivers more than it was asked for"))
	case err == io.EOF && r.pos < r.end:
		err = r.object.fail(io.ErrUnexpectedEOF)
	}
	return n, err
}

// wait waits for a flight.
func (r *reader) wait(wake <-chan struct{}) error {
	select {
	case <-wake:
		return nil
	case <-r.ctx.Done():
		return r.object.fail(r.ctx.Err())
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.closed.Store(true)
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil || r.err == io.EOF {
		r.err = r.object.fail(fs.ErrClosed)
	}
	r.release()
	return nil
}

// release gives back all that the reader holds.
func (r *reader) release() {
	if r.idle != nil {
		r.idle.Stop()
	}
	r.leave()
	r.free()
	if r.direct != nil {
		r.direct.Close() // says nothing about the bytes that were read
		r.direct = nil
	}
}

func (r *reader) leave() {
	if r.flight != nil {
		r.cache.leave(r.flight)
		r.flight = nil
	}
}

// take gets memory for block i.
func (r *reader) take(i int64) {
	if r.buf == nil {
		r.buf, _ = r.cache.buffers.Get().(*[]byte)
	}
	r.block, r.have, r.content, r.sum = i, 0, nil, nil
}

// free gives the memory back.
func (r *reader) free() {
	if r.buf != nil {
		r.cache.buffers.Put(r.buf)
		r.buf = nil
	}
	r.have, r.content, r.sum = 0, nil, nil
}
