package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/pressmark/pressmark/httpapi/covers"
	"github.com/pressmark/pressmark/httpapi/server"
	"github.com/pressmark/pressmark/httpapi/upload"
)

const aboutUploads = `Usage: pressmark covers upload [flags] [settings]
       pressmark books push [flags] [settings]

  covers upload     send the covers of the libraries to S3 (USE_S3_COVERS)
  books push        send their books (BOOKS_STORE=s3)

Only what differs is sent, so what was broken off goes on where it was, and a
second run sends nothing. The settings are those of "pressmark serve": the libraries,
and S3_BUCKET_NAME, AWS_REGION and so on.

  --dry-run           say what would be done
  --delete-stale      also delete what the library does not have any more
  --library NAME      one of several libraries
  --parallel N        books at a time (16)
  --sizes LIST        of covers: also smaller ones, of thumb,small,medium
  --formats LIST      of books: only these, such as EPUB,PDF
`

// uploads sends covers or books to S3.
func uploads(ctx context.Context, what string, args []string, con console) error {
	verb := map[string]string{"covers": "upload", "books": "push"}[what]
	if len(args) == 0 {
		return usageError{aboutUploads}
	}
	switch args[0] {
	case verb:
	case "help", "-h", "--help":
		_, err := io.WriteString(con.stdout, aboutUploads)
		return err
	default:
		return usageError{fmt.Sprintf("there is no command \"%s %s\"\n\n%s", what, args[0], aboutUploads)}
	}
	list := map[string]string{"covers": "sizes", "books": "formats"}[what]
	flags := flagSet{text: []string{"library", "parallel", list}, bools: []string{"dry-run", "delete-stale"}}
	rest, err := flags.take(args[1:])
	if err != nil {
		return err
	}
	if len(flags.words) > 0 {
		return usageError{fmt.Sprintf("%s %s takes no words: %q", what, verb, flags.words)}
	}
	u := server.Upload{Library: flags.given["library"], DryRun: flags.on["dry-run"], DeleteStale: flags.on["delete-stale"]}
	if v, ok := flags.given["parallel"]; ok {
		if u.Parallel, err = strconv.Atoi(v); err != nil || u.Parallel < 1 || u.Parallel > 256 {
			return usageError{fmt.Sprintf("--parallel: %q: 1 to 256 were expected", v)}
		}
	}
	for name := range strings.SplitSeq(flags.given[list], ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if what == "books" {
			u.Formats = append(u.Formats, name)
			continue
		}
		size := covers.Size(strings.ToLower(name))
		if _, _, ok := size.Box(); !ok {
			return usageError{fmt.Sprintf("--sizes: %q is none of thumb, small and medium", name)}
		}
		u.Sizes = append(u.Sizes, size)
	}
	c, helped, err := parse(aboutUploads, rest, con.getenv, con.stdout)
	if err != nil || helped {
		return err
	}
	c.Logger = c.NewLogger(con.stderr)
	shown := newProgress(con, what, u.DryRun)
	u.Progress, u.Finished = shown.update, shown.finish
	send := map[string]func(context.Context, server.Config, server.Upload) error{"covers": server.UploadCovers, "books": server.UploadBooks}[what]
	err = send(ctx, c, u)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted; the same command goes on where it was")
	}
	return err
}

// progress shows how far an upload is: a bar on a terminal, else a line now and
// then.
type progress struct {
	out      io.Writer
	terminal bool
	what     string
	dry      bool
	now      func() time.Time

	library string
	begun   time.Time
	bar     *progressbar.ProgressBar
	last    time.Time // when a line was printed
}

// lineEvery is the time between two lines where there is no terminal.
const lineEvery = 5 * time.Second

func newProgress(con console, what string, dry bool) *progress {
	p := &progress{out: con.stderr, what: what, dry: dry, now: time.Now}
	if f, ok := con.stderr.(*os.File); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	return p
}

func (p *progress) update(library string, c upload.Count) {
	if p.library != library || p.begun.IsZero() {
		p.library, p.begun, p.last = library, p.now(), p.now()
		p.bar = nil
		if p.terminal {
			p.bar = progressbar.NewOptions(c.Books,
				progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.what+" of "+library),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("books"),
				progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			)
		}
	}
	switch {
	case p.bar != nil:
		_ = p.bar.Set(c.Done) // a terminal that is gone
	case p.now().Sub(p.last) >= lineEvery:
		p.last = p.now()
		fmt.Fprintf(p.out, "%s of %s: %d of %d books, %s\n", p.what, library, c.Done, c.Books, sent(c, p.dry))
	}
}

func (p *progress) finish(library string, c upload.Count) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	line := fmt.Sprintf("%s of %s: %d of %d books, %s, %d there already", p.what, library, c.Done, c.Books, sent(c, p.dry), c.Same)
	for _, n := range []struct {
		n    int
		text string
	}{{c.Missing, "missing in the library's folder"}, {c.Unfit, "no images"}, {c.Failed, "failed"}} {
		if n.n > 0 {
			line += fmt.Sprintf(", %d %s", n.n, n.text)
		}
	}
	if c.Stale > 0 {
		line += fmt.Sprintf(", %d stale", c.Stale)
		switch {
		case c.Deleted > 0:
			line += fmt.Sprintf(" of which %d were deleted", c.Deleted)
		default:
			line += " (--delete-stale deletes them)"
		}
	}
	fmt.Fprintln(p.out, line)
}

// sent says how much was sent, or would be.
func sent(c upload.Count, dry bool) string {
	verb := "sent"
	if dry {
		verb = "to send"
	}
	return fmt.Sprintf("%d objects (%.1f MB) %s", c.Sent, float64(c.Bytes)/1e6, verb)
}
