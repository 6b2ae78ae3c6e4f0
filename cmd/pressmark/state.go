package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi/server"
	"github.com/pressmark/pressmark/migrations/transfer"
	"github.com/pressmark/pressmark/readerstate"
)

const aboutState = `Usage: pressmark state COMMAND [settings]

  export [FILE]     all accounts, and what users have made of the libraries, as lines
                    of JSON; without FILE they are printed. They hold hashes of
                    passwords: keep them as you would keep the database
  import [FILE]     what export has written, into a database that is still empty, of
                    either kind; without FILE it is read from the standard input
  backup FILE       a copy of the SQLite file, while the server runs
  rekey FROM TO     give what all users have made of a book to another one. A book
                    is a UUID, or the UUID of a library, a colon and an id

To move an installation to another database, stop the server, export from the one
and import into the other:

  pressmark state export | pressmark state import --database-url postgres://…

Settings say which database: --database-url, or else --data-dir.
`

// state moves and mends what the server keeps.
func state(ctx context.Context, args []string, con console) error {
	if len(args) == 0 {
		return usageError{aboutState}
	}
	commands := map[string]struct {
		least, most int // words
		run         func(context.Context, *server.State, []string, console) error
	}{
		"export": {0, 1, exportState}, "import": {0, 1, importState}, "backup": {1, 1, backupState}, "rekey": {2, 2, rekeyState},
	}
	name := args[0]
	if name == "help" || name == "-h" || name == "--help" {
		_, err := io.WriteString(con.stdout, aboutState)
		return err
	}
	c, ok := commands[name]
	if !ok {
		return usageError{fmt.Sprintf("there is no command \"state %s\"\n\n%s", name, aboutState)}
	}
	var flags flagSet
	rest, err := flags.take(args[1:])
	if err != nil {
		return err
	}
	if n := len(flags.words); n < c.least || n > c.most {
		return usageError{fmt.Sprintf("state %s: %d words are too few or too many\n\n%s", name, n, aboutState)}
	}
	return withState(ctx, aboutState, rest, con, func(s *server.State) error {
		if _, err := s.Schema.Up(ctx); err != nil {
			return err
		}
		return c.run(ctx, s, flags.words, con)
	})
}

func exportState(ctx context.Context, s *server.State, words []string, con console) (err error) {
	var rows int64
	if len(words) == 0 {
		rows, err = transfer.Export(ctx, s.Tables, con.stdout)
	} else {
		rows, err = transfer.ExportFile(ctx, s.Tables, words[0])
	}
	if err == nil {
		noteExport(ctx, s, "state export", con)
		fmt.Fprintf(con.stderr, "Exported %d rows of %s\n", rows, s.Database())
	}
	return err
}

// noteExport keeps an event. That it cannot, as on a disk that is full, takes
// nothing from what was exported.
func noteExport(ctx context.Context, s *server.State, command string, con console) {
	if err := record(ctx, s, auth.DidExport, auth.User{}, command); err != nil {
		fmt.Fprintf(con.stderr, "This is not in the audit log: %v\n", err)
	}
}

func importState(ctx context.Context, s *server.State, words []string, con console) error {
	from := con.stdin
	if len(words) == 1 {
		f, err := os.Open(words[0])
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	rows, err := transfer.Import(ctx, s.Tables, from)
	if err == nil {
		err = record(ctx, s, auth.DidImport, auth.User{}, "state import")
	}
	if err == nil {
		fmt.Fprintf(con.stderr, "Imported %d rows into %s\n", rows, s.Database())
	}
	return err
}

func backupState(ctx context.Context, s *server.State, words []string, con console) error {
	err := transfer.Backup(ctx, s.Tables, words[0])
	if err == nil {
		noteExport(ctx, s, "state backup", con)
		fmt.Fprintf(con.stderr, "Copied %s to %s\n", s.Database(), words[0])
	}
	return err
}

func rekeyState(ctx context.Context, s *server.State, words []string, con console) error {
	var books [2]readerstate.Book
	for i, word := range words {
		b, err := readerstate.ParseBook(word)
		if err != nil {
			return usageError{fmt.Sprintf("%q: %v", word, err)}
		}
		books[i] = b
	}
	users, err := s.Readers.Rekey(ctx, books[0], books[1])
	if err == nil {
		fmt.Fprintf(con.stdout, "%d users have what they made of %s at %s now\n", users, books[0], books[1])
	}
	return err
}
