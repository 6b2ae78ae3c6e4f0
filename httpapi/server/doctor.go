package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The states of a Finding.
const (
	FindingOK      = "ok"
	FindingWarning = "warning" // it works, and not as it should or not for long
	FindingFault   = "fault"   // something does not work
)

// Finding is what one check of [Diagnose] found.
type Finding struct {
	// Check is the name of the check, such as "library.files".
	Check string `json:"check"`
	// Library is the name of the library that it is about; empty is none.
	Library string `json:"library,omitempty"`
	// State is "ok", "warning" or "fault".
	State string `json:"state"`
	// Message says what is wrong, or how it is.
	Message string `json:"message"`
	// Cure says what to do. It is empty where nothing is wrong.
	Cure string `json:"cure,omitempty"`
}

// examination is what checks have in common.
type examination struct {
	config Config
	now    func() time.Time
	// scratch is a folder for private copies.
	scratch string
	// libraries are those of config.
	libraries []*libraryExam
}

// check is one look at something. Its time is bounded, and it keeps no other from
// being made.
type check struct {
	name    string
	library string
	limit   time.Duration
	run     func(ctx context.Context, r *findings)
}

// The time that checks have: those that ask something on the network, and those
// that go through a library.
const (
	askLimit  = 15 * time.Second
	scanLimit = 2 * time.Minute
)

// findings are those of one check.
type findings struct {
	check check
	mu    sync.Mutex
	all   []Finding
	ended bool // what comes later comes too late
}

func (r *findings) add(state, message, cure string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.all = append(r.all, Finding{r.check.name, r.check.library, state, message, cure})
	}
}

func (r *findings) ok(format string, args ...any) { r.add(FindingOK, fmt.Sprintf(format, args...), "") }

func (r *findings) warn(cure, format string, args ...any) {
	r.add(FindingWarning, fmt.Sprintf(format, args...), cure)
}

func (r *findings) fault(cure, format string, args ...any) {
	r.add(FindingFault, fmt.Sprintf(format, args...), cure)
}

// end returns what was found until now.
func (r *findings) end() []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	return r.all
}

// Diagnose makes real calls to find out whether a server with the settings of c
// would work, or the one that runs with them does, and tells report of what each
// check found, in a fixed order. unusable is what [ParseAll] said of the settings;
// what can be checked in spite of it is. Checks run at the same time, each for a
// bounded time: one that hangs is a fault, and no other waits for it. Nothing is
// written in a library, and nothing that a server keeps is changed.
func Diagnose(ctx context.Context, c Config, unusable error, report func(Finding)) {
	diagnose(ctx, c, unusable, time.Now, report)
}

func diagnose(ctx context.Context, c Config, unusable error, now func() time.Time, report func(Finding)) {
	c, _ = c.withDefaults() // unusable has what is wrong
	e := &examination{config: c, now: now}
	for _, l := range c.Libraries {
		e.libraries = append(e.libraries, &libraryExam{examination: e, Library: l})
	}
	remove, err := e.openScratch()
	defer remove()
	defer e.close()
	checks := e.checks(unusable)
	if err != nil {
		checks = append(checks, check{name: "data.scratch", limit: askLimit, run: func(_ context.Context, r *findings) {
			r.fault("make a folder for temporary files writable: DATA_DIR, or $TMPDIR", "there is no folder for private copies of databases: %v", err)
		}})
	}
	results := make([]chan []Finding, len(checks))
	for i, chk := range checks {
		results[i] = make(chan []Finding, 1)
		go func() { results[i] <- chk.make(ctx) }()
	}
	for _, result := range results {
		for _, f := range <-result {
			report(f)
		}
	}
}

// make makes the check, for as long as it may take.
func (chk check) make(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, chk.limit)
	defer cancel()
	r := &findings{check: chk}
	done := make(chan struct{})
	go func() {
		defer close(done)
		chk.run(ctx, r)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		// It should end by itself now, with an error that says more.
		late := time.NewTimer(time.Second)
		defer late.Stop()
		select {
		case <-done:
		case <-late.C:
			r.fault("see whether what it asks hangs: a network share, a server that accepts connections and does not answer", "the check did not end within %v", chk.limit)
		}
	}
	return r.end()
}

// openScratch finds a folder for private copies: the server's own, or a temporary
// one. What it returns removes what is temporary.
func (e *examination) openScratch() (remove func(), err error) {
	if info, err := os.Stat(e.config.DataDir); err == nil && info.IsDir() {
		if dir, err := os.MkdirTemp(e.config.DataDir, "doctor-*"); err == nil {
			e.scratch = dir
			return func() { os.RemoveAll(dir) }, nil
		}
	}
	dir, err := os.MkdirTemp("", "pressmark-doctor-*")
	if err != nil {
		return func() {}, err
	}
	e.scratch = dir
	return func() { os.RemoveAll(dir) }, nil
}

// checks lists all checks that the settings ask for, in the order of the report.
func (e *examination) checks(unusable error) []check {
	c := &e.config
	all := []check{
		{"settings", "", askLimit, func(_ context.Context, r *findings) { e.checkSettings(r, unusable) }},
		{"network", "", askLimit, func(_ context.Context, r *findings) { e.checkExposure(r) }},
		{"listen", "", askLimit, e.checkListen},
	}
	if c.TLSCertFile != "" && c.TLSKeyFile != "" {
		all = append(all, check{"tls", "", askLimit, func(_ context.Context, r *findings) { e.checkTLS(r) }})
	}
	all = append(all,
		check{"data", "", askLimit, func(_ context.Context, r *findings) { e.checkData(r) }},
		check{"limits", "", askLimit, func(_ context.Context, r *findings) { e.checkLimits(r) }},
		check{"database", "", askLimit, e.checkDatabase},
	)
	if c.RedisURL != "" {
		all = append(all, check{"redis", "", askLimit, e.checkRedis})
	}
	if c.usesS3() {
		all = append(all, check{"s3", "", scanLimit, e.checkS3})
	}
	if c.usesDrive() {
		all = append(all, check{"drive", "", scanLimit, e.checkDrive})
	}
	for _, x := range e.libraries {
		l := x.Library
		if l.Path == "" {
			continue
		}
		all = append(all,
			check{"library.folder", l.Name, askLimit, x.checkFolder},
			check{"library.database", l.Name, scanLimit, x.checkDatabase},
			check{"library.files", l.Name, scanLimit, x.checkFiles},
			check{"library.users", l.Name, scanLimit, x.checkRestrictions},
		)
	}
	return all
}

// examples are the first of what may be many.
type examples struct {
	n     int
	first []string
}

func (x *examples) add(s string) {
	if x.n++; len(x.first) < 3 {
		x.first = append(x.first, s)
	}
}

func (x *examples) String() string {
	s := strings.Join(x.first, "; ")
	if more := x.n - len(x.first); more > 0 {
		s += fmt.Sprintf("; and %d more", more)
	}
	return s
}

// close lets go of private copies. A check that was given up may still make one;
// it goes with the process.
func (e *examination) close() {
	for _, x := range e.libraries {
		if !x.turn.TryLock() {
			continue
		}
		if x.books != nil {
			_ = x.books.Close() // the folder is removed anyway
		}
		if x.copied != nil {
			_ = x.copied.Close()
		}
		x.turn.Unlock()
	}
}

// snapshotDir is where private copies are made.
func (e *examination) snapshotDir() string { return filepath.Join(e.scratch, "snapshots") }
