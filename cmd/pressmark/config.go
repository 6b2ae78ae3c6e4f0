package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/pressmark/pressmark/httpapi/server"
)

const aboutConfig = `Usage: pressmark config COMMAND [settings]

  check            read all settings, and say all at once what is wrong with them;
                   exit code 2 if something is
  print [--json]   every setting, its value, and where that is from: a flag, a
                   variable, a file, or the default; secrets are not shown

The settings are those of "pressmark serve".
`

// config is about the settings themselves. It reaches nothing that they name.
func config(args []string, con console) error {
	if len(args) == 0 {
		return usageError{aboutConfig}
	}
	name := args[0]
	flags := flagSet{}
	switch name {
	case "check":
	case "print":
		flags.bools = []string{"json"}
	case "help", "-h", "--help":
		_, err := io.WriteString(con.stdout, aboutConfig)
		return err
	default:
		return usageError{fmt.Sprintf("there is no command \"config %s\"\n\n%s", name, aboutConfig)}
	}
	rest, err := flags.take(args[1:])
	if err != nil {
		return err
	}
	if len(flags.words) > 0 {
		return usageError{fmt.Sprintf("config %s takes no words: %q", name, flags.words)}
	}
	_, err = server.ParseAll(rest, con.getenv)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(con.stdout, aboutConfig)
		return server.WriteHelp(con.stdout)
	}
	if name == "check" {
		if err == nil {
			fmt.Fprintln(con.stdout, "All settings can be used.")
		}
		return err
	}
	values, _ := server.Values(rest, con.getenv) // err has it, too
	return errors.Join(printValues(con.stdout, values, flags.on["json"]), err)
}

func printValues(w io.Writer, values []server.Value, asJSON bool) error {
	if asJSON {
		return printJSON(w, struct {
			Settings []server.Value `json:"settings"`
		}{values})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range values {
		from := v.From
		if v.File != "" {
			from += " (" + v.File + ")"
		}
		value := v.Value
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", v.Name, value, from)
	}
	return t.Flush()
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
