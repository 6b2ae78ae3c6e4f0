package index

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
)

// Sizes of the segments of a bulk store. A mapped segment is a sparse file:
// what is not written takes no space.
const (
	mappedSegment = 64 << 20
	heapSegment   = 256 << 10
	buildChunk    = 1 << 20
	updateChunk   = 64 << 10
)

// bulk is where the large parts of books lie: a list of segments, each a
// region of memory that is written once, front to back. Indexes of successive
// generations share segments; each only looks at what it was told of.
type bulk struct {
	segs []*segment
}

// segment is one region. On systems with mmap it is backed by an unlinked
// file, so that the kernel can write it out and drop it under memory pressure,
// and so that it is gone when the process is, however it ended.
type segment struct {
	data []byte
	file *os.File // nil: data is on the heap

	mu   sync.Mutex
	tail int // where the next reservation begins
}

// reserve sets n bytes aside and returns where they begin, or false if the
// segment has no room. Generations that grow from one parent may reserve
// concurrently.
func (s *segment) reserve(n int) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tail+n > len(s.data) {
		return 0, false
	}
	at := s.tail
	s.tail += n
	return at, true
}

func (s *segment) write(at int, p []byte) error {
	if s.file == nil {
		copy(s.data[at:], p)
		return nil
	}
	// Through the file and not through the mapping: a full disk is then an
	// error and not a SIGBUS.
	if _, err := s.file.WriteAt(p, int64(at)); err != nil {
		return fmt.Errorf("index: write bulk file: %w", err)
	}
	return nil
}

// place is where a run of bytes lies: segment number and offset.
type place struct {
	seg, off uint32
}

func (b *bulk) at(p place, n int) []byte {
	return b.segs[p.seg].data[p.off : int(p.off)+n : int(p.off)+n]
}

// bulkWriter appends to a bulk store. What it wrote can be read after flush.
type bulkWriter struct {
	bulk
	dir   string
	chunk int // bytes reserved and buffered at a time
	buf   []byte
	seg   *segment
	begin int // place of buf in seg
}

// newBulkWriter continues after the segments of b.
func newBulkWriter(b bulk, dir string, chunk int) *bulkWriter {
	if dir == "" {
		chunk = min(chunk, heapSegment/8)
	}
	return &bulkWriter{bulk: bulk{segs: slices.Clone(b.segs)}, dir: dir, chunk: chunk}
}

// append adds p, contiguous, and says where it lies.
func (w *bulkWriter) append(p []byte) (place, error) {
	if w.seg == nil || len(w.buf)+len(p) > cap(w.buf) {
		if err := w.grow(len(p)); err != nil {
			return place{}, err
		}
	}
	at := place{seg: uint32(len(w.segs) - 1), off: uint32(w.begin + len(w.buf))}
	w.buf = append(w.buf, p...)
	return at, nil
}

// grow writes the buffer out and reserves room for at least n more bytes.
func (w *bulkWriter) grow(n int) error {
	if err := w.flush(); err != nil {
		return err
	}
	chunk := max(n, w.chunk)
	if last := len(w.segs) - 1; last >= 0 {
		s := w.segs[last]
		for _, c := range []int{chunk, n} {
			if at, ok := s.reserve(c); ok {
				w.take(s, at, c)
				return nil
			}
		}
	}
	size := mappedSegment
	if w.dir == "" {
		size = heapSegment
	}
	s, err := newSegment(w.dir, max(size, n))
	if err != nil {
		return err
	}
	chunk = min(chunk, len(s.data))
	at, _ := s.reserve(chunk)
	w.segs = append(w.segs, s)
	w.take(s, at, chunk)
	return nil
}

func (w *bulkWriter) take(s *segment, at, n int) {
	w.seg, w.begin = s, at
	if cap(w.buf) < n {
		w.buf = make([]byte, 0, n)
	}
	w.buf = w.buf[:0:n]
}

// flush makes all that was appended readable.
func (w *bulkWriter) flush() error {
	if w.seg == nil || len(w.buf) == 0 {
		return nil
	}
	if err := w.seg.write(w.begin, w.buf); err != nil {
		return err
	}
	w.begin += len(w.buf)
	w.buf = w.buf[: 0 : cap(w.buf)-len(w.buf)]
	return nil
}

func newSegment(dir string, size int) (*segment, error) {
	if dir == "" || !canMap {
		return &segment{data: make([]byte, size)}, nil
	}
	f, err := os.CreateTemp(dir, "bulk-*")
	if err != nil {
		return nil, fmt.Errorf("index: bulk file: %w", err)
	}
	// Unlinked at once: nothing is left behind by a killed process.
	err = os.Remove(f.Name())
	if err == nil {
		err = f.Truncate(int64(size))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("index: bulk file in %s: %w", dir, err)
	}
	data, err := mapFile(f, size)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("index: map bulk file in %s: %w", dir, err)
	}
	s := &segment{data: data, file: f}
	runtime.AddCleanup(s, func(m mapping) {
		unmap(m.data)
		m.file.Close()
	}, mapping{data, f})
	return s, nil
}

// mapping is what a segment's clean-up needs; it must not refer to the
// segment itself.
type mapping struct {
	data []byte
	file *os.File
}
