// Bench prints the table of speed and size that DESIGN.md sets, with the
// figures of this machine:
//
//	go run ./internal/bench [flags]
//
// It needs Linux and Go, and nothing else; one row compares with nginx if that
// is in PATH. It builds cmd/pressmark, generates libraries from a fixed seed,
// runs the server as a process of its own on the loopback interface, loads it
// with requests from keep-alive connections, and counts the processor time
// that the kernel has given to the server.
//
// # Ratios
//
// Requests per second depend on the machine and on who else is busy on it;
// processor time per request does so much less. Most rows therefore show a
// ratio: the processor time per request of a bare net/http handler that writes
// the same bytes and headers (this program with other arguments, in a process
// of its own), divided by ours. The two are asked in turn in short slices, with
// the same requests, and the median over the pairs of slices is the figure.
// Where every answer is another, the bare handler writes one of the mean size.
//
// # Searching
//
// expressions.txt holds expressions of all kinds. Each is asked once of a
// server that was asked nothing before, by connections that take the next one
// in turn: sorted and cut in many ways, one in five with facets, one in five
// within a virtual library. That is the figure: quantiles of the times of all
// these requests, of three such servers. Then the same are asked with others of
// these parameters, where what an expression selects may be known already.
//
// # State of readers
//
// One user tells a place in each of 20,000 books, and then goes on in each of
// them again: those writes are counted, of all connections together, and each is
// on the disk before it is answered. Then pages of what was read last are asked
// for, and the state of 50 books at a time: the figure is what one connection
// sees that asks for one after another. PostgreSQL is the server that
// PRESSMARK_BENCH_POSTGRES_URL names, by an account that may create databases;
// without it these rows have no figures.
//
// # Other rows
//
// The first index is the time from the start of the process until
// /api/health/ready answers 200, the median of three starts; the memory is
// RssAnon of /proc/PID/status of those starts, the greatest of them, looked at
// every 20 ms while loading, and when text search is prepared, which the server
// does after it is ready, and the memory moves no more. All rows of requests
// wait for the preparation, too. Edits are made with
// SQL, with Calibre's triggers, in one transaction; what is shown is the time
// from the commit until a request shows the new title, less the settle time
// that the server is told. The time for which Calibre's lock is held is what
// another process sees of it in the kernel's list of locks.
//
// # Exit code
//
// 0 if every row could be measured, whether it reached its budget or not; 1 if
// one could not; 2 if the flags make no sense.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 3 && args[0] == bareName {
		fmt.Fprintln(stderr, "bench bare:", serveBare(args[1], args[2]))
		return 1
	}
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	l, err := newLab(ctx, o, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	rep := newReport(o.conns)
	failures := l.measure(ctx, rep)
	write := rep.text
	if o.json {
		write = rep.json
	}
	if err := errors.Join(write(stdout), l.close()); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	if failures > 0 {
		return 1
	}
	return 0
}

// parseFlags reads the flags. What is wrong with them is on stderr when it
// returns.
func parseFlags(args []string, stderr io.Writer) (options, error) {
	o := options{books: []int{10_000, 100_000}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Func("books", "sizes of libraries, between commas (default 10000,100000)", func(s string) (err error) {
		o.books, err = parseSizes(s)
		return err
	})
	f.DurationVar(&o.duration, "duration", 3*time.Second, "how long each server is asked in each row of requests")
	f.IntVar(&o.conns, "conns", 16, "connections that ask")
	f.Func("only", "measure only rows whose name (see -json) or work matches this regular expression", func(s string) (err error) {
		o.only, err = regexp.Compile(s)
		return err
	})
	f.StringVar(&o.keep, "keep", "", "folder in which generated libraries are kept for the next run")
	f.StringVar(&o.server, "server", "", "measure this program instead of building cmd/pressmark")
	f.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	err := f.Parse(args)
	switch {
	case err != nil:
		return o, err
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.duration < 100*time.Millisecond:
		err = fmt.Errorf("-duration %v is too short to measure anything: give at least 100ms", o.duration)
	case o.conns < 1 || o.conns > 64:
		err = fmt.Errorf("-conns %d: give 1 to 64", o.conns)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
	}
	return o, err
}

// minBooks is the least number of books that the rows make sense with.
const minBooks = 1000

func parseSizes(s string) ([]int, error) {
	var sizes []int
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < minBooks {
			return nil, fmt.Errorf("%q is no number of at least %d books", part, minBooks)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}
