package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
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

// errToken is the answer to credentials that open nothing: why is not told.
var errToken = &statusError{status: http.StatusUnauthorized, detail: "The access token is not valid, or not any more. Log in, or refresh it.", challenge: `Bearer realm="Pressmark", error="invalid_token"`}

// identify finds out who a request comes from. Without credentials that is
// anybody, whom only an open catalogue answers. Credentials that are not good
// are refused there, too: their owner expects to see what is theirs.
func (a *API) identify(r *http.Request, acc access) (*http.Request, error) {
	given := r.Header["Authorization"]
	if given == nil || a.opts.Logins == nil {
		if acc&personal != 0 || !a.opts.PublicRead {
			return r, errUnauthorized
		}
		return r, nil
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return r, errToken
	}
	i, err := a.opts.Logins.Verify(r.Context(), strings.TrimSpace(token))
	if errors.Is(err, auth.ErrRefused) {
		return r, errToken
	}
	if err != nil {
		return r, unavailable("Accounts cannot be looked up at the moment.", 5, err)
	}
	return r.WithContext(context.WithValue(r.Context(), identityKey{}, i)), nil
}

// clientOf says who logs in, for the list of sessions.
func clientOf(r *http.Request) auth.Client {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return auth.Client{Label: r.UserAgent(), Address: host}
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
