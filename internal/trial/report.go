package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// report is what a trial showed, as a table in Markdown.
type report struct {
	title   string
	command string
	heads   []string
	rows    [][]string
	notes   []string
	failed  bool
	before  string // load of the machine at the beginning
}

func newReport(o options, title string, heads ...string) *report {
	command := fmt.Sprintf("go run ./internal/trial %s -books %d -users %d -think %s -duration %s", o.kind, o.books, o.users, o.think, o.duration)
	return &report{title: title, command: command, heads: heads, before: rig.LoadAverage()}
}

func (r *report) row(cells ...string) { r.rows = append(r.rows, cells) }

func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// goal adds a row with a verdict. What is not reached fails the trial if it
// counts.
func (r *report) goal(what, goal, got string, ok, counts bool) {
	r.row(what, goal, got, verdict(ok, counts))
	r.failed = r.failed || !ok && counts
}

func verdict(ok, counts bool) string {
	switch {
	case ok:
		return "pass"
	case counts:
		return "**FAIL**"
	}
	return "short"
}

// write prints it.
func (r *report) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n`%s`, %s, %s, %d processors, load %s before, %s\n\n",
		r.title, r.command, time.Now().Format(time.DateOnly), rig.Processor(), runtime.NumCPU(), r.before, revision())
	line := func(cells []string) {
		for i, c := range cells {
			cells[i] = strings.NewReplacer("|", "\\|", "\n", " ").Replace(c)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	line(r.heads)
	b.WriteString("|" + strings.Repeat("---|", len(r.heads)) + "\n")
	for _, cells := range r.rows {
		line(cells)
	}
	if len(r.notes) > 0 {
		b.WriteString("\n")
	}
	for _, n := range r.notes {
		b.WriteString("- " + n + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// save appends it to a file.
func (r *report) save(name string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := r.write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// revision is the commit of the folder.
func revision() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown commit"
	}
	return "commit " + strings.TrimSpace(string(out))
}
