package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// unit says how a figure is written.
type unit string

const (
	ratio   unit = "ratio"
	seconds unit = "seconds"
	bytesIn unit = "bytes"

	perSecond unit = "per second"
)

// budget is what a figure must reach: at least, or less than.
type budget struct {
	atLeast bool
	limit   float64
	unit    unit
}

func atLeast(limit float64) budget            { return budget{true, limit, ratio} }
func below(limit time.Duration) budget        { return budget{false, limit.Seconds(), seconds} }
func belowBytes(limit float64) budget         { return budget{false, limit, bytesIn} }
func (b budget) met(v float64) bool           { return b.atLeast && v >= b.limit || !b.atLeast && v < b.limit }
func (b budget) none() bool                   { return b == budget{} }
func (b budget) format(v float64) string      { return format(v, b.unit) }
func (b budget) MarshalJSON() ([]byte, error) { return json.Marshal(b.String()) }

// String writes the budget as the table shows it.
func (b budget) String() string {
	switch {
	case b.none():
		return "-"
	case b.atLeast:
		return "≥ " + b.format(b.limit)
	}
	return "< " + b.format(b.limit)
}

// format writes a figure with the digits that mean something.
func format(v float64, u unit) string {
	switch u {
	case seconds:
		d := time.Duration(v * float64(time.Second))
		switch {
		case d >= time.Second:
			return fmt.Sprintf("%.3g s", d.Seconds())
		case d >= time.Millisecond:
			return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
		}
		return fmt.Sprintf("%.3g µs", float64(d)/float64(time.Microsecond))
	case bytesIn:
		if v >= 1000<<20 {
			return fmt.Sprintf("%.2f GiB", v/(1<<30))
		}
		return fmt.Sprintf("%.0f MiB", v/(1<<20))
	case perSecond:
		return fmt.Sprintf("%.0f/s", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// The verdicts of a row.
const (
	passed = "pass"
	missed = "MISS"
	absent = "n/a"
	failed = "ERROR"
	shown  = "-" // a figure without a budget
)

// figure is a row of the table.
type figure struct {
	ID      string  `json:"id"`
	Work    string  `json:"work"`
	Books   int     `json:"books,omitempty"`
	Budget  budget  `json:"budget"`
	Value   float64 `json:"value"`
	Unit    unit    `json:"unit"`
	Verdict string  `json:"verdict"`
	Ours    *speed  `json:"ours,omitempty"`
	Other   *speed  `json:"other,omitempty"` // the bare handler, or nginx
	Note    string  `json:"note,omitempty"`
}

// report is everything that one run found out.
type report struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Go        string `json:"go"`
	Arch      string `json:"arch"`
	Conns     int    `json:"connections"`
	// LoadBefore is the load average of the minute before.
	LoadBefore string   `json:"load_before"`
	Rows       []figure `json:"rows"`
}

func newReport(conns int) *report {
	return &report{
		Processor: rig.Processor(), LoadBefore: rig.LoadAverage(), Cores: runtime.NumCPU(), Go: runtime.Version(),
		Arch: runtime.GOOS + "/" + runtime.GOARCH, Conns: conns,
	}
}

func (r *report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// text writes the table for people.
func (r *report) text(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d cores, %s %s, %d connections, load average before %s\n\n", r.Processor, r.Cores, r.Go, r.Arch, r.Conns, r.LoadBefore)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "work\tbooks\tbudget\tmeasured\t\treq/s\tp50\tp95\tCPU/req\tbare req/s\tbare CPU/req")
	for _, f := range r.Rows {
		books, value := "", ""
		if f.Books > 0 {
			books = fmt.Sprint(f.Books)
		}
		if f.Verdict != absent && f.Verdict != failed {
			value = format(f.Value, f.Unit)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Work, books, f.Budget, value, f.Verdict, f.Ours.columns(), f.Other.bareColumns())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	notes := false
	for _, f := range r.Rows {
		if f.Note != "" && !notes {
			notes = true
			fmt.Fprintln(w)
		}
		if f.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", f.title(), strings.ReplaceAll(f.Note, "\n", "\n    "))
		}
	}
	_, err := fmt.Fprint(w, explanation)
	return err
}

func (f *figure) title() string {
	if f.Books > 0 {
		return fmt.Sprintf("%s, %d books", f.Work, f.Books)
	}
	return f.Work
}

func (s *speed) columns() string {
	if s == nil {
		return "\t\t\t"
	}
	return fmt.Sprintf("%.0f\t%s\t%s\t%s", s.PerSecond, format(s.P50.Seconds(), seconds), format(s.P95.Seconds(), seconds), format(s.CPU.Seconds(), seconds))
}

func (s *speed) bareColumns() string {
	if s == nil {
		return "\t"
	}
	return fmt.Sprintf("%.0f\t%s", s.PerSecond, format(s.CPU.Seconds(), seconds))
}

const explanation = `
A ratio is the processor time per request of a bare net/http handler that writes
the same bytes and headers, divided by ours: 1.00 is as cheap as the bare
handler. Both are asked in turn in short slices of one run, from the same
connections and with the same requests; figures are medians over the slices.
Requests per second and latencies share the processors with the load generator.
`
