package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/calibretest"
	"github.com/pressmark/pressmark/internal/rig"
)

const (
	starts     = 3 // the median counts
	stopWithin = 10 * time.Second
	stopBytes  = 64e6 // of the book that is downloaded meanwhile: no buffer holds it
	stopEach   = 4    // downloads of clients that read fast, and of clients that do not
)

// tryStartup measures how long servers take to be ready and to stop.
func tryStartup(ctx context.Context, o options, log io.Writer) (_ *report, err error) {
	rep := newReport(o, "Start and stop", "what", "goal", "measured", "")
	s := &site{opts: o, log: log, program: o.server}
	if s.dir, err = os.MkdirTemp("", "pressmark-trial-*"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	if s.program == "" {
		if s.program, err = rig.BuildServer(ctx, s.dir); err != nil {
			return nil, err
		}
	}
	for _, size := range []struct {
		books int
		goal  time.Duration
	}{{10_000, time.Second}, {100_000, 3 * time.Second}} {
		dir := filepath.Join(s.dir, fmt.Sprint("library-", size.books))
		s.say("generating a library of %d books", size.books)
		if err := calibretest.Generate(ctx, filepath.Join(dir, "metadata.db"), calibretest.Spec{Books: size.books, Seed: seed, Files: 3}); err != nil {
			return nil, err
		}
		var took, used []time.Duration
		for range starts {
			p, ready, err := s.startAlone(ctx, dir)
			if err != nil {
				return nil, err
			}
			cpu, err := rig.CPUTime(p.PID())
			p.Stop()
			if err != nil {
				return nil, err
			}
			took, used = append(took, ready), append(used, cpu)
		}
		median := rig.Median(took)
		rep.goal(fmt.Sprintf("ready with %d books", size.books), "< "+size.goal.String(), fmt.Sprintf("%s, %s of processor time", short(median), short(rig.Median(used))), median < size.goal, o.strict)
		if size.books == 10_000 {
			if err := s.stopUnderDownloads(ctx, rep, dir); err != nil {
				return nil, err
			}
		}
	}
	return rep, nil
}

// startAlone starts a server with nothing beside it.
func (s *site) startAlone(ctx context.Context, dir string) (*rig.Process, time.Duration, error) {
	addr, err := rig.FreeAddr()
	if err != nil {
		return nil, 0, err
	}
	data, err := os.MkdirTemp(s.dir, "data-*")
	if err != nil {
		return nil, 0, err
	}
	p, err := rig.Start(addr, []string{
		"CALIBRE_LIBRARY_PATH=" + dir, "LISTEN_ADDR=" + addr, "DATA_DIR=" + data, "PUBLIC_READ=true", "LOG_FORMAT=json",
	}, s.program, "serve")
	if err != nil {
		return nil, 0, err
	}
	ready, err := p.Ready(ctx, "/api/health/ready", time.Minute)
	if err != nil {
		p.Stop()
	}
	return p, ready, err
}

// ending is how a download ended.
type ending struct {
	bytes int64
	whole bool
	err   error
}

// stopUnderDownloads stops a server while books are downloaded, by some who read
// fast enough to have all in time and some who do not.
func (s *site) stopUnderDownloads(ctx context.Context, rep *report, dir string) error {
	l := &library{dir: dir}
	book, want, err := l.huge(ctx)
	if err != nil {
		return err
	}
	p, _, err := s.startAlone(ctx, dir)
	if err != nil {
		return err
	}
	defer p.Stop()
	ends := make([]ending, 2*stopEach)
	begun := make(chan struct{}, len(ends))
	var wg sync.WaitGroup
	for i := range ends {
		speed := int64(stopBytes / 4) // bytes a second: done after four seconds
		if i%2 == 1 {
			speed = stopBytes / 100
		}
		wg.Go(func() {
			ends[i] = slowly(ctx, fmt.Sprintf("http://%s/api/files/download/%d/epub", p.Addr, book), speed, want, begun)
		})
	}
	for range ends {
		<-begun
	}
	began := time.Now()
	if err := p.Cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-p.Ended:
	case <-time.After(3 * stopWithin):
	}
	took := time.Since(began)
	rep.goal("stopped during downloads", "within 10 s", short(took), took < stopWithin+time.Second, true)
	p.Stop()
	wg.Wait()
	whole, cut, wrong := 0, 0, 0
	for _, e := range ends {
		switch {
		case e.whole:
			whole++
		case e.err != nil:
			cut++
		default:
			wrong++
		}
	}
	rep.goal("those downloads", "the fast ones whole, the others broken off so that clients notice",
		fmt.Sprintf("%d whole, %d broken off, %d ended as if whole and were not", whole, cut, wrong), whole >= stopEach && wrong == 0 && cut+whole == len(ends), true)
	return nil
}

// huge gives the first book with an EPUB a large one.
func (l *library) huge(ctx context.Context) (catalog.BookID, [sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	db, err := calibretest.Open(l.database())
	if err != nil {
		return 0, sum, err
	}
	defer db.Close()
	var id catalog.BookID
	var folder, name string
	err = db.QueryRowContext(ctx, `SELECT b.id, b.path, d.name FROM books b JOIN data d ON d.book = b.id WHERE d.format = 'EPUB' ORDER BY b.id LIMIT 1`).Scan(&id, &folder, &name)
	if err != nil {
		return 0, sum, err
	}
	content := make([]byte, stopBytes)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	folder = filepath.Join(l.dir, filepath.FromSlash(folder))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, sum, err
	}
	return id, sha256.Sum256(content), os.WriteFile(filepath.Join(folder, name+".epub"), content, 0o644)
}

// slowly downloads at a pace, with a small buffer in the kernel, and says when it
// has begun.
func slowly(ctx context.Context, url string, perSecond int64, want [sha256.Size]byte, begun chan<- struct{}) (e ending) {
	var once sync.Once
	started := func() { once.Do(func() { begun <- struct{}{} }) }
	defer started()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		if tcp, ok := conn.(*net.TCPConn); ok {
			err = errors.Join(err, tcp.SetReadBuffer(64<<10))
		}
		return conn, err
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ending{err: err}
	}
	res, err := client.Do(req)
	if err != nil {
		return ending{err: err}
	}
	defer res.Body.Close()
	hash, buf, began := sha256.New(), make([]byte, 64<<10), time.Now()
	for {
		n, err := res.Body.Read(buf)
		hash.Write(buf[:n])
		e.bytes += int64(n)
		started()
		if errors.Is(err, io.EOF) {
			e.whole = [sha256.Size]byte(hash.Sum(nil)) == want
			return e
		}
		if err != nil {
			e.err = err
			return e
		}
		due := began.Add(time.Duration(float64(e.bytes) / float64(perSecond) * float64(time.Second)))
		if e.err = pause(ctx, time.Until(due)); e.err != nil {
			return e
		}
	}
}
