package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client is one keep-alive connection that asks one request after another. It
// reads no more of HTTP/1.1 than our servers answer with: a status line,
// headers, and a body of Content-Length bytes. That keeps the load generator
// from taking the processors away from what it measures.
type client struct {
	conn net.Conn
	buf  []byte
	wait time.Duration // how long one answer may take
}

// answer is what came back. Its slices are good until the next request.
type answer struct {
	status int
	head   []byte // status line and headers with the empty line
	body   []byte // nil for a body of more than maxBody bytes
	size   int64  // of the body
}

const (
	maxHead = 64 << 10
	maxBody = 1 << 20 // larger bodies are read and thrown away
)

// dial connects to an address such as "127.0.0.1:8000".
func dial(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, buf: make([]byte, 64<<10), wait: 30 * time.Second}, nil
}

func (c *client) close() { c.conn.Close() }

// do sends a whole request and reads its answer.
func (c *client) do(request []byte) (answer, error) {
	if err := c.conn.SetDeadline(time.Now().Add(c.wait)); err != nil {
		return answer{}, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	have, head := 0, -1
	for head < 0 {
		if have == len(c.buf) {
			if have >= maxHead {
				return answer{}, errors.New("the headers of the answer do not end")
			}
			c.grow(2 * have)
		}
		n, err := c.conn.Read(c.buf[have:])
		from := max(0, have-3)
		have += n
		if i := bytes.Index(c.buf[from:have], []byte("\r\n\r\n")); i >= 0 {
			head = from + i + 4
		} else if err != nil {
			return answer{}, noEOF(err)
		}
	}
	a := answer{head: c.buf[:head]}
	var err error
	if a.status, a.size, err = parseHead(a.head); err != nil {
		return a, err
	}
	if int64(have-head) > a.size {
		return a, fmt.Errorf("%d bytes follow the answer", int64(have-head)-a.size)
	}
	if a.size > maxBody {
		return a, c.discard(a.size - int64(have-head))
	}
	end := head + int(a.size)
	if end > len(c.buf) {
		c.grow(end)
	}
	if have < end {
		if _, err := io.ReadFull(c.conn, c.buf[have:end]); err != nil {
			return a, noEOF(err)
		}
	}
	a.head, a.body = c.buf[:head], c.buf[head:end]
	return a, nil
}

func (c *client) grow(size int) {
	buf := make([]byte, size)
	copy(buf, c.buf)
	c.buf = buf
}

// discard reads n bytes. The head of the answer is lost with them.
func (c *client) discard(n int64) error {
	if len(c.buf) < 256<<10 {
		c.grow(256 << 10)
	}
	for n > 0 {
		k, err := c.conn.Read(c.buf[:min(n, int64(len(c.buf)))])
		if n -= int64(k); err != nil && n > 0 {
			return noEOF(err)
		}
	}
	return nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the server closed the connection: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// parseHead reads the status and the length of the body from the head of an
// answer to GET.
func parseHead(head []byte) (status int, length int64, err error) {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, 0, fmt.Errorf("not an answer in HTTP/1.1: %.40q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("status: %w", err)
	}
	if status == 304 || status == 204 {
		return status, 0, nil // neither has a body, whatever its headers say
	}
	given := headerOf(rest, "Content-Length")
	if given == "" {
		return 0, 0, fmt.Errorf("an answer of status %d without Content-Length", status)
	}
	length, err = strconv.ParseInt(given, 10, 64)
	if err != nil || length < 0 {
		return 0, 0, fmt.Errorf("%q is no length of an answer", given)
	}
	return status, length, nil
}

// headerOf returns the value of the first header of that name, "" without one.
func headerOf(head []byte, name string) string {
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\r\n"))
		if n, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(n, []byte(name)) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// get makes the bytes of a GET request. headers are whole lines without their
// line ends.
func get(dst []byte, target string, headers ...string) []byte {
	return request(dst, "GET", target, headers...)
}

// request makes the bytes of a request up to its body.
func request(dst []byte, method, target string, headers ...string) []byte {
	dst = append(append(dst, method...), ' ')
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: bench\r\n"...)
	for _, h := range headers {
		dst = append(dst, h...)
		dst = append(dst, "\r\n"...)
	}
	return append(dst, "\r\n"...)
}
