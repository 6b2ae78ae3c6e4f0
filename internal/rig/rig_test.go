package rig

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3}} {
		before := slices.Clone(c.values)
		if got := Median(c.values); got != c.want || !slices.Equal(before, c.values) {
			t.Errorf("%v: %v, want %v", before, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	var s []int
	if got := Quantile(s, 0.5); got != 0 {
		t.Errorf("of none: %d", got)
	}
	for i := range 100 {
		s = append(s, i)
	}
	for q, want := range map[float64]int{0: 0, 0.5: 50, 0.95: 95, 1: 99} {
		if got := Quantile(s, q); got != want {
			t.Errorf("%v: %d, want %d", q, got, want)
		}
	}
}

// aSample is n requests in a second that took the given times.
func TestParseProc(t *testing.T) {
	if d, err := parseSchedstat([]byte("123456789 5 77\n")); err != nil || d != 123456789 {
		t.Errorf("schedstat: %v, %v", d, err)
	}
	if _, err := parseSchedstat([]byte("x y")); err == nil {
		t.Error("schedstat: nonsense was read")
	}
	const stat = "42 (a (b) c) S 7 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 100 1000 20 18446744073709551615"
	if parent, cpu, err := parseStat([]byte(stat)); err != nil || parent != 7 || cpu != 3*time.Second {
		t.Errorf("stat: %d, %v, %v", parent, cpu, err)
	}
	for _, bad := range []string{"", "42 (x) S 7", "42 (x) S seven 1 1 1 1 1 1 1 1 1 1 1 1 1"} {
		if _, _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("stat %q was read", bad)
		}
	}
	if n, err := parseRSSAnon([]byte("Name:\tx\nVmRSS:\t  9 kB\nRssAnon:\t     512 kB\n")); err != nil || n != 512<<10 {
		t.Errorf("RssAnon: %d, %v", n, err)
	}
	if _, err := parseRSSAnon([]byte("Name:\tx\n")); err == nil {
		t.Error("RssAnon: was there")
	}
}

// TestCPUTime sees that time burnt in this process is counted, children's too.
func TestCPUTime(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	before, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Skip(err)
	}
	defer child.Wait()
	defer in.Close()
	children, err := childrenOf(os.Getpid())
	if err != nil || !slices.Contains(children, child.Process.Pid) {
		t.Errorf("children %v, %v; want %d among them", children, err, child.Process.Pid)
	}
	for after := before; after-before < 20*time.Millisecond; {
		if after, err = CPUTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPrepared(t *testing.T) {
	srv := &Process{Cmd: exec.Command("none"), Log: &Tail{}, Ended: make(chan struct{})}
	fmt.Fprintln(srv.Log, `{"level":"INFO","msg":"Serving","took":"9s"}`)
	if took, err := srv.Log.prepared(); took != 0 || err != nil {
		t.Errorf("before: %v, %v", took, err)
	}
	fmt.Fprintln(srv.Log, `{"level":"INFO","msg":"Ready to search text","took":"1.25s"}`)
	if took, err := srv.Prepared(t.Context(), time.Minute); took != 1250*time.Millisecond || err != nil {
		t.Errorf("%v, %v", took, err)
	}
	close(srv.Ended)
	srv.Log = &Tail{}
	if _, err := srv.Prepared(t.Context(), time.Minute); err == nil || !strings.Contains(err.Error(), "ended before") {
		t.Errorf("ended: %v", err)
	}
}
