package httpapi

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/readerstate"
)

// newUUID returns a random UUID (RFC 9562, 5.4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// namedUUID returns the UUID (RFC 9562, 5.8) of a list that a user makes under a
// name of the client's choice.
func namedUUID(user readerstate.UserID, name string) string {
	b := sha256.Sum256(fmt.Appendf(nil, "list of %d: %s", user, name))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// noList makes the answer to what was asked of a list that is not there.
func noList(r *http.Request, err error) error {
	if errors.Is(err, readerstate.ErrNotFound) {
		return notFound("path.list", r.PathValue("list"), "there is no list")
	}
	return err
}

func (a *API) serveLists(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	if r.URL.RawQuery != "" {
		return errNoQuery
	}
	lists, err := a.opts.State.ListsOf(r.Context(), user)
	if err != nil {
		return err
	}
	answer := listsJSON{Items: []listJSON{}, Total: len(lists)}
	for _, l := range lists {
		answer.Items = append(answer.Items, toList(l))
	}
	return a.sendJSON(w, r, answer)
}

func (a *API) serveCreateList(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	var l readerstate.List
	if err := readMembersOf(w, r, map[string]any{"id": &l.ID, "name": &l.Name, "description": &l.Description, "public": &l.Public}); err != nil {
		return err
	}
	how, err := writeOf(r, nil)
	switch {
	case err != nil:
		return err
	case how.If != nil && *how.If != 0:
		return invalid("header.If-Match", r.Header.Get("If-Match"), "a list that is made has no version yet:")
	}
	switch l.ID = strings.ToLower(l.ID); {
	case l.ID == "" && how.ID != "":
		l.ID = namedUUID(user, how.ID)
	case l.ID == "":
		l.ID = newUUID()
	}
	l, created, err := a.opts.State.CreateList(r.Context(), user, l)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	w.Header()["Location"] = []string{a.opts.Prefix + "/api/me/lists/" + l.ID}
	return a.sendVersion(w, r, status, l.Version, toList(l))
}

// ownList returns a list of the user.
func (a *API) ownList(r *http.Request, user readerstate.UserID) (readerstate.List, error) {
	l, err := a.opts.State.List(r.Context(), user, r.PathValue("list"))
	if err == nil && l.Owner != user {
		err = readerstate.ErrNotFound
	}
	return l, noList(r, err)
}

func (a *API) serveList(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	l, err := a.ownList(r, user)
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, l.Version, toList(l))
}

func (a *API) serveChangeList(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	var c readerstate.ListChange
	var ifVersion *int64
	if err := readMembersOf(w, r, map[string]any{"name": &c.Name, "description": &c.Description, "public": &c.Public, "if_version": &ifVersion}); err != nil {
		return err
	}
	how, err := writeOf(r, ifVersion)
	if err != nil {
		return err
	}
	l, err := a.opts.State.ChangeList(r.Context(), user, r.PathValue("list"), c, how)
	if err != nil {
		return noList(r, err)
	}
	return a.sendVersion(w, r, http.StatusOK, l.Version, toList(l))
}

func (a *API) serveDeleteList(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	how, err := writeOf(r, nil)
	if err != nil {
		return err
	}
	return noContent(w, noList(r, a.opts.State.DeleteList(r.Context(), user, r.PathValue("list"), how)))
}

