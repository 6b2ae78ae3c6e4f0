package rig

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPUTime returns the processor time that a process and its children have
// taken: nanoseconds of the scheduler where the kernel counts them, else the
// ticks of 10 ms of /proc/PID/stat.
func CPUTime(pid int) (time.Duration, error) {
	children, err := childrenOf(pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, p := range append(children, pid) {
		d, err := cpuOf(p)
		if err != nil {
			return 0, fmt.Errorf("processor time of process %d: %w", p, err)
		}
		sum += d
	}
	return sum, nil
}

func cpuOf(pid int) (time.Duration, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	files, err := filepath.Glob(filepath.Join(dir, "task", "*", "schedstat"))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that ended meanwhile
		}
		d, err := parseSchedstat(b)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", f, err)
		}
		sum += d
	}
	if sum > 0 {
		return sum, nil
	}
	b, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0, err
	}
	_, d, err := parseStat(b)
	return d, err
}

// parseSchedstat reads the first number of /proc/PID/task/TID/schedstat: time
// on a processor in nanoseconds (kernel: Documentation/scheduler/sched-stats).
func parseSchedstat(b []byte) (time.Duration, error) {
	first, _, _ := strings.Cut(string(bytes.TrimSpace(b)), " ")
	n, err := strconv.ParseInt(first, 10, 64)
	return time.Duration(n), err
}

// parseStat reads the parent and utime + stime from /proc/PID/stat, proc(5).
func parseStat(b []byte) (parent int, cpu time.Duration, err error) {
	// The name of the program stands in parentheses and may hold anything.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, 0, fmt.Errorf("not a line of /proc/PID/stat: %.40q", b)
	}
	f := strings.Fields(string(b[i+1:])) // from the third field on
	if len(f) < 13 {
		return 0, 0, fmt.Errorf("/proc/PID/stat has only %d fields", len(f)+2)
	}
	var n [3]int64
	for i, k := range [...]int{1, 11, 12} {
		if n[i], err = strconv.ParseInt(f[k], 10, 64); err != nil {
			return 0, 0, err
		}
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all systems that Go runs on
	return int(n[0]), time.Duration(n[1]+n[2]) * tick, nil
}

// childrenOf lists the processes that pid has started.
func childrenOf(pid int) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var children []int
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it ended meanwhile
		}
		if parent, _, err := parseStat(b); err == nil && parent == pid {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			if err != nil {
				return nil, err
			}
			children = append(children, child)
		}
	}
	return children, nil
}

// RSSAnon returns the anonymous resident memory of a process in bytes.
func RSSAnon(pid int) (int64, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	return parseRSSAnon(b)
}

// parseRSSAnon reads RssAnon from /proc/PID/status.
func parseRSSAnon(status []byte) (int64, error) {
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("the kernel does not say RssAnon")
}

// Peak watches the anonymous memory of a process until Stop is called.
type Peak struct {
	quit, done chan struct{}
	max        int64
}

// WatchPeak looks every 20 ms.
func WatchPeak(pid int) *Peak {
	p := &Peak{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if n, err := RSSAnon(pid); err == nil {
				p.max = max(p.max, n)
			}
			select {
			case <-p.quit:
				return
			case <-tick.C:
			}
		}
	}()
	return p
}

// Stop returns the most that was seen.
func (p *Peak) Stop() int64 {
	close(p.quit)
	<-p.done
	return p.max
}

// Processor is the name of the machine's processor.
func Processor() string {
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return "unknown processor"
}

// LoadAverage is how many processes wanted to run in the last minute: above
// zero at the beginning, others disturb what is measured.
func LoadAverage() string {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
