package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pressmark/pressmark/httpapi/server"
)

const aboutDoctor = `Usage: pressmark doctor [--json] [settings]

Checks with real calls whether a server with these settings works: the settings
themselves, the libraries and their files, DATA_DIR, the database, Redis, Google
Drive and S3, certificate and addresses. It says what is wrong and what to do. It
writes nothing in a library, and may run beside a server.

Exit code 0: all is well. 1: there are warnings or faults.
The settings are those of "pressmark serve".
`

// doctor finds out what is wrong.
func doctor(ctx context.Context, args []string, con console) error {
	flags := flagSet{bools: []string{"json"}}
	rest, err := flags.take(args)
	if err != nil {
		return err
	}
	if len(flags.words) > 0 {
		if flags.words[0] == "help" {
			_, err := io.WriteString(con.stdout, aboutDoctor)
			return err
		}
		return usageError{fmt.Sprintf("doctor takes no words: %q", flags.words)}
	}
	c, unusable := server.ParseAll(rest, con.getenv)
	if errors.Is(unusable, flag.ErrHelp) {
		fmt.Fprint(con.stdout, aboutDoctor)
		return server.WriteHelp(con.stdout)
	}
	c.Version = version()
	redis.SetLogger(noLog{}) // what does not work is a finding
	asJSON := flags.on["json"]
	all, warnings, faults := []server.Finding{}, 0, 0
	server.Diagnose(ctx, c, unusable, func(f server.Finding) {
		all = append(all, f)
		switch f.State {
		case server.FindingWarning:
			warnings++
		case server.FindingFault:
			faults++
		}
		if !asJSON {
			fmt.Fprint(con.stdout, finding(f))
		}
	})
	if asJSON {
		err = printJSON(con.stdout, struct {
			OK       bool             `json:"ok"`
			Warnings int              `json:"warnings"`
			Faults   int              `json:"faults"`
			Findings []server.Finding `json:"findings"`
		}{warnings+faults == 0, warnings, faults, all})
	} else if warnings+faults == 0 {
		fmt.Fprintf(con.stdout, "All is well: %d checks.\n", len(all))
	}
	if err == nil && warnings+faults > 0 {
		err = fmt.Errorf("not all is well: faults: %d, warnings: %d", faults, warnings)
	}
	return err
}

// finding is a line about a finding, and one with its cure.
func finding(f server.Finding) string {
	name := f.Check
	if f.Library != "" {
		name += " (" + f.Library + ")"
	}
	line := fmt.Sprintf("%-8s %s: %s\n", f.State, name, strings.ReplaceAll(f.Message, "\n", "; "))
	if f.Cure != "" {
		line += "         do: " + f.Cure + "\n"
	}
	return line
}

// noLog takes what the Redis client would write.
type noLog struct{}

// Printf drops a line.
func (noLog) Printf(context.Context, string, ...any) {}
