package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/readerstate"
)

func (a *API) servePreferences(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	p, err := a.opts.State.Preferences(r.Context(), user)
	if err != nil {
		return err
	}
	return a.sendVersion(w, r, http.StatusOK, p.Version, toPreferences(p))
}

// serveSetPreferences replaces the preferences (PUT), or changes what the body
// names (PATCH, RFC 7396).
func (a *API) serveSetPreferences(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	var given json.RawMessage
	var ifVersion *int64
	if r.URL.RawQuery != "" {
		return errNoQuery
	}
	if err := readJSON(w, r, readerstate.MaxPreferences+1024, map[string]any{"preferences": &given, "if_version": &ifVersion}); err != nil {
		return err
	}
	how, err := writeOf(r, ifVersion)
	if err != nil {
		return err
	}
	if r.Method == http.MethodPut {
		p, err := a.opts.State.SetPreferences(r.Context(), user, given, how)
		if err != nil {
			return err
		}
		return a.sendVersion(w, r, http.StatusOK, p.Version, toPreferences(p))
	}
	patch, err := objectOf(given)
	if err != nil || patch == nil {
		return invalid("body.preferences", "", "an object was expected")
	}
	for {
		was, err := a.opts.State.Preferences(r.Context(), user)
		if err != nil {
			return err
		}
		next, err := merge(was.JSON, patch)
		if err != nil {
			return err
		}
		try := how
		if try.If == nil { // nobody may come between
			try.If = &was.Version
		}
		p, err := a.opts.State.SetPreferences(r.Context(), user, next, try)
		var conflict *readerstate.ConflictError
		if errors.As(err, &conflict) && how.If == nil {
			continue
		}
		if err != nil {
			return err
		}
		return a.sendVersion(w, r, http.StatusOK, p.Version, toPreferences(p))
	}
}

// objectOf reads an object. Its numbers stay as they are written, however long.
func objectOf(text json.RawMessage) (object map[string]any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&object)
	return object, err
}

// merge applies a merge patch to an object.
func merge(object json.RawMessage, patch map[string]any) (json.RawMessage, error) {
	target := map[string]any{}
	if object != nil {
		var err error
		if target, err = objectOf(object); err != nil {
			return nil, err
		}
	}
	return json.Marshal(patched(target, patch))
}

// patched is MergePatch of RFC 7396, 2.
func patched(target any, patch map[string]any) map[string]any {
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(object, name)
		case map[string]any:
			object[name] = patched(object[name], value)
		default:
			object[name] = value
		}
	}
	return object
}

// The parts of an export.
type (
	exportedBookJSON struct {
		Book     readerstate.Book `json:"book"`
		Favorite favoriteJSON     `json:"favorite"`
		Status   statusJSON       `json:"status"`
		Rating   ratingJSON       `json:"rating"`
		Progress []placeJSON      `json:"progress" nullable:"false"`
		History  []pastJSON       `json:"history" nullable:"false"`
	}
	exportedListJSON struct {
		List  listJSON           `json:"list"`
		Items []exportedItemJSON `json:"items" nullable:"false"`
	}
	exportedItemJSON struct {
		Book  readerstate.Book `json:"book"`
		Added string           `json:"added" format:"date-time"`
	}
	exportJSON struct {
		Account      meJSON             `json:"account"`
		Sessions     []sessionJSON      `json:"sessions" nullable:"false"`
		AppPasswords []appPasswordJSON  `json:"app_passwords" nullable:"false"`
		Events       []auditJSON        `json:"events" nullable:"false" doc:"What happened to the account."`
		Preferences  preferencesJSON    `json:"preferences"`
		Lists        []exportedListJSON `json:"lists" nullable:"false"`
		Books        []exportedBookJSON `json:"books" nullable:"false" doc:"Also of books that the catalog does not have now."`
	}
)

