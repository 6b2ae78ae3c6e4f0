package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/pressmark/pressmark/httpapi/server"
	"github.com/pressmark/pressmark/migrations"
)

const aboutMigrate = `Usage: pressmark migrate COMMAND [settings]

  status   the changes of the schema, and when this database got them
  up       apply those that are missing, as "pressmark serve" does
  down     take the newest back, with all that is kept in what it made

Settings say which database: --database-url, or else --data-dir.
`

// migrate changes the schema of the database of accounts.
func migrate(ctx context.Context, args []string, con console) error {
	if len(args) == 0 {
		return usageError{aboutMigrate}
	}
	commands := map[string]func(context.Context, *migrations.Schema, io.Writer) error{"status": migrateStatus, "up": migrateUp, "down": migrateDown}
	name := args[0]
	if name == "help" || name == "-h" || name == "--help" {
		_, err := io.WriteString(con.stdout, aboutMigrate)
		return err
	}
	run := commands[name]
	if run == nil {
		return usageError{fmt.Sprintf("there is no command \"migrate %s\"\n\n%s", name, aboutMigrate)}
	}
	return withState(ctx, aboutMigrate, args[1:], con, func(s *server.State) error {
		fmt.Fprintln(con.stdout, s.Database())
		return run(ctx, s.Schema, con.stdout)
	})
}

func migrateStatus(ctx context.Context, s *migrations.Schema, out io.Writer) error {
	steps, err := s.Status(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, step := range steps {
		at := "missing"
		if !step.Applied.IsZero() {
			at = step.Applied.UTC().Format("2006-01-02 15:04:05")
		}
		fmt.Fprintf(t, "%s\t%s\n", step.Name, at)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var version *migrations.VersionError
	if err := s.Check(ctx); !errors.As(err, &version) || version.Database > version.Known {
		return err
	}
	return nil // what is missing has been said
}

func migrateUp(ctx context.Context, s *migrations.Schema, out io.Writer) error {
	steps, err := s.Up(ctx)
	for _, step := range steps {
		fmt.Fprintln(out, "applied", step.Name)
	}
	if err == nil && len(steps) == 0 {
		fmt.Fprintln(out, "nothing was missing")
	}
	return err
}

func migrateDown(ctx context.Context, s *migrations.Schema, out io.Writer) error {
	step, err := s.Down(ctx)
	switch {
	case err != nil:
		return err
	case step.Version == 0:
		fmt.Fprintln(out, "there is nothing to take back")
	default:
		fmt.Fprintln(out, "took back", step.Name)
	}
	return nil
}
