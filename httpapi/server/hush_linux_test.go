package server

import (
	"net"
	"testing"
	"time"
)

// TestHush: what has begun before is accepted, what begins after is not even
// answered.
func TestHush(t *testing.T) {
	s := &Server{config: Config{ListenAddr: "127.0.0.1:0"}}
	ln, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	before, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := hush(ln); err != nil {
		t.Fatal(err)
	}
	after, err := net.DialTimeout("tcp", ln.Addr().String(), 200*time.Millisecond)
	if err == nil {
		after.Close()
		t.Error("a connection was taken")
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if accepted.RemoteAddr().String() != before.LocalAddr().String() {
		t.Errorf("%s was accepted, and not %s", accepted.RemoteAddr(), before.LocalAddr())
	}
	if _, err := before.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	b := make([]byte, 1)
	if _, err := accepted.Read(b); err != nil || b[0] != 'x' {
		t.Errorf("%q, %v", b, err)
	}
}
