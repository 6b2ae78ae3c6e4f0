package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/pressmark/pressmark/internal/rig"
)

// The account that every server under test has.
const (
	benchUser     = "bench"
	benchPassword = "a password of the bench"
)

// createAdmin makes that account in a data folder, before its server starts.
func createAdmin(program, data string, env ...string) error {
	cmd := exec.Command(program, "user", "create", "--admin", "--email=bench@example.com", "--username="+benchUser, "--data-dir="+data)
	cmd.Env = append(append(rig.Inherited(), env...), "PRESSMARK_PASSWORD="+benchPassword)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pressmark user create: %w: %s", err, out)
	}
	return nil
}

type credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// login returns an access token of the account that every server has.
func (p *process) login(ctx context.Context) (string, error) {
	var g struct {
		AccessToken string `json:"access_token"`
	}
	err := p.Send(ctx, http.MethodPost, "/api/auth/login", credentials{benchUser, benchPassword}, http.StatusOK, &g)
	return g.AccessToken, err
}

// createUsers creates accounts named kind0, kind1, … with the password of the
// bench, and returns their names.
func (p *process) createUsers(ctx context.Context, kind string, n int, disabled bool) ([]string, error) {
	token, err := p.login(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(kind, i)
		body := map[string]any{"email": names[i] + "@example.com", "username": names[i], "password": benchPassword, "disabled": disabled}
		if err := p.Send(ctx, http.MethodPost, "/api/admin/users", body, http.StatusCreated, nil, "Authorization", "Bearer "+token); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// knownPage is cachedPage asked by a user.
func knownPage(ctx context.Context, srv *process, _ *library) (traffic, error) {
	token, err := srv.login(ctx)
	if err != nil {
		return traffic{}, err
	}
	r := get(nil, firstPage, "Authorization: Bearer "+token)
	return traffic{want: 200, prepare: [][]byte{r}, sources: same(r)}, nil
}

// knownAgainstOpen compares a page asked by a user with the same page asked by
// anybody, of one server.
func (l *lab) knownAgainstOpen(ctx context.Context, books int) (outcome, error) {
	srv, lib, err := l.server(ctx, books)
	if err != nil {
		return outcome{}, err
	}
	var sides []side
	for _, make := range []func(context.Context, *process, *library) (traffic, error){knownPage, cachedPage} {
		t, err := make(ctx, srv, lib)
		if err != nil {
			return outcome{}, err
		}
		if err := prepare(srv.Addr, t); err != nil {
			return outcome{}, err
		}
		load, err := newLoad(srv.Addr, t.want, t.sources(1, l.opts.conns))
		if err != nil {
			return outcome{}, err
		}
		defer load.close()
		if _, err := load.run(ctx, l.opts.duration/10); err != nil {
			return outcome{}, err
		}
		sides = append(sides, side{load, srv.PID()})
	}
	known, open, err := inTurn(ctx, sides[0], sides[1], l.opts.duration)
	if err != nil {
		return outcome{}, err
	}
	us, it := sumUp(known), sumUp(open)
	return outcome{value: medianRatio(open, known, sample.cpuPerRequest), unit: ratio, ours: &us, other: &it, note: "the other side is the same page without a token"}, nil
}

// loginsPerSecond is how many log in while reads are measured.
const loginsPerSecond = 50

// logins asks for so many logins a second, of these accounts in turn, whatever
// becomes of those before, until ctx ends, and returns how many were let in.
func (p *process) logins(ctx context.Context, perSecond int, names []string) (in, asked int) {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return in, asked
		case <-tick.C:
		}
		who := credentials{names[asked%len(names)], benchPassword}
		asked++
		wg.Go(func() {
			failed := p.Send(context.WithoutCancel(ctx), http.MethodPost, "/api/auth/login", who, http.StatusOK, nil)
			mu.Lock()
			defer mu.Unlock()
			if failed == nil {
				in++
			}
		})
	}
}

// readsPerSecond is the pace of reads that are measured while others log in: what
// the deployment guide promises.
const readsPerSecond = 5000

// steady asks at that pace for a while, over some connections, and returns how
// long the answers took.
func steady(ctx context.Context, srv *process, t traffic, conns int, d time.Duration) ([]time.Duration, error) {
	load, err := newLoad(srv.Addr, t.want, t.sources(1, conns))
	if err != nil {
		return nil, err
	}
	defer load.close()
	every := time.Second * time.Duration(conns) / readsPerSecond
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	faults := make([]error, conns)
	for i, w := range load.workers {
		wg.Go(func() {
			next := time.Now().Add(every * time.Duration(i) / time.Duration(conns))
			for ; next.Before(end) && ctx.Err() == nil; next = next.Add(every) {
				time.Sleep(time.Until(next))
				w.request = w.source.next(w.request[:0], w.before)
				began := time.Now()
				a, err := w.do(w.request)
				if err == nil && a.status != load.want {
					err = fmt.Errorf("answered %d: %.300s", a.status, a.body)
				}
				if err != nil {
					faults[i] = err
					return
				}
				w.took = append(w.took, time.Since(began))
			}
		})
	}
	wg.Wait()
	var took []time.Duration
	for _, w := range load.workers {
		took = append(took, w.took...)
	}
	return took, errors.Join(append(faults, ctx.Err())...)
}

