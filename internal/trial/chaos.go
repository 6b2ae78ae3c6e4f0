package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// fault is something that goes wrong with a site for a while.
type fault struct {
	name  string
	begin func(context.Context) error
	// prepare is done before it, without being counted. nil is nothing.
	prepare func(context.Context) error
	// end puts it right, and returns when that is done. nil is nothing to do.
	end func(context.Context) error
	// during checks, shortly before the end, what has to be then. nil is nothing.
	during func(context.Context) error
	// after checks what has to be soon after the end, beside that all replicas are
	// in good health. nil is nothing.
	after func(context.Context) error
	// may reports whether a failure is what DESIGN.md says of this fault. nil is
	// none.
	may func(event) bool
	// absent says why it cannot be tried here.
	absent string
	// note is what else there is to say, known in the end.
	note func() string
}

const (
	// recovery is how long after a fault all has to be well again.
	recovery = 10 * time.Second
	// tail is for how long it is looked whether it stays well.
	tail = 5 * time.Second
	// calm is for how long nothing is wrong before a fault.
	calm = 3 * time.Second
)

// tryChaos is one fault after another, under load.
func tryChaos(ctx context.Context, o options, log io.Writer) (_ *report, err error) {
	rep := newReport(o, "Chaos", "fault", "requests", "failed during", "failed after 10 s", "longest", "well after", "")
	s, err := openSite(ctx, o, log)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return nil, err
	}
	l := startLoad(ctx, s, o.think)
	defer l.halt()
	if err := pause(ctx, warmUp); err != nil {
		return nil, err
	}
	for _, f := range s.faults() {
		if !o.faults.MatchString(f.name) {
			continue
		}
		if f.absent != "" {
			rep.row(f.name, "", "", "", "", "", "n/a: "+f.absent)
			continue
		}
		if err := l.suffer(ctx, rep, &f, o.duration); err != nil {
			return rep, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	l.halt()
	l.book.quiet.Lock()
	defer l.book.quiet.Unlock()
	checked, err := l.audit(ctx)
	if err != nil {
		return rep, err
	}
	acked, unknown, breaches := l.book.sum()
	rep.failed = rep.failed || len(breaches) > 0
	rep.note("writes: %d acknowledged, %d without an answer, %d books read back in the end, %d lost: %s", acked, unknown, checked, len(breaches), verdict(len(breaches) == 0, true))
	return rep, nil
}

// suffer goes through one fault.
func (l *load) suffer(ctx context.Context, rep *report, f *fault, d time.Duration) error {
	s := l.site
	_, _, before := l.book.sum()
	l.tally.forget(time.Now().Add(-time.Minute))
	if f.prepare != nil {
		if err := f.prepare(ctx); err != nil {
			return err
		}
	}
	if err := pause(ctx, calm); err != nil {
		return err
	}
	s.say("fault: %s", f.name)
	began := time.Now()
	if err := f.begin(ctx); err != nil {
		return err
	}
	if f.end != nil {
		if err := pause(ctx, d-time.Since(began)); err != nil {
			return err
		}
	}
	var wrong []string
	if f.during != nil {
		if err := f.during(ctx); err != nil {
			wrong = append(wrong, "during: "+err.Error())
		}
	}
	if f.end != nil {
		if err := f.end(ctx); err != nil {
			return err
		}
	}
	ended := time.Now()
	well, err := s.recovers(ctx, f)
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	if err := pause(ctx, time.Until(ended.Add(recovery+tail))); err != nil {
		return err
	}
	// Requests that hang are known when they end.
	l.quiesce(patience)
	during, after := l.tally.between(began.Add(-time.Second), ended.Add(recovery)), l.tally.between(ended.Add(recovery), time.Now())
	for _, e := range during {
		if e.kind != "" && e.due.After(ended) {
			well = max(well, e.due.Sub(ended))
		}
	}
	forbidden := slices.DeleteFunc(slices.Clone(during), func(e event) bool { return e.kind == "" || f.may != nil && f.may(e) })
	if len(forbidden) > 0 {
		wrong = append(wrong, "must not fail: "+listed(failures(forbidden))+example(forbidden))
	}
	if late := failures(after); len(late) > 0 {
		wrong = append(wrong, "fails still: "+listed(late)+example(after))
	}
	if well > recovery {
		wrong = append(wrong, "recovery took "+short(well))
	}
	l.book.quiet.Lock()
	_, err = l.audit(ctx)
	l.book.quiet.Unlock()
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	if _, _, breaches := l.book.sum(); len(breaches) > len(before) {
		wrong = append(wrong, fmt.Sprintf("%d writes lost: %s", len(breaches)-len(before), breaches[len(before)]))
	}
	q := quantilesOf(timesOf(during, func(event) bool { return true }))
	rep.row(f.name, fmt.Sprint(len(during)), listed(failures(during)), listed(failures(after)), short(q.most), short(well), verdict(len(wrong) == 0, true))
	rep.failed = rep.failed || len(wrong) > 0
	for _, w := range wrong {
		rep.note("%s: %s", f.name, w)
		s.say("  %s", w)
	}
	if f.note != nil {
		rep.note("%s: %s", f.name, f.note())
	}
	return nil
}

// quiesce waits until no page view is under way that began before now, for as
// long as a client waits at most.
func (l *load) quiesce(most time.Duration) {
	mark := time.Now()
	for time.Since(mark) < most && l.tally.olderThan(mark) {
		time.Sleep(100 * time.Millisecond)
	}
}

// recovers waits until every replica is in good health and what the fault wants
// to see is there, and returns how long that took; an error says what was not
// well in time.
func (s *site) recovers(ctx context.Context, f *fault) (time.Duration, error) {
	began := time.Now()
	var why error
	for time.Since(began) < recovery+tail {
		why = nil
		for _, r := range s.replicas {
			why = errors.Join(why, r.healthy(ctx, s.root))
		}
		if why == nil && f.after != nil {
			why = f.after(ctx)
		}
		if why == nil {
			break
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	took := time.Since(began)
	if why != nil {
		return took, fmt.Errorf("not well after %s: %w", short(took), why)
	}
	return took, nil
}

// health is what a replica says of itself.
type health struct {
	Status    string
	Libraries []struct {
		Revision string
		Problem  *json.RawMessage
	}
	Checks []struct{ Name, Status string }
}

// health asks a replica itself, past nginx.
func (r *replica) health(ctx context.Context, root *reader, path string) (int, health, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	token := root.fresh(ctx)
	rep := root.at(r.addr).send(ctx, http.MethodGet, path, token, nil, "Accept-Encoding", "identity")
	if rep.err != nil {
		return 0, health{}, fmt.Errorf("%s: %w", r.name, rep.err)
	}
	var h health
	if err := json.Unmarshal(rep.body, &h); err != nil {
		return rep.status, h, fmt.Errorf("%s: %s: %w", r.name, rep.body, err)
	}
	return rep.status, h, nil
}

// healthy says what is wrong with a replica.
func (r *replica) healthy(ctx context.Context, root *reader) error {
	status, h, err := r.health(ctx, root, "/api/health")
	switch {
	case err != nil:
		return err
	case status != http.StatusOK || h.Status != "ok":
		return fmt.Errorf("%s: health answers %d, %q: %+v", r.name, status, h.Status, h.Checks)
	}
	for _, c := range h.Checks {
		if c.Status != "ok" && c.Status != "off" {
			return fmt.Errorf("%s: %s is %s", r.name, c.Name, c.Status)
		}
	}
	for _, l := range h.Libraries {
		if l.Problem != nil && string(*l.Problem) != "null" {
			return fmt.Errorf("%s: library: %s", r.name, *l.Problem)
		}
	}
	return nil
}

// ready says whether all replicas say that they are, and that they have a problem
// with the library, if they have to have one.
func (s *site) ready(ctx context.Context, problem bool) error {
	for _, r := range s.replicas {
		status, h, err := r.health(ctx, s.root, "/api/health/ready")
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("%s is not ready: %d", r.name, status)
		}
		for _, l := range h.Libraries {
			if problem && (l.Problem == nil || string(*l.Problem) == "null") {
				return fmt.Errorf("%s does not say that there is a problem", r.name)
			}
		}
	}
	return nil
}

// killReplica kills a replica at once.
func killReplica(p *rig.Process) error {
	err := p.Cmd.Process.Kill()
	<-p.Ended
	return err
}
