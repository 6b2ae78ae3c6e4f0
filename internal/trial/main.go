// Trial puts a whole installation on this machine (nginx, two replicas,
// PostgreSQL, Redis, S3, Google Drive) and tries it:
//
//	go run ./internal/trial load     500 users for 90 s: speed, failures, memory
//	go run ./internal/trial chaos    one fault after another under that load
//	go run ./internal/trial soak     Calibre edits the library under a light load
//	go run ./internal/trial startup  how fast servers start and stop
//	go run ./internal/trial overload three times what a server can do
//
// PostgreSQL, Redis and S3 are containers, Google Drive is drivetest in this
// process, and all else are processes; nginx has to be in PATH, and Calibre for
// soak. Nothing of it outlives the run.
//
// # Load
//
// Readers have accounts, tokens and addresses (in 127.0.0.0/8) of their own. Each
// looks at a page every 5 s ± 50 %, at times that are fixed before: what is slow
// is asked no less, and latencies are counted from when a page was due. 35 in 100
// views are lists of 50 books and 20 searches, with six covers each, 20 are books
// with what the reader has made of theirs, 20 tell a place, and 5 are downloads,
// compared by digest. What the servers took is what nginx logs of them.
//
// Every place that is told is unique, names the version that was seen last, and
// goes into a ledger. What was acknowledged must be there in the end; of what had
// no answer one may be.
//
// # Exit code
//
// 0 if all goals are reached that a noisy machine does not touch: answers of 5xx,
// lost writes, leaks, what may fail under a fault and for how long. Latencies fail
// with -strict only. 1 if one is not; 2 if the flags make no sense.
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
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	kind     string
	books    int
	users    int
	think    time.Duration
	duration time.Duration // of the load, of the soak, and of each fault
	faults   *regexp.Regexp
	server   string
	results  string
	strict   bool
	keep     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		// This program as other processes of the trial.
		switch args[0] {
		case replicaName:
			return status(stderr, serveReplica(ctx, stderr))
		case floodName:
			return status(stderr, flood(ctx, args[1:], stdout))
		}
	}
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	trial := map[string]func(context.Context, options, io.Writer) (*report, error){
		"load": tryLoad, "chaos": tryChaos, "soak": trySoak, "startup": tryStartup, "overload": tryOverload,
	}[o.kind]
	rep, err := trial(ctx, o, stderr)
	if rep != nil {
		err = errors.Join(err, rep.write(stdout))
		if o.results != "" {
			err = errors.Join(err, rep.save(o.results))
		}
		if rep.failed {
			err = errors.Join(err, errors.New("a goal was not reached"))
		}
	}
	return status(stderr, err)
}

// status prints an error, if there is one, and returns the exit code.
func status(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "trial:", err)
	return 1
}

// parseFlags reads the kind of trial and the flags. What is wrong with them is
// on stderr when it returns.
func parseFlags(args []string, stderr io.Writer) (options, error) {
	defaults := map[string]time.Duration{"load": 90 * time.Second, "chaos": 10 * time.Second, "soak": 5 * time.Minute, "startup": time.Second, "overload": 20 * time.Second}
	o := options{}
	f := flag.NewFlagSet("trial load|chaos|soak|startup|overload", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.books, "books", 10_000, "books in the library, 1,000 at least")
	f.IntVar(&o.users, "users", 500, "readers")
	f.DurationVar(&o.think, "think", 5*time.Second, "time between two page views of a reader, ± 50 %; with soak six times that")
	f.DurationVar(&o.duration, "duration", 0, "how long the load or the soak takes, or each fault (default 90s, 5m, 10s)")
	pattern := f.String("fault", "", "only faults whose name matches this regular expression")
	f.StringVar(&o.server, "server", "", "try this program instead of building cmd/pressmark")
	f.StringVar(&o.results, "results", "", "append the results to this file, too")
	f.BoolVar(&o.strict, "strict", false, "goals of latency count, too")
	f.BoolVar(&o.keep, "keep", false, "keep what the run leaves: logs, and the library")
	if len(args) > 0 {
		o.kind = args[0]
		args = args[1:]
	}
	if o.kind == "-h" || o.kind == "-help" || o.kind == "--help" {
		f.Usage()
		return o, flag.ErrHelp
	}
	err := f.Parse(args)
	if err != nil {
		return o, err
	}
	usual, known := defaults[o.kind]
	if o.duration == 0 {
		o.duration = usual
	}
	if o.kind == "chaos" {
		o.faults, err = regexp.Compile(*pattern)
	}
	switch {
	case err != nil:
	case !known:
		err = fmt.Errorf("%q is none of load, chaos, soak and startup", o.kind)
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.books < 1000:
		err = fmt.Errorf("-books %d: 1,000 at least", o.books)
	case o.users < 1 || o.users > 60_000:
		err = fmt.Errorf("-users %d: 1 to 60,000", o.users)
	case o.duration < time.Second || o.think < 10*time.Millisecond:
		err = errors.New("-duration or -think is too short")
	}
	if err != nil {
		fmt.Fprintln(stderr, "trial:", err)
	}
	return o, err
}
