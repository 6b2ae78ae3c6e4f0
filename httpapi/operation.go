package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// handler answers one request. An error that it returns becomes a problem
// (errors.go) if nothing has been written, and is logged otherwise.
type handler func(w http.ResponseWriter, r *http.Request) error

// access says what an operation asks of its caller and of the server.
type access uint8

const (
	// open answers everybody, also without PublicRead.
	open access = 1 << iota
	// streaming has no time limit: downloads and events.
	streaming
	// personal answers known users alone, also with PublicRead.
	personal
	// account is personal, and for sessions alone: no app password will do.
	account
	// admin is account for admins.
	admin
	// fetched is what browsers and readers fetch by themselves, because a page or
	// a feed names it: the cookie will do, and the scope opds.
	fetched
	// reading changes nothing, though its method could.
	reading
	// unlimited answers however many requests a client sends.
	unlimited
)

// handle adds an operation. It is the one mechanism by which this package
// adds routes: huma documents the operation and routes to it, and the handler
// reads the request and writes the answer itself, because answers here are
// bytes that exist already (encoded books, cached pages, files).
//
// op.Path is without Options.Prefix. A GET answers HEAD as well.
func (a *API) handle(op huma.Operation, acc access, h handler) {
	op.Security = security(acc)
	var limited []int // what limits answer, whatever the operation does
	if acc&unlimited == 0 {
		limited = append(limited, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusRequestHeaderFieldsTooLarge)
	}
	if op.RequestBody != nil {
		limited = append(limited, http.StatusRequestTimeout)
	}
	for status, res := range a.problems(limited...) {
		if op.Responses[status] == nil {
			op.Responses[status] = res
		}
	}
	if acc&admin != 0 {
		acc |= account
	}
	if acc&account != 0 {
		acc |= personal
	}
	a.huma.OpenAPI().AddOperation(&op)
	a.route(op, acc, h)
}

// security is what the document says of an operation's access.
func security(acc access) (s []map[string][]string) {
	if acc&open != 0 {
		return []map[string][]string{{}} // none
	}
	s = []map[string][]string{{"bearer": {}}, {"password": {}}}
	if acc&(account|admin) == 0 {
		s = append(s, map[string][]string{"basic": {}})
	}
	if acc&fetched != 0 {
		s = append(s, map[string][]string{"cookie": {}})
	}
	if acc&(personal|account|admin) == 0 {
		s = append(s, map[string][]string{}) // a server may also answer everybody
	}
	return s
}

// route is handle for a route that the document does not list.
func (a *API) route(op huma.Operation, acc access, h handler) {
	a.huma.Adapter().Handle(&op, func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		if err := a.run(w, r, acc, h); err != nil {
			a.fail(w, r, err)
		}
	})
}

func (a *API) run(w http.ResponseWriter, r *http.Request, acc access, h handler) error {
	var refused error
	if acc&open == 0 {
		r, refused = a.identify(r, acc)
	}
	if acc&unlimited == 0 {
		i, _ := identityOf(r.Context())
		if err := a.charge(r, i.User.ID); err != nil {
			return err
		}
	}
	if t, ok := w.(*tracker); ok {
		i, _ := identityOf(r.Context())
		t.user, t.streaming = i.User.ID, acc&streaming != 0
	}
	if refused != nil {
		return refused
	}
	if acc&streaming == 0 && a.opts.RequestTimeout > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), a.opts.RequestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
	}
	return h(w, r)
}
