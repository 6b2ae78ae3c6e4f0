package httpapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pressmark/pressmark/catalog"
	"github.com/pressmark/pressmark/readerstate"
)

// serveStates answers with what the user has made of some books. Those that the
// user does not see are left out.
func (a *API) serveStates(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	params, err := parseParams(nil, r.URL.RawQuery)
	if err != nil {
		return err
	}
	p, own, err := takePlace(params)
	if err != nil {
		return err
	}
	if p.view != "" {
		return unknown(param{"view", p.view})
	}
	var texts []string
	for _, given := range own {
		if given.name != "books" {
			return unknown(given)
		}
		texts = append(texts, strings.Split(given.value, ",")...)
	}
	if len(texts) == 0 || len(texts) > readerstate.MaxBooks {
		return invalid("query.books", strconv.Itoa(len(texts)), "1 to 500 ids or UUIDs were expected, not")
	}
	found, err := a.locate(r.Context(), "query.books", texts, p.library)
	if err != nil {
		return err
	}
	var names []readerstate.Book
	var seen []located
	for _, l := range found {
		if l.lib != nil {
			names, seen = append(names, l.name), append(seen, l)
		}
	}
	marks, err := a.opts.State.MarksOf(r.Context(), user, names)
	if err != nil {
		return err
	}
	answer := statesJSON{Items: make([]stateJSON, 0, len(marks))}
	for i, m := range marks {
		answer.Items = append(answer.Items, toState(m, seen[i]))
	}
	return a.sendJSON(w, r, answer)
}

// mark returns the book of the path with what the user has made of it.
func (a *API) mark(r *http.Request, user readerstate.UserID) (readerstate.Mark, located, error) {
	l, err := a.bookOf(r)
	if err != nil {
		return readerstate.Mark{}, l, err
	}
	marks, err := a.opts.State.MarksOf(r.Context(), user, []readerstate.Book{l.name})
	if err != nil {
		return readerstate.Mark{}, l, err
	}
	return marks[0], l, nil
}

func (a *API) serveState(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	m, l, err := a.mark(r, user)
	if err != nil {
		return err
	}
	return a.sendJSON(w, r, toState(m, l))
}

// serveSetFavorite makes a handler that makes a book a favorite, or not.
func (a *API) serveSetFavorite(on bool) stateHandler {
	return func(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
		l, how, err := a.changeOf(w, r, nil, nil)
		if err != nil {
			return err
		}
		f, err := a.opts.State.SetFavorite(r.Context(), user, l.name, on, how)
		if err != nil {
			return err
		}
		return a.sendVersion(w, r, http.StatusOK, f.Version, toFavorite(f))
	}
}

func (a *API) serveStatus(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	m, _, err := a.mark(r, user)
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, m.Reading.Version, toStatus(m.Reading))
}

func (a *API) serveSetStatus(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	var c readerstate.ReadingChange
	l, how, err := a.changeOf(w, r, neededBody, map[string]any{"status": &c.Status, "started": &c.Started, "finished": &c.Finished})
	if err != nil {
		return err
	}
	s, err := a.opts.State.SetStatus(r.Context(), user, l.name, c, how)
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, s.Version, toStatus(s))
}

func (a *API) serveRating(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	m, _, err := a.mark(r, user)
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, m.Rating.Version, toRating(m.Rating))
}

func (a *API) serveSetRating(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	var stars float64
	l, how, err := a.changeOf(w, r, neededBody, map[string]any{"rating": &stars})
	if err != nil {
		return err
	}
	if stars == 0 {
		return invalid("body.rating", "", "0.5 to 5 stars by halves were expected")
	}
	return a.rate(w, r, user, l, stars, how)
}

func (a *API) serveRemoveRating(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	l, how, err := a.changeOf(w, r, nil, nil)
	if err != nil {
		return err
	}
	return a.rate(w, r, user, l, 0, how)
}

func (a *API) rate(w http.ResponseWriter, r *http.Request, user readerstate.UserID, l located, stars float64, how readerstate.Write) error {
	rating, err := a.opts.State.SetRating(r.Context(), user, l.name, stars, how)
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, rating.Version, toRating(rating))
}