// serveExport sends all that is kept about a user. It is long for who reads a lot:
// books are sent as they are read.
func (a *API) serveExport(w http.ResponseWriter, r *http.Request, user readerstate.UserID) error {
	if r.URL.RawQuery != "" {
		return errNoQuery
	}
	head, err := a.exportHead(r, user)
	if err != nil {
		return err
	}
	begin, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if i, _ := identityOf(r.Context()); r.Method != http.MethodHead {
		a.opts.Logins.Exported(r.Context(), i.User.ID, a.clientOf(r))
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = jsonType, noStore
	h["Content-Disposition"] = []string{`attachment; filename="pressmark.json"`}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	// The list of books is the last member, and empty so far: "[]}".
	if _, err := w.Write(begin[:len(begin)-len("]}")]); err != nil {
		return err
	}
	for after, n := readerstate.Book(""), 0; ; {
		batch, err := a.opts.State.Everything(r.Context(), user, after, readerstate.MaxBooks)
		if err != nil {
			return err
		}
		for _, e := range batch {
			text, err := json.Marshal(toExported(e))
			if err != nil {
				return err
			}
			if n > 0 {
				text = append([]byte{','}, text...)
			}
			if _, err := w.Write(text); err != nil {
				return err
			}
			after = e.Book
			n++
		}
		if len(batch) < readerstate.MaxBooks {
			_, err := w.Write([]byte("]}"))
			return err
		}
	}
}

func toExported(e readerstate.Everything) exportedBookJSON {
	j := exportedBookJSON{e.Book, toFavorite(e.Favorite), toStatus(e.Reading), toRating(e.Rating), []placeJSON{}, []pastJSON{}}
	for _, p := range e.Places {
		j.Progress = append(j.Progress, toPlace(p))
	}
	for _, p := range e.History {
		j.History = append(j.History, toPast(p))
	}
	return j
}

// exportHead returns all of an export but the books.
func (a *API) exportHead(r *http.Request, user readerstate.UserID) (e exportJSON, err error) {
	i, _ := identityOf(r.Context())
	e = exportJSON{Account: toMe(i.User), Sessions: []sessionJSON{}, AppPasswords: []appPasswordJSON{}, Events: []auditJSON{}, Lists: []exportedListJSON{}, Books: []exportedBookJSON{}}
	sessions, err := a.opts.Logins.Sessions(r.Context(), i.User.ID)
	if err != nil {
		return e, err
	}
	for _, s := range sessions {
		e.Sessions = append(e.Sessions, toSession(s, i.Session))
	}
	passwords, err := a.opts.Logins.AppPasswords(r.Context(), i.User.ID)
	if err != nil {
		return e, err
	}
	for _, p := range passwords {
		e.AppPasswords = append(e.AppPasswords, toAppPassword(p))
	}
	for before := int64(0); ; {
		events, err := a.opts.Logins.Events(r.Context(), i.User.ID, before, 1000)
		if err != nil {
			return e, err
		}
		for _, event := range events {
			before = event.ID
			e.Events = append(e.Events, toAudit(event))
		}
		if len(events) < 1000 {
			break
		}
	}
	preferences, err := a.opts.State.Preferences(r.Context(), user)
	if err != nil {
		return e, err
	}
	e.Preferences = toPreferences(preferences)
	lists, err := a.opts.State.ListsOf(r.Context(), user)
	if err != nil {
		return e, err
	}
	for _, l := range lists {
		exported := exportedListJSON{toList(l), []exportedItemJSON{}}
		for after := readerstate.Book(""); ; {
			books, err := a.opts.State.BooksIn(r.Context(), user, l.ID, after, readerstate.MaxBooks)
			if err != nil {
				return e, err
			}
			for _, b := range books {
				after = b.Book
				exported.Items = append(exported.Items, exportedItemJSON{b.Book, b.Added.Format("2006-01-02T15:04:05.999Z07:00")})
			}
			if len(books) < readerstate.MaxBooks {
				break
			}
		}
		e.Lists = append(e.Lists, exported)
	}
	return e, nil
}

// serveErase removes the account, and all that is kept for it. The last admin
// has to stay.
func (a *API) serveErase(w http.ResponseWriter, r *http.Request) error {
	i, _ := identityOf(r.Context())
	var password string
	if err := readMembersOf(w, r, map[string]any{"current_password": &password}); err != nil {
		return err
	}
	if password == "" {
		return invalid("body.current_password", "", "it is needed to erase the account with all that is kept for it")
	}
	if err := a.prove(r, i, password); err != nil {
		return err
	}
	err := a.opts.Logins.Delete(r.Context(), i.User.ID, i.User.ID, a.clientOf(r))
	if err != nil && !errors.Is(err, auth.ErrNotFound) { // the answer to the first request may have been lost
		return err
	}
	if a.opts.State.Keeper != nil {
		if err := a.opts.State.Erase(r.Context(), readerstate.UserID(i.User.ID)); err != nil {
			return err
		}
	}
	a.clearCookies(w)
	return noContent(w, nil)
}
