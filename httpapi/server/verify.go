package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pressmark/pressmark/cache"
	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/catalog/calibre/inspect"
)

// Verification is what [Verify] does.
type Verification struct {
	// Files says how files are compared with their records.
	Files FileDepth
	// Server is the address of a server that runs, such as
	// http://127.0.0.1:8000/library, whose answers are compared, too; with Token, an
	// access token or app password of a user who sees everything. Empty is none.
	Server, Token string
	// Behind is how long Server may take to serve what the library holds. 0 means
	// 30 s.
	Behind time.Duration
	// Report is told of differences, of each kind the first MostExamples of a
	// library. nil is nobody.
	Report func(Difference)
	// Progress is told how many books of a library have been looked at, of how many.
	// nil is nobody.
	Progress func(library string, done, all int)
}

// FileDepth is how much of a file is looked at.
type FileDepth string

const (
	// FileSizes looks whether files are there, compares their sizes, and reads the
	// beginnings of covers.
	FileSizes FileDepth = "sizes"
	// FileContents also reads all of each file, and decodes covers.
	FileContents FileDepth = "contents"
	// FileNone does not look at files.
	FileNone FileDepth = "none"
)

// MostExamples is how many differences of one kind, in one library, are told one
// by one. The others are counted.
const MostExamples = 20

// Kinds of differences.
const (
	KindCatalog = "catalog" // between Calibre's tables and the catalog made of them
	KindServed  = "served"  // between that catalog and what the running server answers
	KindFile    = "file"    // between a record and its file
)

// Difference is something that is not as Calibre's database has it.
type Difference struct {
	// Library is the library's name.
	Library string `json:"library"`
	// Kind is "catalog", "served" or "file".
	Kind string `json:"kind"`
	// Place is where a file should be: "folder", "s3" or "gdrive"; else empty.
	Place string `json:"place,omitempty"`
	// Book is the book's number; 0 is none in particular.
	Book catalog.BookID `json:"book,omitempty"`
	// What is the field, or the key of the file.
	What string `json:"what"`
	// Calibre is what the database says, Found what there is.
	Calibre string `json:"calibre"`
	Found   string `json:"found"`
}