// serveListBooks makes a handler for the books of a list: of the user's own, or
// of a public one.
func (a *API) serveListBooks(own bool) stateHandler {
	return func(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
		limit, given, err := listParams(r)
		if err != nil {
			return err
		}
		l, err := a.opts.State.List(r.Context(), user, r.PathValue("list"))
		if err == nil && (own && l.Owner != user || !own && !l.Public) {
			err = readerstate.ErrNotFound
		}
		if err != nil {
			return noList(r, err)
		}
		begin := readerstate.Book("")
		if text, ok := given["cursor"]; ok {
			if begin, err = readerstate.ParseBook(text); err != nil {
				return invalid("query.cursor", text, "not a cursor of this list:")
			}
			// A cursor is a book that was shown: one that is hidden is not told from
			// one that is not in the list.
			if found, err := a.locate(r.Context(), "query.cursor", []string{text}, ""); err != nil || found[0].lib == nil {
				return cmp.Or(err, invalid("query.cursor", text, "the list does not have this book now:"))
			}
		}
		books, at, more, err := visible(r.Context(), a, limit, readerstate.ListBook{Book: begin}, func(after readerstate.ListBook, n int) ([]readerstate.ListBook, error) {
			return a.opts.State.BooksIn(r.Context(), user, l.ID, after.Book, n)
		}, func(b readerstate.ListBook) readerstate.Book { return b.Book })
		if errors.Is(err, readerstate.ErrNotFound) {
			return invalid("query.cursor", given["cursor"], "the list does not have this book now:")
		}
		if err != nil {
			return err
		}
		answer := listBooksJSON{Items: []listBookJSON{}}
		for i, b := range books {
			answer.Items = append(answer.Items, listBookJSON{at[i].name, at[i].lib.Name, int64(at[i].id), b.Added})
		}
		if more {
			last := string(books[len(books)-1].Book)
			answer.NextCursor = &last
		}
		return a.sendJSON(w, r, answer)
	}
}

func (a *API) servePutBook(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	var before string
	var spot readerstate.Spot
	l, how, err := a.changeOf(w, r, optionalBody, map[string]any{"before": &before, "end": &spot.End})
	if err != nil {
		return err
	}
	if before != "" {
		if spot.End {
			return invalid("body.end", "", "a book goes before another or to the end, not both")
		}
		found, err := a.locate(r.Context(), "body.before", []string{before}, r.URL.Query().Get("library"))
		if err != nil {
			return err
		}
		if spot.Before = found[0].name; found[0].lib == nil {
			return notFound("body.before", before, "there is no book")
		}
	}
	if _, err := a.ownList(r, user); err != nil {
		return err
	}
	list, err := a.opts.State.PutBook(r.Context(), user, r.PathValue("list"), l.name, spot, how)
	if errors.Is(err, readerstate.ErrNotFound) {
		return notFound("body.before", before, "the list does not have")
	}
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, list.Version, toList(list))
}

func (a *API) serveRemoveBook(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	l, how, err := a.changeOf(w, r, nil, nil)
	if err != nil {
		return err
	}
	list, err := a.opts.State.RemoveBook(r.Context(), user, r.PathValue("list"), l.name, how)
	if err != nil {
		return noList(r, err)
	}
	return a.sendVersion(w, r, http.StatusOK, list.Version, toList(list))
}

// toPublic is a public list with the name of its owner.
func (a *API) toPublic(r *http.Request, user readerstate.UserID, l readerstate.List) (publicListJSON, error) {
	j := publicListJSON{l.ID, l.Name, l.Description, "", l.Owner == user, l.Created, l.Changed}
	owner, err := a.opts.Logins.User(r.Context(), auth.UserID(l.Owner))
	switch {
	case errors.Is(err, auth.ErrNotFound): // it goes with its list
	case err != nil:
		return j, err
	default:
		j.Owner = cmp.Or(owner.FullName, owner.Username)
	}
	return j, nil
}

func (a *API) servePublicLists(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	limit, given, err := listParams(r)
	if err != nil {
		return err
	}
	if text, ok := given["cursor"]; ok {
		if _, err := readerstate.ParseBook(text); err != nil { // it is a UUID, too
			return invalid("query.cursor", text, "not a cursor of this list:")
		}
	}
	limit = min(limit, readerstate.MaxBooks-1)
	lists, err := a.opts.State.PublicLists(r.Context(), given["cursor"], limit+1)
	if err != nil {
		return err
	}
	answer := publicListsJSON{Items: []publicListJSON{}}
	if len(lists) > limit {
		lists = lists[:limit]
		answer.NextCursor = &lists[limit-1].ID
	}
	for _, l := range lists {
		j, err := a.toPublic(r, user, l)
		if err != nil {
			return err
		}
		answer.Items = append(answer.Items, j)
	}
	return a.sendJSON(w, r, answer)
}

func (a *API) servePublicList(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	l, err := a.opts.State.List(r.Context(), user, r.PathValue("list"))
	if err == nil && !l.Public {
		err = readerstate.ErrNotFound
	}
	if err != nil {
		return noList(r, err)
	}
	j, err := a.toPublic(r, user, l)
	if err != nil {
		return err
	}
	return a.sendJSON(w, r, j)
}