// stateCursor is where a list of marks goes on.
func stateCursor(at time.Time, b readerstate.Book) *string {
	s := base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at.UnixMilli(), 10) + "|" + string(b)))
	return &s
}

func parseStateCursor(s string) (c readerstate.Cursor, err error) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	at, name, ok := strings.Cut(string(text), "|")
	ms, bad := strconv.ParseInt(at, 10, 64)
	b, unfit := readerstate.ParseBook(name)
	if err != nil || !ok || bad != nil || unfit != nil || ms < 0 || ms > 1<<47 {
		return c, invalid("query.cursor", s, "not a cursor of this list:")
	}
	return readerstate.Cursor{Time: time.UnixMilli(ms).UTC(), Book: b}, nil
}

// listParams reads limit, cursor and what else there may be.
func listParams(r *http.Request, more ...string) (limit int, given map[string]string, err error) {
	params, err := parseParams(nil, r.URL.RawQuery)
	if err != nil {
		return 0, nil, err
	}
	limit, given = catalog.DefaultLimit, map[string]string{}
	for _, p := range params {
		if _, twice := given[p.name]; twice {
			return 0, nil, invalid("query."+p.name, p.value, "given more than once:")
		}
		given[p.name] = p.value
		known := p.name == "limit" || p.name == "cursor"
		for _, name := range more {
			known = known || p.name == name
		}
		if !known {
			return 0, nil, unknown(p)
		}
	}
	if text, ok := given["cursor"]; ok && text == "" {
		return 0, nil, invalid("query.cursor", text, "not a cursor of this list:")
	}
	if text, ok := given["limit"]; ok {
		limit, err = parseLimit(text)
	}
	return limit, given, err
}

// serveMarks makes a handler for a list of marks, by a time of theirs.
func (a *API) serveMarks(r *http.Request, limit int, cursor string, timeOf func(readerstate.Mark) time.Time, fetch func(readerstate.Cursor, int) ([]readerstate.Mark, error)) (page statePageJSON, err error) {
	var begin readerstate.Cursor
	if cursor != "" {
		if begin, err = parseStateCursor(cursor); err != nil {
			return page, err
		}
	}
	marks, at, more, err := visible(r.Context(), a, limit, readerstate.Mark{}, func(after readerstate.Mark, n int) ([]readerstate.Mark, error) {
		c := begin
		if after.Book != "" {
			c = readerstate.Cursor{Time: timeOf(after), Book: after.Book}
		}
		return fetch(c, n)
	}, func(m readerstate.Mark) readerstate.Book { return m.Book })
	if err != nil {
		return page, err
	}
	page.Items = make([]stateJSON, 0, len(marks))
	for i, m := range marks {
		page.Items = append(page.Items, toState(m, at[i]))
	}
	if more {
		last := marks[len(marks)-1]
		page.NextCursor = stateCursor(timeOf(last), last.Book)
	}
	return page, nil
}

func (a *API) serveFavorites(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	limit, given, err := listParams(r)
	if err != nil {
		return err
	}
	page, err := a.serveMarks(r, limit, given["cursor"], func(m readerstate.Mark) time.Time { return m.Favorite.Since },
		func(c readerstate.Cursor, n int) ([]readerstate.Mark, error) {
			return a.opts.State.Favorites(r.Context(), user, c, n)
		})
	if err != nil {
		return err
	}
	return a.sendJSON(w, r, page)
}

func (a *API) serveRecent(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	limit, given, err := listParams(r, "status")
	if err != nil {
		return err
	}
	status := readerstate.Status(given["status"])
	switch status {
	case "", readerstate.Unread, readerstate.InHand, readerstate.Finished:
	default:
		return invalid("query.status", given["status"], "unread, reading or finished was expected, not")
	}
	page, err := a.serveMarks(r, limit, given["cursor"], func(m readerstate.Mark) time.Time { return m.Read },
		func(c readerstate.Cursor, n int) ([]readerstate.Mark, error) {
			return a.opts.State.Recent(r.Context(), user, status, c, n)
		})
	if err != nil {
		return err
	}
	return a.sendJSON(w, r, page)
}
