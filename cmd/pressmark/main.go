// Command pressmark puts Calibre libraries on the network.
//
//	pressmark demo                           serve a sample library on 127.0.0.1:8000
//	pressmark serve --calibre-library-path /books --public
//	pressmark serve --help                   every setting, with default and unit
//	pressmark user create --email a@example.com --username a   see "pressmark user help"
//	pressmark state export state.jsonl       accounts, and what users make of the libraries
//	pressmark covers upload                  the covers, and "books push" the books, to S3
//	pressmark migrate status                 the schema of the database of accounts
//	pressmark healthcheck                    whether the server of this machine answers
//	pressmark doctor                         what is wrong, and what to do
//	pressmark verify                         whether what is served is what Calibre has
//	pressmark config check                   the settings; "config print" shows them
//	pressmark openapi [--yaml]               print the description of the API
//	pressmark version
//
// It exits with 0 when it has done what was asked, or was told to stop by
// SIGINT or SIGTERM; with 1 when something failed; with 2 when the command line
// or a setting cannot be used. A second signal ends it at once. SIGHUP makes
// serve read again what may change while it runs: the TLS certificate, the log
// level if a file has it, and the libraries.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // TZ must work in an image that holds nothing but the program

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/pressmark/pressmark/auth/passwordproc"
	"github.com/pressmark/pressmark/httpapi/server"
)

func main() {
	// The index is most of the heap and lives long. Collecting a little more
	// often than by default costs little and keeps the process a third smaller
	// under load. GOGC still has the last word.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	// What a container may use the collector has to know, or the system kills the
	// process. GOMEMLIMIT has the last word here, too; outside of containers there
	// is no limit, which is no failure.
	_, _ = memlimit.Set(memlimit.WithRatio(0.9), memlimit.WithProvider(memlimit.FromCgroup))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the next signal is not caught, and kills
	self, err := os.Executable()
	if err != nil {
		self = "" // it works without
	}
	os.Exit(console{os.Getenv, os.Stdin, os.Stdout, os.Stderr, self}.run(ctx, os.Args[1:]))
}

const usage = `Pressmark puts Calibre libraries on the network.

  pressmark serve     serve libraries; "pressmark serve --help" lists all settings
  pressmark demo      serve a sample library on 127.0.0.1:8000
  pressmark user      manage accounts: create, list, disable, enable, passwd, delete, token
  pressmark state     export, import, backup, rekey: accounts, and what users make of the libraries
  pressmark covers    upload: send covers to S3
  pressmark books     push: send books to S3
  pressmark migrate   status, up or down: the schema of the database of accounts
  pressmark healthcheck   ask the server of this machine how it is, for containers
  pressmark doctor    find out what is wrong, and what to do
  pressmark verify    compare what is served, and the files, with Calibre's database
  pressmark config    check or print the settings
  pressmark openapi   print the description of the API as JSON (--yaml: as YAML)
  pressmark version   print the version
`

// console is what a command talks to.
type console struct {
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	// self is the path of this program, with which it starts itself again to hash
	// passwords; with "" it does not.
	self string
}

// hashPasswords is the command with which the program starts itself. It is not
// for people.
const hashPasswords = "hash-passwords"

// run is the whole program. It returns the exit code.
func (con console) run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		fmt.Fprint(con.stderr, usage)
		return 2
	}
	var err error
	switch name, args := args[0], args[1:]; name {
	case "serve":
		err = con.serve(ctx, args)
	case "demo":
		err = con.demo(ctx, args)
	case "user":
		err = user(ctx, args, con)
	case "state":
		err = state(ctx, args, con)
	case "covers", "books":
		err = uploads(ctx, name, args, con)
	case "migrate":
		err = migrate(ctx, args, con)
	case "healthcheck":
		err = healthcheck(ctx, args, con)
	case "doctor":
		err = doctor(ctx, args, con)
	case "verify":
		err = verify(ctx, args, con)
	case "config":
		err = config(args, con)
	case "openapi":
		err = openapi(args, con.stdout)
	case hashPasswords:
		err = passwordproc.Serve(con.stdin, con.stdout)
	case "version", "--version":
		err = printVersion(args, con.stdout)
	case "help", "-h", "--help":
		_, err = io.WriteString(con.stdout, usage)
	default:
		err = usageError{fmt.Sprintf("there is no command %q\n\n%s", name, usage)}
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(con.stderr, "pressmark:", err)
	var misused usageError
	var misconfigured *server.ConfigError
	if errors.As(err, &misused) || errors.As(err, &misconfigured) {
		return 2
	}
	return 1
}

// usageError is a command line that makes no sense.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// parse reads the settings. It reports whether the user only wanted help, which
// it then has written.
func parse(about string, args []string, getenv func(string) string, stdout io.Writer) (c server.Config, helped bool, err error) {
	c, err = server.Parse(args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, about)
		return c, true, server.WriteHelp(stdout)
	}
	c.Version = version()
	return c, false, err
}
