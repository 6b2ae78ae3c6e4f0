package conns_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressmark/pressmark/httpapi/conns"
)

// listener hands out connections that tests made.
type listener chan net.Conn

func (l listener) Accept() (net.Conn, error) {
	c, ok := <-l
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l listener) Close() error { close(l); return nil }
func (listener) Addr() net.Addr { return &net.TCPAddr{} }

// taker is a connection whose client takes some bytes of each write before the
// deadline, and of all at most some.
type taker struct {
	net.Conn
	from     net.Addr
	each     int
	left     int
	got      bytes.Buffer
	files    int // calls with a file
	deadline []time.Time
	closed   bool
}

func (c *taker) RemoteAddr() net.Addr { return c.from }
func (c *taker) Close() error         { c.closed = true; return nil }
func (c *taker) SetWriteDeadline(t time.Time) error {
	c.deadline = append(c.deadline, t)
	return nil
}

func (c *taker) Write(b []byte) (int, error) {
	n := min(len(b), c.each, c.left)
	c.got.Write(b[:n])
	c.left -= n
	if n < len(b) {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

func (c *taker) ReadFrom(r io.Reader) (int64, error) {
	lim, ok := r.(*io.LimitedReader)
	if !ok {
		return 0, errors.New("not the shape of sendfile")
	}
	if _, ok := lim.R.(*os.File); !ok {
		return 0, errors.New("not a file")
	}
	c.files++
	want := lim.N
	n, err := io.Copy(&c.got, io.LimitReader(lim, int64(min(c.each, c.left))))
	c.left -= int(n)
	if err == nil && n < want {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func accept(t *testing.T, o conns.Options, c net.Conn) (*conns.Listener, net.Conn) {
	t.Helper()
	in := make(listener, 1)
	in <- c
	l := conns.Listen(in, o)
	got, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return l, got
}

var away = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}

// TestSlowButLiving: who takes a little before each deadline gets all, also of a
// file, and who takes nothing is broken off.
func TestSlowButLiving(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 1000)
	path := filepath.Join(t.TempDir(), "book")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, stops := range []bool{false, true} {
		c := &taker{from: away, each: 100, left: 1 << 20}
		if stops {
			c.left = 5000
		}
		l, out := accept(t, conns.Options{}, c)
		n, err := out.Write(body)
		if stops {
			if n != 5000 || !errors.Is(err, os.ErrDeadlineExceeded) || l.Stats().Stalled != 1 {
				t.Errorf("%d, %v, %+v of a client that stops", n, err, l.Stats())
			}
			continue
		}
		if n != len(body) || err != nil || !bytes.Equal(c.got.Bytes(), body) || len(c.deadline) < 100 {
			t.Errorf("%d, %v, %d deadlines", n, err, len(c.deadline))
		}
		c.got.Reset()
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rf, ok := out.(io.ReaderFrom)
		if !ok {
			t.Fatal("no ReadFrom: files are not sent by the kernel")
		}
		sent, err := rf.ReadFrom(&io.LimitedReader{R: f, N: int64(len(body) - 1)})
		if sent != int64(len(body)-1) || err != nil || !bytes.Equal(c.got.Bytes(), body[:len(body)-1]) || c.files < 100 {
			t.Errorf("%d, %v, %d calls", sent, err, c.files)
		}
	}
}

// TestOwnDeadline: a deadline that the server sets is not moved.
func TestOwnDeadline(t *testing.T) {
	c := &taker{from: away, each: 100, left: 1 << 20}
	_, out := accept(t, conns.Options{}, c)
	at := time.Now().Add(time.Second)
	_ = out.SetWriteDeadline(at)
	if n, err := out.Write(make([]byte, 1000)); n != 100 || !errors.Is(err, os.ErrDeadlineExceeded) || len(c.deadline) != 1 || !c.deadline[0].Equal(at) {
		t.Errorf("%d, %v, %v", n, err, c.deadline)
	}
	_ = out.SetWriteDeadline(time.Time{})
	if n, err := out.Write(make([]byte, 1000)); n != 1000 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestNoReader: over TCP, an answer that nobody reads ends.
func TestNoReader(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				ended <- err
				return
			}
		}
	})}
	go srv.Serve(conns.Listen(tcp, conns.Options{Stall: 50 * time.Millisecond}))
	defer srv.Close()
	c, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// TestMax: connections over the bound wait until one ends, and Close ends the wait.
func TestMax(t *testing.T) {
	in := make(listener, 3)
	l := conns.Listen(in, conns.Options{Max: 2})
	var open []net.Conn
	for range 3 {
		in <- &taker{from: away}
	}
	for range 2 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	next := make(chan error)
	go func() { _, err := l.Accept(); next <- err }()
	for l.Stats().Waits == 0 {
		select {
		case err := <-next:
			t.Fatalf("a third was accepted: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	open[0].Close()
	open[0].Close() // net/http does it twice at times
	if err := <-next; err != nil {
		t.Error(err)
	}
	go func() { _, err := l.Accept(); next <- err }()
	for l.Stats().Waits < 2 {
		<-time.After(time.Millisecond)
	}
	if s := l.Stats(); s.Open != 2 {
		t.Errorf("%+v", s)
	}
	l.Close()
	if err := <-next; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestMaxPerNetwork(t *testing.T) {
	in := make(listener, 8)
	l := conns.Listen(in, conns.Options{MaxPerNetwork: 1, Exempt: func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.9") }})
	at := func(s string) *taker { return &taker{from: &net.TCPAddr{IP: net.ParseIP(s)}} }
	all := []*taker{at("192.0.2.1"), at("192.0.2.1"), at("2001:db8::1"), at("2001:db8::2"), at("192.0.2.9"), at("192.0.2.9"), at("192.0.2.2")}
	refused := map[int]bool{1: true, 3: true}
	for _, c := range all {
		in <- c
	}
	for range len(all) - len(refused) {
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range all {
		if c.closed != refused[i] {
			t.Errorf("%d: closed is %v", i, c.closed)
		}
	}
}
