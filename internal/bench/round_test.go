package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// selfAt is this process as the server at an address.
func selfAt(t *testing.T, addr string) *process {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return &process{&rig.Process{Addr: addr, Cmd: &exec.Cmd{Process: self}, Log: &rig.Tail{}, Ended: make(chan struct{})}}
}

func TestRound(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	var seen atomic.Int64
	srv := selfAt(t, serverAddr(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		if strings.HasPrefix(r.URL.Query().Get("q"), "bad") {
			http.Error(w, "not understood", http.StatusUnprocessableEntity)
		}
		w.Write(nil)
	}))
	list := asks([]string{"a", "b", "c", "d", "e"}, 0)
	l, err := roundOf(t.Context(), srv, 3, list)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.replies) != len(list) || int(seen.Load()) != len(list) || l.quantile(1) <= 0 {
		t.Errorf("%d replies, %d requests, %v", len(l.replies), seen.Load(), l)
	}
	many := []string{"good"}
	for i := range 2 * maxFaults {
		many = append(many, fmt.Sprint("bad", i))
	}
	_, err = roundOf(t.Context(), srv, 3, asks(many, 0))
	if err == nil || !strings.Contains(err.Error(), "answered 422: not understood") || !strings.Contains(err.Error(), fmt.Sprintf("and %d more", maxFaults)) {
		t.Errorf("got %v", err)
	}
}

func TestLap(t *testing.T) {
	var l lap
	for i := range 200 {
		a := &ask{expression: fmt.Sprint("x", i%100), with: "limit=1"}
		l = l.and(lap{[]reply{{a, time.Duration(i+1) * time.Millisecond}}, time.Millisecond, time.Microsecond})
	}
	if got, want := l.String(), "p50 101 ms, p95 191 ms, p99 199 ms, slowest 200 ms"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := l.slowest(2), "\n  200 ms  x99   (limit=1)\n  199 ms  x98   (limit=1)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if s := l.speed(); s.PerSecond != 1000 || s.CPU != time.Microsecond || s.P95 != 191*time.Millisecond {
		t.Errorf("%+v", s)
	}
}

// TestSpanOf asks a library in which three books were published every day.
func TestSpanOf(t *testing.T) {
	srv := selfAt(t, serverAddr(t, func(w http.ResponseWriter, r *http.Request) {
		first, last, _ := strings.Cut(r.URL.Query().Get("published"), "..")
		from, err := time.Parse(time.DateOnly, first)
		to, err2 := time.Parse(time.DateOnly, last)
		if err != nil || err2 != nil {
			t.Errorf("%s: %v, %v", r.URL, err, err2)
		}
		fmt.Fprintf(w, `{"items":[],"total":%d}`, 3*(1+int(to.Sub(from).Hours()/24)))
	}))
	s, err := spanOf(t.Context(), srv, 300)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"1960-01-01..1960-04-09", "1960-01-02..1960-04-10"} {
		if q, _ := url.ParseQuery(s.query(i)); q.Get("published") != want {
			t.Errorf("%s, want %s", s.query(i), want)
		}
	}
}
