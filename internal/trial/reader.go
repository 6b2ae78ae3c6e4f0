package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// reader is one user with an account, tokens and a network of their own.
type reader struct {
	id     int
	name   string
	from   net.IP
	base   string // address of the site
	client *http.Client
	rng    *rand.Rand
	books  []title // that they read

	mu      sync.Mutex
	access  string
	refresh string
	expires time.Time
	open    int // page views under way
}

const (
	readerPassword = "a password of a reader"
	// patience is how long a reader waits for an answer.
	patience = 30 * time.Second
	// booksOfOne is how many books one of them reads at a time.
	booksOfOne = 5
)

// addressOf is a user's address in 127.0.0.0/8, each in a network (/24) of its
// own, as users at home are.
func addressOf(id int) net.IP { return net.IPv4(127, byte(10+id/250), byte(id%250), 1) }

func newReader(id int, base string, books []title) *reader {
	r := &reader{id: id, name: fmt.Sprint("reader", id), from: addressOf(id), base: base, rng: rand.New(rand.NewPCG(seed, uint64(id)))}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: r.from}, Timeout: patience}
	r.client = &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxConnsPerHost: 6, MaxIdleConnsPerHost: 6, IdleConnTimeout: 30 * time.Second,
			DisableCompression: true, // it is asked for, and not undone
		},
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for i := range booksOfOne {
		r.books = append(r.books, books[(id*booksOfOne+i)%readBooks(books)])
	}
	return r
}

// reply is what came back of a request.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// send asks for a path. The token is none for an empty string.
func (r *reader) send(ctx context.Context, method, path, token string, body any, header ...string) reply {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return reply{err: err}
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, content)
	if err != nil {
		return reply{err: err}
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Del("Accept-Encoding")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, b, err}
}

// granted are the tokens of a login.
type granted struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
}

// take keeps tokens.
func (r *reader) take(rep reply) error {
	if rep.err != nil {
		return rep.err
	}
	if rep.status != http.StatusOK {
		return fmt.Errorf("login of %s: answered %d: %.300s", r.name, rep.status, rep.body)
	}
	var g granted
	if err := json.Unmarshal(rep.body, &g); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.access, r.refresh, r.expires = g.Access, g.Refresh, time.Now().Add(time.Duration(g.Expires)*time.Second)
	return nil
}

func (r *reader) login(ctx context.Context) reply {
	return r.send(ctx, http.MethodPost, "/api/auth/login", "", map[string]string{"username": r.name, "password": readerPassword})
}

// renew trades the refresh token; where that is not good any more, because an
// answer was lost, it logs in.
func (r *reader) renew(ctx context.Context) reply {
	r.mu.Lock()
	refresh := r.refresh
	r.mu.Unlock()
	rep := r.send(ctx, http.MethodPost, "/api/auth/refresh", "", map[string]string{"refresh_token": refresh})
	if rep.err == nil && rep.status == http.StatusUnauthorized {
		rep = r.login(ctx)
	}
	return rep
}

// fresh returns an access token that is good for a while.
func (r *reader) fresh(ctx context.Context) string {
	token, old := r.token()
	if !old {
		return token
	}
	if rep := r.renew(ctx); rep.err == nil && rep.status == http.StatusOK && r.take(rep) == nil {
		token, _ = r.token()
	}
	return token // one that could not be renewed is refused, and so noticed
}

// renewBefore is how long before its end a token is renewed, and again after a
// renewal that failed.
const renewBefore = 10 * time.Minute

// token returns the access token, and whether it is time for another.
func (r *reader) token() (token string, old bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old = time.Until(r.expires) < renewBefore
	if old { // one of those who ask now does it, the others in a minute
		r.expires = r.expires.Add(time.Minute)
	}
	return r.access, old
}

// outdate has the next page view get another token.
func (r *reader) outdate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expires = time.Now()
}

// at is the same reader, who asks another server.
func (r *reader) at(addr string) *reader {
	return &reader{id: r.id, name: r.name, from: r.from, base: "http://" + addr, client: r.client}
}

// createReaders makes the accounts through the API, and logs them in.
func (s *site) createReaders(ctx context.Context) error {
	s.say("creating %d readers", s.opts.users)
	base := "http://" + s.nginx.Addr
	admin := newReader(0, base, s.library.books)
	admin.name = adminName
	rep := admin.send(ctx, http.MethodPost, "/api/auth/login", "", map[string]string{"username": adminName, "password": adminPassword})
	if err := admin.take(rep); err != nil {
		return err
	}
	s.root = admin
	for id := range s.opts.users {
		s.users = append(s.users, newReader(id, base, s.library.books))
	}
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < len(s.users) && errs[w] == nil; i += len(errs) {
				errs[w] = s.users[i].join(ctx, s.root.access)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// join has an admin create the account, and logs in.
func (r *reader) join(ctx context.Context, admin string) error {
	body := map[string]string{"email": r.name + "@example.com", "username": r.name, "password": readerPassword}
	err := patiently(ctx, func() reply { return r.send(ctx, http.MethodPost, "/api/admin/users", admin, body) }, func(rep reply) error {
		if rep.err == nil && rep.status != http.StatusCreated {
			return fmt.Errorf("creating %s: answered %d: %.300s", r.name, rep.status, rep.body)
		}
		return rep.err
	})
	if err != nil {
		return err
	}
	return patiently(ctx, func() reply { return r.login(ctx) }, r.take)
}

// patiently asks again for as long as it is told to come later, up to a minute:
// hashing passwords takes its time.
func patiently(ctx context.Context, ask func() reply, take func(reply) error) error {
	for began := time.Now(); ; {
		rep := ask()
		busy := rep.err == nil && (rep.status == http.StatusServiceUnavailable || rep.status == http.StatusTooManyRequests)
		if !busy || time.Since(began) > time.Minute {
			return take(rep)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// path joins a path and a query of names and values in turn.
func path(p string, query ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	return p + "?" + v.Encode()
}