// readsDuringLogins compares the p95 of reads while many log in with that while
// nobody does. Reads are asked at a steady pace, each new.
func (l *lab) readsDuringLogins(ctx context.Context, books int) (outcome, error) {
	srv, lib, err := l.server(ctx, books)
	if err != nil {
		return outcome{}, err
	}
	t, err := cachedPage(ctx, srv, lib)
	if err != nil {
		return outcome{}, err
	}
	if err := prepare(srv.Addr, t); err != nil {
		return outcome{}, err
	}
	names, err := srv.createUsers(ctx, "reader", loginsPerSecond, false)
	if err != nil {
		return outcome{}, err
	}
	const turns = 4
	var calm, busy []time.Duration
	in, asked := 0, 0
	for range turns {
		took, err := steady(ctx, srv, t, l.opts.conns, l.opts.duration/turns)
		if err != nil {
			return outcome{}, err
		}
		calm = append(calm, took...)
		logging, stop := context.WithCancel(ctx)
		counted := make(chan struct{})
		go func() {
			defer close(counted)
			i, a := srv.logins(logging, loginsPerSecond, names)
			in, asked = in+i, asked+a
		}()
		took, err = steady(ctx, srv, t, l.opts.conns, l.opts.duration/turns)
		stop()
		<-counted
		if err != nil {
			return outcome{}, err
		}
		busy = append(busy, took...)
	}
	slices.Sort(calm)
	slices.Sort(busy)
	before, during := rig.Quantile(calm, 0.95), rig.Quantile(busy, 0.95)
	return outcome{
		value: float64(during) / float64(before), unit: ratio,
		note: fmt.Sprintf("%d reads a second; p95 %s, and %s while %d logins a second are asked for; %d of %d were let in, the others were told to come again",
			readsPerSecond, format(before.Seconds(), seconds), format(during.Seconds(), seconds), loginsPerSecond, in, asked),
	}, nil
}

// Accounts that timing needs: each is tried a few times only, or it would be
// locked.
const (
	timedAccounts = 125
	triesOfEach   = 16
)

// loginTiming compares how long logins take that fail for different reasons:
// medians over many of each, in turn, every one from another address.
func (l *lab) loginTiming(ctx context.Context, books int) (outcome, error) {
	lib, err := l.library(ctx, books)
	if err != nil {
		return outcome{}, err
	}
	l.rest()
	srv, err := l.serve(lib.dir, "TRUSTED_PROXIES=127.0.0.1", "LOG_LEVEL=error")
	if err != nil {
		return outcome{}, err
	}
	defer srv.stop()
	if _, err := srv.Ready(ctx, "/api/health/ready", readyWait); err != nil {
		return outcome{}, err
	}
	for _, kind := range []string{"wrong", "disabled"} {
		if _, err := srv.createUsers(ctx, kind, timedAccounts, kind == "disabled"); err != nil {
			return outcome{}, err
		}
	}
	kinds := []string{"unknown", "wrong", "disabled"}
	took := make([][]time.Duration, len(kinds))
	address := 0
	for try := range timedAccounts * triesOfEach {
		for k, kind := range kinds {
			given := credentials{fmt.Sprint(kind, try%timedAccounts), "not " + benchPassword}
			if kind == "disabled" {
				given.Password = benchPassword
			}
			address++
			from := fmt.Sprintf("10.%d.%d.%d", address>>16, address>>8&255, address&255)
			began := time.Now()
			if err := srv.Send(ctx, http.MethodPost, "/api/auth/login", given, http.StatusUnauthorized, nil, "X-Forwarded-For", from); err != nil {
				return outcome{}, errors.Join(fmt.Errorf("%s, try %d", kind, try), err)
			}
			took[k] = append(took[k], time.Since(began))
		}
	}
	var medians []float64
	note := fmt.Sprintf("medians of %d each:", timedAccounts*triesOfEach)
	for k, kind := range kinds {
		slices.Sort(took[k])
		m := rig.Quantile(took[k], 0.5)
		medians = append(medians, m.Seconds())
		note += fmt.Sprintf(" %s %s;", kind, format(m.Seconds(), seconds))
	}
	return outcome{value: slices.Max(medians) / slices.Min(medians), unit: ratio, note: note}, nil
}
