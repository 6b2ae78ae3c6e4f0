package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// accountProblems are the error answers of operations on accounts.
func (a *API) accountProblems(more ...int) map[string]*huma.Response {
	return a.problems(append(more, http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable)...)
}

func (a *API) jsonBody(v any) *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: a.shape(v)}}}
}

// bodyProblems are the error answers of operations with a body in JSON.
var bodyProblems = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}

// answers adds what an operation on accounts answers with when it is done: v, or
// nothing.
func (a *API) answers(status string, v any, problems ...int) map[string]*huma.Response {
	res := a.accountProblems(problems...)
	res[status] = &huma.Response{Description: "It is done."}
	if v != nil {
		res[status] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: a.shape(v)}}}
	}
	return res
}

func (a *API) registerMe() {
	a.handle(huma.Operation{
		Method: http.MethodPatch, Path: "/api/me", OperationID: "change-me", Tags: []string{"users"},
		Summary: "Change one's name, e-mail address or user name", RequestBody: a.jsonBody(changeMeJSON{}),
		Responses: a.answers("200", meJSON{}, append(bodyProblems, http.StatusConflict, http.StatusTooManyRequests)...),
	}, account, a.serveChangeMe)
	a.handle(huma.Operation{
		Method: http.MethodPut, Path: "/api/me/password", OperationID: "change-password", Tags: []string{"users"},
		Summary: "Change one's password", Description: "All other sessions end. App passwords stay.", RequestBody: a.jsonBody(changePasswordJSON{}),
		Responses: a.answers("204", nil, append(bodyProblems, http.StatusTooManyRequests)...),
	}, account, a.serveChangePassword)
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/me/app-passwords", OperationID: "list-app-passwords", Tags: []string{"users"},
		Summary: "One's app passwords, the oldest first", Responses: a.answers("200", appPasswordPageJSON{}),
	}, account, a.serveAppPasswords)
	a.handle(huma.Operation{
		Method: http.MethodPost, Path: "/api/me/app-passwords", OperationID: "add-app-password", Tags: []string{"users"},
		Summary: "Make a password for a program that can only do HTTP Basic", RequestBody: a.jsonBody(addAppPasswordJSON{}),
		Responses: a.answers("201", newAppPasswordJSON{}, bodyProblems...),
	}, account, a.serveAddAppPassword)
	a.handle(huma.Operation{
		Method: http.MethodDelete, Path: "/api/me/app-passwords/{id}", OperationID: "remove-app-password", Tags: []string{"users"},
		Summary: "Remove one of one's app passwords", Parameters: []*huma.Param{pathParam("id", "The app password's id.", stringSchema())},
		Responses: a.answers("204", nil, http.StatusNotFound),
	}, account, a.serveRemoveAppPassword)
}

func (a *API) registerAdmin() {
	id := pathParam("id", "The account's id.", idSchema())
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/admin/users", OperationID: "list-users", Tags: []string{"admin"},
		Summary: "One page of accounts, by id", Parameters: []*huma.Param{limitParam(), cursorParam()},
		Responses: a.answers("200", userPageJSON{}, http.StatusUnprocessableEntity),
	}, admin, a.serveUsers)
	a.handle(huma.Operation{
		Method: http.MethodPost, Path: "/api/admin/users", OperationID: "create-user", Tags: []string{"admin"},
		Summary: "Create an account", RequestBody: a.jsonBody(createUserJSON{}),
		Responses: a.answers("201", userJSON{}, append(bodyProblems, http.StatusConflict)...),
	}, admin, a.serveCreateUser)
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/admin/users/{id}", OperationID: "get-user", Tags: []string{"admin"},
		Summary: "An account", Parameters: []*huma.Param{id},
		Responses: a.answers("200", userJSON{}, http.StatusNotFound, http.StatusUnprocessableEntity),
	}, admin, a.serveUser)
	a.handle(huma.Operation{
		Method: http.MethodPatch, Path: "/api/admin/users/{id}", OperationID: "change-user", Tags: []string{"admin"},
		Summary:     "Change an account",
		Description: "What is left out stays as it is. It takes effect at once, also for sessions that have begun. The last enabled admin has to stay one.",
		Parameters:  []*huma.Param{id}, RequestBody: a.jsonBody(changeUserJSON{}),
		Responses: a.answers("200", userJSON{}, append(bodyProblems, http.StatusNotFound, http.StatusConflict)...),
	}, admin, a.serveChangeUser)
	a.handle(huma.Operation{
		Method: http.MethodDelete, Path: "/api/admin/users/{id}", OperationID: "delete-user", Tags: []string{"admin"},
		Summary: "Delete an account with all that is kept of it", Parameters: []*huma.Param{id},
		Responses: a.answers("204", nil, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity),
	}, admin, a.serveDeleteUser)
	a.handle(huma.Operation{
		Method: http.MethodPut, Path: "/api/admin/users/{id}/password", OperationID: "set-password", Tags: []string{"admin"},
		Summary: "Give an account another password, and end its sessions", Parameters: []*huma.Param{id}, RequestBody: a.jsonBody(setPasswordJSON{}),
		Responses: a.answers("204", nil, append(bodyProblems, http.StatusNotFound)...),
	}, admin, a.serveSetPassword)
	a.handle(huma.Operation{
		Method: http.MethodDelete, Path: "/api/admin/users/{id}/sessions", OperationID: "end-user-sessions", Tags: []string{"admin"},
		Summary: "End all sessions of an account", Parameters: []*huma.Param{id},
		Responses: a.answers("204", nil, http.StatusNotFound, http.StatusUnprocessableEntity),
	}, admin, a.serveEndUserSessions)
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/admin/audit", OperationID: "list-events", Tags: []string{"admin"},
		Summary: "What happened to accounts, the newest first",
		Parameters: []*huma.Param{
			limitParam(), cursorParam(), queryParam("user", "The id of an account, as the one that did it or that it was done to.", idSchema()),
		},
		Responses: a.answers("200", eventPageJSON{}, http.StatusUnprocessableEntity),
	}, admin, a.serveAudit)
}
