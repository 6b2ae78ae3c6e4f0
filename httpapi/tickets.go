package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pressmark/pressmark/auth"
)

// ticketJSON is an address that opens one file without credentials.
type ticketJSON struct {
	URL       string `json:"url" doc:"Opens the file for who has it. Relative addresses in what it shows stay below it." example:"/api/c/…/download"`
	ExpiresIn int64  `json:"expires_in" doc:"Seconds for which it does; less if the session ends." example:"3600"`
}

var errTicket = &statusError{status: http.StatusNotFound, detail: "This address is not, or not any more, one that opens a file."}

// registerTickets adds capability addresses: what a page opens in a window of its
// own, or gives to another program, has no header to put a token in. A query
// string would end up in logs and histories of others; these are in the path,
// open one file, and end soon.
func (a *API) registerTickets(f *files) {
	a.handle(huma.Operation{
		Method: http.MethodPost, Path: "/api/books/{id}/tickets/{format}", OperationID: "create-ticket", Tags: []string{"files"},
		Summary: "Make an address that opens one file of a book without credentials, for an hour",
		Parameters: []*huma.Param{
			pathParam("id", "The book's id.", idSchema()), pathParam("format", "The format, in any case, such as epub.", stringSchema()), libraryParam(),
		},
		Responses: a.answers("201", ticketJSON{}, http.StatusNotFound, http.StatusUnprocessableEntity),
	}, account, f.createTicket)

	op := huma.Operation{
		Method: http.MethodGet, Path: "/api/c/{ticket}/download", OperationID: "download-by-ticket", Tags: []string{"files"},
		Summary:    "The file that a ticket opens",
		Parameters: []*huma.Param{pathParam("ticket", "What /api/books/{id}/tickets/{format} gave.", stringSchema()), ifNoneMatch(), rangeParam()},
		Responses:  a.fileResponses("The file.", "application/octet-stream"),
	}
	a.handle(op, streaming|open, f.byTicket)
}

func (f *files) createTicket(w http.ResponseWriter, r *http.Request) error {
	a := f.api
	i, _ := identityOf(r.Context())
	v, own, err := f.view(r)
	if err != nil {
		return err
	}
	if len(own) > 0 {
		return unknown(own[0])
	}
	id, err := parseID("path.id", r.PathValue("id"))
	if err != nil {
		return err
	}
	format := strings.ToUpper(r.PathValue("format"))
	b, err := v.reader.Book(r.Context(), id)
	if err != nil {
		return err
	}
	if _, _, err := wanted(format).stored(&b); err != nil {
		return err
	}
	token, expires, err := a.opts.Logins.Ticket(i, auth.File{Library: v.lib.Name, Book: int64(id), Format: format})
	if err != nil {
		return err
	}
	return a.sendStatus(w, r, http.StatusCreated, ticketJSON{a.opts.Prefix + ticketPath + url.PathEscape(token) + "/download", int64(expires / time.Second)})
}

// ticketPath is what stands before the ticket in an address.
const ticketPath = "/api/c/"

// byTicket sends the file of a ticket, as its user would get it.
func (f *files) byTicket(w http.ResponseWriter, r *http.Request) error {
	a := f.api
	if a.opts.Logins == nil {
		return errTicket
	}
	if r.URL.RawQuery != "" {
		return errNoQuery
	}
	i, file, err := a.opts.Logins.VerifyTicket(r.Context(), r.PathValue("ticket"))
	switch {
	case errors.Is(err, auth.ErrRefused):
		return errTicket
	case err != nil:
		return unavailable("Accounts cannot be looked up at the moment.", 5, err)
	}
	w.Header()["Referrer-Policy"] = noReferrer
	r = r.WithContext(context.WithValue(r.Context(), identityKey{}, i))
	lib, err := a.library(file.Library)
	if err != nil {
		return errTicket
	}
	v, err := a.view(r.Context(), lib, "")
	if err != nil {
		return err
	}
	id, err := parseID("path.ticket", strconv.FormatInt(file.Book, 10))
	if err != nil {
		return err
	}
	return f.sendBook(w, r, v, id, wanted(file.Format), a.front.private)
}

var noReferrer = []string{"no-referrer"}

// shownPath is the path of a request as logs may have it: without a ticket.
func shownPath(path string) string {
	before, after, ok := strings.Cut(path, ticketPath)
	if !ok {
		return path
	}
	_, rest, _ := strings.Cut(after, "/")
	return before + ticketPath + "…/" + rest
}
