// Package conns keeps clients from holding a server's connections: by number, and
// by taking nothing of what is sent to them.
//
//	ln = conns.Listen(ln, conns.Options{Max: 1000})
//	srv.Serve(ln)
//
// A client that takes its time keeps its connection for as long as it takes
// anything at all: a download over a thin line may last for hours. One that takes
// no byte for [Options.Stall] is broken off. Where files are sent by the kernel
// (sendfile) they still are.
//
// Over HTTP/2 one stream that nobody reads does not stop the connection; that is
// for the handler to bound.
package conns

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the settings of [Listen].
type Options struct {
	// Max is how many connections are open at a time. Those over it wait in the
	// operating system's queue until one ends. 0 or less means no bound.
	Max int
	// MaxPerNetwork is how many of them one IPv4 address, or one /64 of IPv6, may
	// have. Those over it are closed. 0 or less means no bound.
	MaxPerNetwork int
	// Exempt says which addresses MaxPerNetwork is not for: proxies. nil means
	// those of this machine.
	Exempt func(netip.Addr) bool
	// Stall is how long a client may take nothing. 0 means 60 s; negative means
	// for ever.
	Stall time.Duration
}

// Listener is a net.Listener with bounds. Make one with [Listen].
type Listener struct {
	net.Listener
	o      Options
	places chan struct{} // nil: no bound
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	networks map[netip.Prefix]int

	waits, refused, stalled atomic.Uint64
	open                    atomic.Int64
}

// Listen returns ln with bounds on its connections.
func Listen(ln net.Listener, o Options) *Listener {
	if o.Stall == 0 {
		o.Stall = time.Minute
	}
	if o.Exempt == nil {
		o.Exempt = netip.Addr.IsLoopback
	}
	l := &Listener{Listener: ln, o: o, closed: make(chan struct{}), networks: map[netip.Prefix]int{}}
	if o.Max > 0 {
		l.places = make(chan struct{}, o.Max)
	}
	return l
}

// Accept waits for a place, and then for a connection.
func (l *Listener) Accept() (net.Conn, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			l.leave()
			return nil, err
		}
		network, ok := l.count(c)
		if !ok {
			l.refused.Add(1)
			c.Close()
			continue
		}
		l.open.Add(1)
		return &conn{Conn: c, l: l, network: network}, nil
	}
}

// Close closes the listener, and ends waiting for a place.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *Listener) enter() error {
	if l.places == nil {
		return nil
	}
	select {
	case l.places <- struct{}{}:
		return nil
	default:
	}
	l.waits.Add(1)
	select {
	case l.places <- struct{}{}:
		return nil
	case <-l.closed:
		return net.ErrClosed
	}
}

func (l *Listener) leave() {
	if l.places != nil {
		<-l.places
	}
}

// count notes a connection of a network, unless it has as many as it may.
func (l *Listener) count(c net.Conn) (network netip.Prefix, ok bool) {
	at, isTCP := c.RemoteAddr().(*net.TCPAddr)
	if l.o.MaxPerNetwork <= 0 || !isTCP {
		return network, true
	}
	addr := at.AddrPort().Addr().Unmap().WithZone("")
	if !addr.IsValid() || l.o.Exempt(addr) {
		return network, true
	}
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	network = netip.PrefixFrom(addr, bits).Masked()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.networks[network] >= l.o.MaxPerNetwork {
		return network, false
	}
	l.networks[network]++
	return network, true
}

func (l *Listener) forget(network netip.Prefix) {
	l.open.Add(-1)
	if network.IsValid() {
		l.mu.Lock()
		if l.networks[network]--; l.networks[network] == 0 {
			delete(l.networks, network)
		}
		l.mu.Unlock()
	}
	l.leave()
}

// Stats are counts since the start, but for Open.
type Stats struct {
	Open    int64
	Waits   uint64 // how often new connections had to wait for a place
	Refused uint64 // connections over MaxPerNetwork
	Stalled uint64 // connections whose client took nothing
}

// Stats returns what has been counted.
func (l *Listener) Stats() Stats {
	return Stats{l.open.Load(), l.waits.Load(), l.refused.Load(), l.stalled.Load()}
}

// conn is a connection whose writes end when nothing is taken. What it writes, one
// goroutine does, as net/http has it.
type conn struct {
	net.Conn
	l       *Listener
	network netip.Prefix
	once    sync.Once
	set     atomic.Int64 // when the deadline was set, in nanoseconds; -1 while the owner has set one
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.l.forget(c.network) })
	return err
}

// renew is how old a deadline becomes before a write moves it: moving costs about
// as much as a write of a few bytes.
const renew = 5 * time.Second

// extend gives the client Stall from now, within renew.
func (c *conn) extend(force bool) (rolling bool) {
	was := c.set.Load()
	if c.l.o.Stall < 0 || was < 0 {
		return false
	}
	now := time.Now()
	if !force && was > 0 && now.UnixNano()-was < int64(min(renew, c.l.o.Stall/4)) {
		return true
	}
	if c.set.CompareAndSwap(was, now.UnixNano()) {
		_ = c.Conn.SetWriteDeadline(now.Add(c.l.o.Stall))
	}
	return true
}

// SetWriteDeadline takes the deadline out of our hands until it is the zero time.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.own(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline is SetWriteDeadline for both directions.
func (c *conn) SetDeadline(t time.Time) error {
	c.own(t)
	return c.Conn.SetDeadline(t)
}

func (c *conn) own(t time.Time) {
	if t.IsZero() {
		c.set.Store(0)
	} else {
		c.set.Store(-1)
	}
}

// Write writes b for as long as some of it is taken now and then.
func (c *conn) Write(b []byte) (n int, err error) {
	rolling := c.extend(false)
	for {
		var done int
		done, err = c.Conn.Write(b[n:])
		n += done
		if err == nil || !rolling || !c.goesOn(done, err) {
			return n, err
		}
	}
}

// ReadFrom sends what r has, in the kernel where that is possible: net looks for a
// file in an *io.LimitedReader, in which r has to stay.
func (c *conn) ReadFrom(r io.Reader) (n int64, err error) {
	rf, ok := c.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: r, N: 1<<63 - 1}
	}
	file, isFile := limited.R.(*os.File)
	if !isFile { // what was read and not written would be lost
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	begin, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	rolling := c.extend(false)
	for {
		// A piece at a time, so that the deadline moves while all is well.
		part := &io.LimitedReader{R: file, N: min(limited.N, piece())}
		want := part.N
		done, err := rf.ReadFrom(part)
		n += done
		limited.N -= done
		switch {
		case err != nil && rolling && c.goesOn(int(done), err):
			// Where the kernel cannot send files more may have been read than was
			// written.
			if _, err := file.Seek(begin+n, io.SeekStart); err != nil {
				return n, err
			}
		case err != nil || done < want || limited.N == 0:
			return n, err
		default:
			rolling = c.extend(false)
		}
	}
}

// piece is how much is sent before the deadline moves. Windows does not tell how
// much of one was taken, so that all of it has to be.
func piece() int64 {
	if runtime.GOOS == "windows" {
		return 64 << 10
	}
	return 4 << 20
}

// goesOn tells whether a write that ended by its deadline has got something
// through, and gives it more time.
func (c *conn) goesOn(done int, err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	if done > 0 {
		return c.extend(true)
	}
	c.l.stalled.Add(1)
	return false
}
