package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pressmark/pressmark/httpapi/server"
	"github.com/pressmark/pressmark/httpapi/upload"
)

const aboutVerify = `Usage: pressmark verify [flags] [settings]

Compares what is served with Calibre's database, read in another way, and each file
with its record, in each place where it should be. Nothing is changed. It may run
beside a server: it looks at one file at a time.

  --files DEPTH    sizes: files are there and have their sizes (the default)
                   contents: also read all of them, and decode covers
                   none: do not look at files
  --server URL     compare what this server answers, too; with the access token or
                   app password in PRESSMARK_TOKEN, of a user who sees everything
  --json           print the result as JSON

Exit code 0: nothing differs. 1: something does, or could not be compared.
The settings are those of "pressmark serve".
`

// errDiffers is why verify fails when it has worked.
var errDiffers = errors.New("what is served, or a file, is not as Calibre has it")

// verify compares everything with Calibre's database.
func verify(ctx context.Context, args []string, con console) error {
	flags := flagSet{text: []string{"files", "server"}, bools: []string{"json"}}
	rest, err := flags.take(args)
	if err != nil {
		return err
	}
	if len(flags.words) > 0 {
		if flags.words[0] == "help" {
			_, err := io.WriteString(con.stdout, aboutVerify)
			return err
		}
		return usageError{fmt.Sprintf("verify takes no words: %q", flags.words)}
	}
	depth := server.FileDepth(strings.ToLower(flags.given["files"]))
	if depth == "" {
		depth = server.FileSizes
	}
	if !slices.Contains([]server.FileDepth{server.FileSizes, server.FileContents, server.FileNone}, depth) {
		return usageError{fmt.Sprintf("--files: %q is none of sizes, contents and none", depth)}
	}
	c, helped, err := parse(aboutVerify, rest, con.getenv, con.stdout)
	if err != nil || helped {
		return err
	}
	asJSON := flags.on["json"]
	shown := newProgress(con, "files", true)
	v := server.Verification{
		Files: depth, Server: flags.given["server"], Token: con.getenv("PRESSMARK_TOKEN"),
	}
	if shown.terminal {
		v.Progress = func(library string, done, all int) { shown.update(library, upload.Count{Books: all, Done: done}) }
	}
	examples := []server.Difference{}
	v.Report = func(d server.Difference) {
		if asJSON {
			examples = append(examples, d)
			return
		}
		fmt.Fprintln(con.stdout, d)
	}
	results, err := server.Verify(ctx, c, v)
	if shown.bar != nil {
		_ = shown.bar.Clear()
	}
	different := 0
	for _, r := range results {
		different += r.Differences
	}
	if asJSON {
		out := struct {
			OK        bool                `json:"ok"`
			Libraries []server.Verified   `json:"libraries"`
			Examples  []server.Difference `json:"examples"`
		}{err == nil && different == 0, results, examples}
		if out.Libraries == nil {
			out.Libraries = []server.Verified{}
		}
		if err := errors.Join(err, printJSON(con.stdout, out)); err != nil {
			return err
		}
	} else {
		for _, r := range results {
			fmt.Fprintln(con.stdout, verified(r))
		}
	}
	if err == nil && different > 0 {
		err = errDiffers
	}
	return err
}

// verified is a line about a library.
func verified(r server.Verified) string {
	line := fmt.Sprintf("%s: %d books, %d files, %.1f MB", r.Library, r.Books, r.Files, float64(r.Bytes)/1e6)
	if r.Served {
		line += ", and what is served"
	}
	if r.Differences == 0 {
		return line + ": nothing differs"
	}
	line += fmt.Sprintf(": %d differences", r.Differences)
	for _, kind := range []string{server.KindCatalog, server.KindServed, server.KindFile} {
		if n := r.Kinds[kind]; n > server.MostExamples {
			line += fmt.Sprintf(", of which %d more of kind %s than are shown", n-server.MostExamples, kind)
		}
	}
	return line
}
