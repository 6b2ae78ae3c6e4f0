package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// floodName is the first argument that makes this program one core that makes
// connections as fast as it can.
const floodName = "flood"

// flood connects to an address, sends a request, reads the beginning of the
// answer and goes away, until ctx ends; then it prints how often that worked,
// how often it did not, and for how long. Its own addresses are many, or it would
// run out of ports.
func flood(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("an address was expected")
	}
	runtime.GOMAXPROCS(1)
	const request = "GET /api/health/live HTTP/1.1\r\nHost: flood\r\nConnection: close\r\n\r\n"
	type counts struct{ good, bad int }
	const workers = 64 // that wait for answers
	each := make(chan counts)
	began := time.Now()
	for w := range workers {
		go func() {
			var c counts
			buf := make([]byte, 512)
			for n := 0; ctx.Err() == nil; n++ {
				d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 200, byte(w), byte(1+n%200))}}
				conn, err := d.DialContext(ctx, "tcp", args[0])
				if err == nil {
					_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
					if _, err = io.WriteString(conn, request); err == nil {
						_, err = conn.Read(buf)
					}
					conn.Close()
				}
				switch {
				case err == nil:
					c.good++
				case ctx.Err() == nil:
					c.bad++
				}
			}
			each <- c
		}()
	}
	var sum counts
	for range workers {
		c := <-each
		sum.good += c.good
		sum.bad += c.bad
	}
	_, err := fmt.Fprintln(stdout, sum.good, sum.bad, time.Since(began).Milliseconds())
	return err
}

// flooding is a flood that goes on.
type flooding struct {
	cmd *exec.Cmd
	out *strings.Builder
}

func startFlood(addr string) (*flooding, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &flooding{exec.Command(self, floodName, addr), &strings.Builder{}}
	f.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	f.cmd.Stdout, f.cmd.Stderr = f.out, f.out
	return f, f.cmd.Start()
}

// stop ends it and says what it was.
func (f *flooding) stop() (string, error) {
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		return "", err
	}
	if err := f.cmd.Wait(); err != nil {
		return "", fmt.Errorf("flood: %w: %s", err, f.out)
	}
	var n [3]float64
	for i, field := range strings.Fields(f.out.String()) {
		if i < len(n) {
			n[i], _ = strconv.ParseFloat(field, 64) // it wrote numbers
		}
	}
	return fmt.Sprintf("%.0f new connections a second, each with a request; %.0f without an answer", 1000*n[0]/max(n[2], 1), n[1]), nil
}

// loris are clients that send a request as slowly as they are let.
type loris struct {
	stopped chan struct{}
	done    chan struct{}
	held    int // connections that lasted
}

// slowClients is how many of them there are.
const slowClients = 1000

// startLoris opens the connections, and sends a byte on each every second.
func startLoris(ctx context.Context, addr string) (*loris, error) {
	var conns []net.Conn
	for i := range slowClients {
		d := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 210, byte(i/250), byte(1+i%250))}}
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			for _, c := range conns {
				c.Close()
			}
			return nil, fmt.Errorf("slow client %d: %w", i, err)
		}
		conns = append(conns, conn)
	}
	l := &loris{make(chan struct{}), make(chan struct{}), 0}
	go l.run(conns)
	return l, nil
}

func (l *loris) run(conns []net.Conn) {
	defer close(l.done)
	const request = "GET /api/books HTTP/1.1\r\nHost: slow\r\nX-Slow: "
	closed := make([]bool, len(conns))
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		l.held = 0
		for i, c := range conns {
			if closed[i] {
				continue
			}
			next := "a"
			if n < len(request) {
				next = request[n : n+1]
			}
			if _, err := io.WriteString(c, next); err != nil {
				closed[i] = true // the server has enough of it
				c.Close()
				continue
			}
			l.held++
		}
		select {
		case <-l.stopped:
			for i, c := range conns {
				if !closed[i] {
					c.Close()
				}
			}
			return
		case <-tick.C:
		}
	}
}

// stop closes the connections and says how many had lasted.
func (l *loris) stop() string {
	close(l.stopped)
	<-l.done
	return fmt.Sprintf("%d connections, of which %d were still open in the end", slowClients, l.held)
}
