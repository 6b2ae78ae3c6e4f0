package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) registerLogins() {
	body := func(needed bool, v any) *huma.RequestBody {
		content := &huma.MediaType{Schema: a.shape(v)}
		return &huma.RequestBody{Required: needed, Content: map[string]*huma.MediaType{"application/x-www-form-urlencoded": content, "application/json": content}}
	}
	grant := func(problems ...int) map[string]*huma.Response {
		res := a.problems(append(problems, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusNotImplemented, http.StatusServiceUnavailable)...)
		res["200"] = &huma.Response{Description: "A pair of tokens.", Content: map[string]*huma.MediaType{"application/json": {Schema: a.shape(grantJSON{})}}}
		return res
	}
	a.handle(huma.Operation{
		Method: http.MethodPost, Path: "/api/auth/login", OperationID: "login", Tags: []string{"users"},
		Summary: "Begin a session",
		Description: "A wrong password, an account that is not there and one that is disabled get the same answer. " +
			"After some failures for an account or from a network more attempts are refused (429) for a while, which grows.",
		RequestBody: body(true, loginJSON{}), Responses: grant(),
	}, open, a.serveLogin)
	a.handle(huma.Operation{
		Method: http.MethodPost, Path: "/api/auth/refresh", OperationID: "refresh", Tags: []string{"users"},
		Summary: "Trade a refresh token for a new pair",
		Description: "A refresh token is good once. For 10 seconds it can be traded again, for the same new one, so that a lost answer does no harm; " +
			"used later, it has been stolen, and the session ends.",
		RequestBody: body(false, refreshJSON{}), Responses: grant(),
	}, open, a.serveRefresh)

	personalJSON := func(v any) map[string]*huma.Response {
		res := a.problems(http.StatusUnauthorized, http.StatusServiceUnavailable)
		res["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: a.shape(v)}}}
		return res
	}
	done := func(problems ...int) map[string]*huma.Response {
		res := a.problems(append(problems, http.StatusUnauthorized, http.StatusServiceUnavailable)...)
		res["204"] = &huma.Response{Description: "It is done."}
		return res
	}
	a.handle(huma.Operation{
		Method: http.MethodPost, Path: "/api/auth/logout", OperationID: "logout", Tags: []string{"users"},
		Summary: "End the session that asks", Responses: done(),
	}, account, a.serveLogout)
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/me", OperationID: "me", Tags: []string{"users"},
		Summary: "Who asks", Responses: personalJSON(meJSON{}),
	}, personal, a.serveMe)
	a.handle(huma.Operation{
		Method: http.MethodGet, Path: "/api/me/sessions", OperationID: "list-sessions", Tags: []string{"users"},
		Summary: "One's sessions, the one that was used last first", Responses: personalJSON(sessionPageJSON{}),
	}, account, a.serveSessions)
	a.handle(huma.Operation{
		Method: http.MethodDelete, Path: "/api/me/sessions", OperationID: "end-sessions", Tags: []string{"users"},
		Summary: "End all of one's sessions, also the one that asks", Responses: done(),
	}, account, a.serveEndSessions)
	a.handle(huma.Operation{
		Method: http.MethodDelete, Path: "/api/me/sessions/{id}", OperationID: "end-session", Tags: []string{"users"},
		Summary: "End one of one's sessions", Parameters: []*huma.Param{pathParam("id", "The session's id.", stringSchema())}, Responses: done(http.StatusNotFound),
	}, account, a.serveEndSession)
}
