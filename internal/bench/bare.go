package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// bareName is the first argument that makes this program the bare handler.
const bareName = "bare"

// serveBare serves one stored answer to every request with nothing but
// net/http, until the process is killed. What is stored is a whole answer as it
// came over the wire.
func serveBare(addr, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	h, err := bareHandler(b)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return http.Serve(l, h)
}

// bareHandler writes the stored answer in the cheapest way that net/http has:
// header values are put into the map as they are.
func bareHandler(stored []byte) (http.HandlerFunc, error) {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(stored)), nil)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	type header struct {
		name   string
		values []string
	}
	var headers []header
	for name, values := range res.Header {
		if name != "Date" { // net/http writes its own
			headers = append(headers, header{name, values})
		}
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for _, v := range headers {
			h[v.name] = v.values
		}
		if res.StatusCode != http.StatusOK {
			w.WriteHeader(res.StatusCode)
		}
		if len(body) > 0 {
			w.Write(body)
		}
	}, nil
}
