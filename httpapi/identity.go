package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/catalog"
)

// identityKey is where a request's context has who it comes from.
type identityKey struct{}

// identityOf returns who a request comes from; false is anybody.
func identityOf(ctx context.Context) (auth.Identity, bool) {
	i, ok := ctx.Value(identityKey{}).(auth.Identity)
	return i, ok
}

// Answers to credentials that open nothing: why is not told.
var (
	errToken = &statusError{status: http.StatusUnauthorized, detail: "The access token is not valid, or not any more. Log in, or refresh it.", challenge: `Bearer realm="Pressmark", error="invalid_token"`}
	errBasic = &statusError{status: http.StatusUnauthorized, detail: "There is no app password like this. Passwords of accounts are for logging in only.", challenge: `Basic realm="Pressmark", charset="UTF-8"`}
	errScope = &statusError{status: http.StatusForbidden, detail: "This app password is not good for this."}
	errAdmin = &statusError{status: http.StatusForbidden, detail: "This is for admins."}
)

// identify finds out who a request comes from. Without credentials that is
// anybody, whom only an open catalogue answers. Credentials that are not good
// are refused there, too: their owner expects to see what is theirs.
func (a *API) identify(r *http.Request, acc access) (*http.Request, error) {
	i, known, err := a.credentials(r, acc)
	if known && (err == nil || errors.Is(err, errScope)) { // it counts for them whatever becomes of it
		r = r.WithContext(context.WithValue(r.Context(), identityKey{}, i))
	}
	switch {
	case errors.Is(err, auth.ErrRefused):
		return r, errToken
	case err != nil:
		var answer *statusError
		var locked *auth.LockedError
		if errors.As(err, &answer) || errors.As(err, &locked) || errors.Is(err, context.Canceled) {
			return r, err
		}
		return r, unavailable("Accounts cannot be looked up at the moment.", 5, err)
	case !known:
		if acc&personal != 0 || !a.opts.PublicRead {
			return r, errUnauthorized
		}
		return r, nil
	case acc&admin != 0 && i.User.Role != auth.Admin:
		return r, errAdmin
	}
	return r, nil
}

// credentials returns who a request shows that it comes from. It is not known
// where nothing is shown that this operation takes.
func (a *API) credentials(r *http.Request, acc access) (i auth.Identity, known bool, err error) {
	if a.opts.Logins == nil {
		return i, false, nil
	}
	given := r.Header["Authorization"]
	if given == nil {
		return a.cookie(r, acc)
	}
	if token, ok := bearerOf(given); ok {
		i, err = a.opts.Logins.Verify(r.Context(), token)
		return i, true, err
	}
	name, password, ok := r.BasicAuth()
	if !ok || len(given) > 1 {
		return i, true, auth.ErrRefused
	}
	if !a.opts.Logins.RemembersApp(password) {
		if err := a.chargeLookUp(r); err != nil {
			return i, false, err
		}
	}
	i, err = a.opts.Logins.VerifyApp(r.Context(), name, password, a.clientOf(r))
	switch {
	case errors.Is(err, auth.ErrRefused):
		return i, true, errBasic
	case err == nil && !a.inScope(r, i, acc):
		return i, true, errScope
	}
	return i, true, err
}

// bearerOf returns the token of an Authorization header.
func bearerOf(given []string) (token string, ok bool) {
	if len(given) != 1 {
		return "", false
	}
	const scheme = "Bearer "
	if len(given[0]) < len(scheme) || !strings.EqualFold(given[0][:len(scheme)], scheme) {
		return "", false
	}
	return strings.TrimSpace(given[0][len(scheme):]), true
}

// inScope tells whether an operation is one that an app password is good for.
func (a *API) inScope(r *http.Request, i auth.Identity, acc access) bool {
	if acc&account != 0 {
		return false
	}
	scopes := []auth.Scope{auth.ScopeAPI}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || acc&reading != 0 {
		scopes = append(scopes, auth.ScopeRead)
	}
	if acc&fetched != 0 {
		scopes = append(scopes, auth.ScopeOPDS)
	}
	return i.Allows(scopes...)
}

// ruleFor returns what the user of a request may see of a library.
func ruleFor(ctx context.Context, lib *library) auth.Rule {
	if i, ok := identityOf(ctx); ok {
		return i.User.Access.For(lib.Name)
	}
	return auth.Rule{Kind: auth.All}
}

// permit restricts v to what the user of the request may see.
func (a *API) permit(ctx context.Context, v *view) (err error) {
	rule := ruleFor(ctx, v.lib)
	if rule.Kind == auth.All {
		return nil
	}
	v.restricted = true
	var expr catalog.Expr = catalog.Or{} // nothing
	if rule.Kind == auth.Matching {
		if expr, err = a.permitted(ctx, v, rule.Expression); err != nil {
			return err
		}
	}
	v.reader = catalog.Restrict(v.reader, expr)
	if rule.Kind == auth.Matching && v.lib.views.unseen(v.whole, "\x00"+rule.Expression) {
		if bad := catalog.RestrictionError(ctx, v.reader); isInvalid(bad) {
			a.warnRestriction(ctx, v, bad)
		}
	}
	v.rev, err = v.reader.Revision(ctx)
	return err
}

// permitted returns what the expression of a restriction means now. One that
// cannot be understood, or that nobody here understands, selects nothing.
func (a *API) permitted(ctx context.Context, v *view, text string) (catalog.Expr, error) {
	s, ok := catalog.As[catalog.Searcher](v.reader)
	if !ok {
		return catalog.Or{}, nil
	}
	parsed, err := s.Parse(ctx, text)
	switch {
	case isInvalid(err):
		if v.lib.views.unseen(v.whole, "\x00"+text) {
			a.warnRestriction(ctx, v, err)
		}
		return catalog.Or{}, nil
	case err != nil:
		return nil, err
	case parsed.Expr == nil: // an expression of nothing selects everything
		return catalog.And{}, nil
	}
	v.endsBy(parsed.Until)
	return parsed.Expr, nil
}

func (a *API) warnRestriction(ctx context.Context, v *view, err error) {
	i, _ := identityOf(ctx)
	a.log.LogAttrs(ctx, slog.LevelWarn, "Restriction shows nothing", slog.String("component", "auth"),
		slog.String("library", v.lib.Name), slog.Int64("user", int64(i.User.ID)), slog.Any("err", err))
}