// String is a line for people.
func (d Difference) String() string {
	where := d.Library
	if d.Book != 0 {
		where += fmt.Sprintf(": book %d", d.Book)
	}
	what := d.What
	if d.Place != "" {
		what = d.Place + ": " + what
	}
	return fmt.Sprintf("%s: %s: %s; Calibre has: %s", where, what, orNothing(d.Found), orNothing(d.Calibre))
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Verified is what was compared of a library.
type Verified struct {
	Library  string `json:"library"`
	Revision string `json:"revision"`
	// Books, Files and Bytes are how many were compared; the bytes are those of the
	// files' sizes, or those read.
	Books int   `json:"books"`
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Served reports that a running server was compared, too.
	Served bool `json:"served"`
	// Differences are all that there are, and Kinds how many of each kind.
	Differences int            `json:"differences"`
	Kinds       map[string]int `json:"kinds"`
}

// Verify compares, for each library of c, the catalog that a server makes of it
// with an own reading of Calibre's tables, then each file with its record in each
// place where c has it, one after the other, and if one is named the answers of
// a running server. It writes nothing in a library. What is different is in the
// results, not in the error; that is what kept something from being compared.
func Verify(ctx context.Context, c Config, v Verification) ([]Verified, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	// What the catalog does is not what the command is about.
	c.Logger, c.NoWatch = slog.New(slog.DiscardHandler), true
	if v.Report == nil {
		v.Report = func(Difference) {}
	}
	if v.Progress == nil {
		v.Progress = func(string, int, int) {}
	}
	s := &Server{config: c, log: c.Logger, metrics: newMetrics(), caches: &caches{Cache: cache.New(cache.Options{})}}
	if v.Files != FileNone {
		if err := s.openPlaces(ctx); err != nil {
			return nil, err
		}
	}
	var all []Verified
	for i := range c.Libraries {
		r, err := s.verifyLibrary(ctx, i, v)
		if err != nil {
			return all, fmt.Errorf("library %q: %w", c.Libraries[i].Name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// openPlaces opens where files are beside the folders, without asking for
// anything but Drive's folder.
func (s *Server) openPlaces(ctx context.Context) error {
	if err := s.openDrive(ctx); err != nil {
		return err
	}
	if !s.config.usesS3() {
		return nil
	}
	bucket, err := s.config.S3.open(ctx)
	if err == nil {
		s.bucket = &observed{Store: bucket, name: "S3"}
	}
	return err
}

// mostCopies is how often a library is copied that changes while a server is
// compared with it.
const mostCopies = 5

// errMoved says that the library, or what is served, has changed meanwhile.
var errMoved = errors.New("the library was changed while it was compared")

// verifyLibrary verifies the library that is the number i of all.
func (s *Server) verifyLibrary(ctx context.Context, i int, v Verification) (r Verified, err error) {
	l := s.config.Libraries[i]
	if err := l.check(s.config.DataDir); err != nil {
		return r, err
	}
	for range mostCopies {
		var held []Difference // of an attempt that counts for nothing in the end
		attempt := v
		attempt.Report = func(d Difference) { held = append(held, d) }
		r, err = s.verifyCopy(ctx, i, attempt)
		if errors.Is(err, errMoved) && ctx.Err() == nil {
			continue
		}
		for _, d := range held {
			v.Report(d)
		}
		return r, err
	}
	return r, err
}

func (s *Server) verifyCopy(ctx context.Context, i int, v Verification) (_ Verified, err error) {
	l := s.config.Libraries[i]
	database := l.database()
	copied, err := inspect.Take(ctx, database, inspect.Options{Dir: s.config.snapshots(), Wait: 10 * time.Second})
	if err != nil {
		return Verified{}, err
	}
	defer copied.Close()
	l.Database = copied.Path
	lib, err := s.config.openCatalog(l, s.prefix(), nil)
	if err != nil {
		return Verified{}, err
	}
	defer lib.Close()
	if err := lib.Load(ctx); err != nil {
		return Verified{}, err
	}
	reader := lib.Snapshot()
	revision, err := reader.Revision(ctx)
	if err != nil {
		return Verified{}, err
	}
	t := &tally{Verified: Verified{Library: l.Name, Revision: revision.Digest, Kinds: map[string]int{}}, report: v.Report}
	_, t.Books, err = copied.Compare(ctx, reader, func(d inspect.Difference) {
		t.differ(Difference{Kind: KindCatalog, Book: d.Book, What: d.Field, Calibre: d.Calibre, Found: d.Served})
	})
	if err != nil {
		return t.Verified, err
	}
	if v.Server != "" {
		t.Served = true
		if err := s.compareServed(ctx, lib, revision, v, t); err != nil {
			return t.Verified, err
		}
		if !copied.Current(database) && t.Kinds[KindServed] > 0 {
			return t.Verified, errMoved
		}
	}
	if v.Files == FileNone {
		return t.Verified, nil
	}
	check := fileCheck{folder: s.config.Libraries[i].files(), placement: s.placement(i), config: &s.config, contents: v.Files == FileContents, tally: t}
	return t.Verified, s.verifyFiles(ctx, reader, &check, func(done, all int) { v.Progress(l.Name, done, all) })
}

// verifyFiles checks the files of all books, one book after the other.
func (s *Server) verifyFiles(ctx context.Context, reader catalog.Reader, check *fileCheck, progress func(done, all int)) error {
	done := 0
	q := catalog.Query{Limit: catalog.MaxLimit}
	for {
		page, err := reader.Books(ctx, q)
		if err != nil {
			return err
		}
		for i := range page.Items {
			if err := check.book(ctx, &page.Items[i]); err != nil {
				return err
			}
			done++
			progress(done, page.Total)
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

// prefix is the path of the base URL, which has been checked.
func (s *Server) prefix() string {
	prefix, _ := prefixOf(s.config.BaseURL)
	return prefix
}

// tally counts differences, and tells of the first of each kind.
type tally struct {
	Verified
	report func(Difference)
	all    bool // is told
}

func (t *tally) differ(d Difference) {
	d.Library = t.Library
	t.Differences++
	t.Kinds[d.Kind]++
	if t.all || t.Kinds[d.Kind] <= MostExamples {
		t.report(d)
	}
}
