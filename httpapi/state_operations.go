package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// What requests for state have in common, for the document.

func bookParam() *huma.Param {
	return pathParam("book", "The book's id in the catalog (?library=), its UUID, or the name under which state is kept.", stringSchema())
}

func listParam() *huma.Param { return pathParam("list", "The list's id.", stringSchema()) }

func headerParam(name, description string) *huma.Param {
	return &huma.Param{Name: name, In: "header", Description: description, Schema: stringSchema()}
}

// writeParams say how a change is asked for.
func writeParams() []*huma.Param {
	return []*huma.Param{
		headerParam("If-Match", "The ETag that the client has seen. If another version is stored the answer is 409, with that one."),
		headerParam("If-None-Match", "* if nothing may be stored yet."),
		headerParam("Idempotency-Key", "A name for this change, of the client's choice. A request that is sent again with the same name, within 30 days, changes nothing, and is answered with what is stored."),
	}
}

func placeParams(more ...*huma.Param) []*huma.Param {
	library := libraryParam()
	library.Description = "Name of the library that an id is of; without it the first one. A UUID is looked for in all of them, unless it is given."
	return append(append([]*huma.Param{}, more...), library)
}

// stateOperation adds an operation on what is kept for a user.
func (a *API) stateOperation(method, path, id, summary, description string, params []*huma.Param, body, answer any, status string, h stateHandler) {
	problems := []int{http.StatusNotImplemented, http.StatusUnprocessableEntity}
	op := huma.Operation{Method: method, Path: path, OperationID: id, Tags: []string{"state"}, Summary: summary, Description: description, Parameters: params}
	for _, p := range params {
		switch {
		case p.In == "path":
			problems = append(problems, http.StatusNotFound)
		case p.Name == "If-Match":
			problems = append(problems, http.StatusConflict)
		}
	}
	if body != nil {
		op.RequestBody = a.jsonBody(body)
		problems = append(problems, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	op.Responses = a.answers(status, answer, problems...)
	a.handle(op, personal, a.state(h))
}

func (a *API) registerState() {
	write := func(more ...*huma.Param) []*huma.Param { return append(placeParams(more...), writeParams()...) }
	page := func(more ...*huma.Param) []*huma.Param {
		return append(more, limitParam(), queryParam("cursor", "Where the page before ended: its next_cursor.", stringSchema()))
	}
	const (
		book  = "/api/me/books/{book}"
		list  = "/api/me/lists/{list}"
		notes = "Books that the catalog does not have now, or that the user may not see, are left out; what is kept of them stays."
	)
	a.stateOperation("GET", "/api/me/books", "list-states", "What one has made of some books", "In the order of books. "+notes,
		placeParams(repeated("books", "1 to 500 ids or UUIDs, with commas between, or repeated.")), nil, statesJSON{}, "200", a.serveStates)
	a.stateOperation("GET", book, "get-state", "What one has made of a book", "", placeParams(bookParam()), nil, stateJSON{}, "200", a.serveState)

	a.stateOperation("GET", "/api/me/favorites", "list-favorites", "One's favorites, the newest first", notes, page(), nil, statePageJSON{}, "200", a.serveFavorites)
	a.stateOperation("PUT", "/api/me/favorites/{book}", "add-favorite", "Make a book a favorite", "", write(bookParam()), nil, favoriteJSON{}, "200", a.serveSetFavorite(true))
	a.stateOperation("DELETE", "/api/me/favorites/{book}", "remove-favorite", "Make a book no favorite", "", write(bookParam()), nil, favoriteJSON{}, "200", a.serveSetFavorite(false))
	status := queryParam("status", "Only books of this status.", stringSchema())
	status.Schema.Enum = []any{"unread", "reading", "finished"}
	a.stateOperation("GET", "/api/me/recent", "list-recent", "The books that one has read last", notes, page(status), nil, statePageJSON{}, "200", a.serveRecent)

	a.stateOperation("GET", book+"/status", "get-status", "Whether one has read a book", "", placeParams(bookParam()), nil, statusJSON{}, "200", a.serveStatus)
	a.stateOperation("PUT", book+"/status", "set-status", "Say whether one has read a book",
		"A date that is not given stays as it is, or is now.", write(bookParam()), setStatusJSON{}, statusJSON{}, "200", a.serveSetStatus)
	a.stateOperation("GET", book+"/rating", "get-rating", "How one likes a book", "", placeParams(bookParam()), nil, ratingJSON{}, "200", a.serveRating)
	a.stateOperation("PUT", book+"/rating", "set-rating", "Rate a book", "", write(bookParam()), setRatingJSON{}, ratingJSON{}, "200", a.serveSetRating)
	a.stateOperation("DELETE", book+"/rating", "remove-rating", "Take a rating back", "", write(bookParam()), nil, ratingJSON{}, "200", a.serveRemoveRating)

	a.stateOperation("GET", book+"/progress", "get-progress", "Where one is in a book", "", placeParams(bookParam()), nil, placesJSON{}, "200", a.servePlaces)
	a.stateOperation("PUT", book+"/progress", "set-progress", "Say where one is in a book",
		"The newest position of a device family wins, by the time at which the reader was there; with if_version or If-Match the version decides. "+
			"One that has not won is in the history. A book that nobody has begun is being read then, and finished at its end.",
		write(bookParam()), setPlaceJSON{}, wonJSON{}, "200", a.serveSetPlace)
	a.stateOperation("DELETE", book+"/progress", "forget-progress", "Forget where one was in a book", "With the history. The status stays.", write(bookParam()), nil, nil, "204", a.serveForgetPlaces)
	a.stateOperation("GET", book+"/progress/history", "list-history", "The last 50 positions in a book", "", placeParams(bookParam()), nil, historyJSON{}, "200", a.serveHistory)
	a.stateOperation("POST", book+"/progress/undo", "undo-progress", "Go back to the position before", "And again, to the one before that.", write(bookParam()), undoJSON{}, placeJSON{}, "200", a.serveUndo)

	a.stateOperation("GET", "/api/me/lists", "list-lists", "One's reading lists", "", nil, nil, listsJSON{}, "200", a.serveLists)
	a.registerCreateList()
	a.stateOperation("GET", list, "get-list", "One of one's reading lists", "", []*huma.Param{listParam()}, nil, listJSON{}, "200", a.serveList)
	a.stateOperation("PATCH", list, "change-list", "Change the name of a list, its description, or who may read it", "", append([]*huma.Param{listParam()}, writeParams()...), changeListJSON{}, listJSON{}, "200", a.serveChangeList)
	a.stateOperation("DELETE", list, "delete-list", "Remove a list", "", append([]*huma.Param{listParam()}, writeParams()...), nil, nil, "204", a.serveDeleteList)
	a.stateOperation("GET", list+"/books", "list-books-of-list", "The books of a list, in order", notes, page(listParam()), nil, listBooksJSON{}, "200", a.serveListBooks(true))
	a.stateOperation("PUT", list+"/books/{book}", "put-book", "Put a book into a list, or move it there", "", write(listParam(), bookParam()), putBookJSON{}, listJSON{}, "200", a.servePutBook)
	a.stateOperation("DELETE", list+"/books/{book}", "remove-book", "Take a book out of a list", "", write(listParam(), bookParam()), nil, listJSON{}, "200", a.serveRemoveBook)
	a.stateOperation("GET", "/api/lists", "list-public-lists", "The public lists of all users", "", page(), nil, publicListsJSON{}, "200", a.servePublicLists)
	a.stateOperation("GET", "/api/lists/{list}", "get-public-list", "A public list", "", []*huma.Param{listParam()}, nil, publicListJSON{}, "200", a.servePublicList)
	a.stateOperation("GET", "/api/lists/{list}/books", "list-books-of-public-list", "The books of a public list, in order", notes, page(listParam()), nil, listBooksJSON{}, "200", a.serveListBooks(false))

	const preferences = "/api/me/preferences"
	a.stateOperation("GET", preferences, "get-preferences", "What clients keep for one", "", nil, nil, preferencesJSON{}, "200", a.servePreferences)
	a.stateOperation("PUT", preferences, "set-preferences", "Replace one's preferences", "An object of at most 65,536 bytes.", writeParams(), setPreferencesJSON{}, preferencesJSON{}, "200", a.serveSetPreferences)
	a.stateOperation("PATCH", preferences, "change-preferences", "Change some of one's preferences", "By JSON Merge Patch (RFC 7396): null removes a member.", writeParams(), setPreferencesJSON{}, preferencesJSON{}, "200", a.serveSetPreferences)
	a.registerErase()
}

func (a *API) registerCreateList() {
	op := huma.Operation{
		Method: http.MethodPost, Path: "/api/me/lists", OperationID: "create-list", Tags: []string{"state"}, Summary: "Make a reading list",
		Description: "A list that is there already, of this id or made under this Idempotency-Key, is answered as it is, with 200.",
		Parameters:  []*huma.Param{headerParam("Idempotency-Key", "A name for the list, of the client's choice, so that a request that is sent again makes no second one. Not needed with an id.")},
		RequestBody: a.jsonBody(createListJSON{}),
		Responses:   a.answers("201", listJSON{}, append(bodyProblems, http.StatusConflict, http.StatusNotImplemented)...),
	}
	op.Responses["200"] = op.Responses["201"]
	a.handle(op, personal, a.state(a.serveCreateList))
}

func (a *API) registerErase() {
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/me/export", OperationID: "export-me", Tags: []string{"users"},
		Summary: "All that is kept about one", Responses: a.answers("200", exportJSON{}, http.StatusNotImplemented, http.StatusUnprocessableEntity),
	}, account|streaming, a.state(a.serveExport))
	a.handle(huma.Operation{
		Method: http.MethodDelete, Path: "/api/me", OperationID: "erase-me", Tags: []string{"users"},
		Summary: "Erase one's account, and all that is kept for it", Description: "Nothing brings it back. The last admin has to stay.",
		RequestBody: a.jsonBody(eraseJSON{}), Responses: a.answers("204", nil, append(bodyProblems, http.StatusConflict, http.StatusTooManyRequests)...),
	}, account, a.serveErase)
}
