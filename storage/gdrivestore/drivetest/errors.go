package drivetest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// failure is an error as the API answers it.
type failure struct {
	status                 int
	reason, message        string
	location, locationType string
	retryAfter             time.Duration
	contentRange           string
}

func (f *failure) Error() string { return f.message }

func badParameter(name, reason, message string) *failure {
	return &failure{
		status: http.StatusBadRequest, reason: reason, message: message,
		location: name, locationType: "parameter",
	}
}

func invalid(name string) *failure { return badParameter(name, "invalid", "Invalid Value") }

func notFound(id string) *failure {
	return &failure{
		status: http.StatusNotFound, reason: "notFound", message: "File not found: " + id + ".",
		location: "fileId", locationType: "parameter",
	}
}

func notDownloadable() *failure {
	return &failure{
		status: http.StatusForbidden, reason: "fileNotDownloadable",
		message:  "Only files with binary content can be downloaded. Use Export with Docs Editors files.",
		location: "alt", locationType: "parameter",
	}
}

func unauthorized() *failure {
	return &failure{
		status: http.StatusUnauthorized, reason: "authError", message: "Invalid Credentials",
		location: "Authorization", locationType: "header",
	}
}

func insufficientScope() *failure { return failed(http.StatusForbidden, "insufficientPermissions") }

// failed is the error for a reason, of which the usual status is found if it is 0,
// or for a status, of which the usual reason is found if it is empty.
func failed(status int, reason string) *failure {
	switch reason {
	case "authError":
		f := unauthorized()
		f.status = cmp.Or(status, f.status)
		return f
	case "notFound":
		return &failure{status: cmp.Or(status, http.StatusNotFound), reason: reason, message: "File not found: .", location: "fileId", locationType: "parameter"}
	case "fileNotDownloadable":
		f := notDownloadable()
		f.status = cmp.Or(status, f.status)
		return f
	case "backendError", "internalError":
		return &failure{status: cmp.Or(status, http.StatusInternalServerError), reason: reason, message: message(reason)}
	case "":
		return failed(status, usualReason(status))
	default:
		return &failure{status: cmp.Or(status, http.StatusForbidden), reason: reason, message: message(reason)}
	}
}

func usualReason(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "badRequest"
	case http.StatusUnauthorized:
		return "authError"
	case http.StatusForbidden:
		return "forbidden"
	case http.StatusNotFound:
		return "notFound"
	case http.StatusTooManyRequests:
		return "rateLimitExceeded"
	default:
		return "backendError"
	}
}

func message(reason string) string {
	switch reason {
	case "userRateLimitExceeded":
		return "User Rate Limit Exceeded. Rate of requests for user exceed configured project quota."
	case "rateLimitExceeded":
		return "Rate Limit Exceeded"
	case "dailyLimitExceeded":
		return "Daily Limit Exceeded"
	case "downloadQuotaExceeded":
		return "The download quota for this file has been exceeded."
	case "cannotDownloadAbusiveFile":
		return "This file has been identified as malware or spam and cannot be downloaded."
	case "cannotDownloadFile":
		return "This file cannot be downloaded by the user."
	case "insufficientFilePermissions":
		return "The user does not have sufficient permissions for this file."
	case "insufficientPermissions":
		return "Insufficient Permission: Request had insufficient authentication scopes."
	case "backendError":
		return "Backend Error"
	case "internalError":
		return "Internal Error"
	default:
		return reason
	}
}

func domain(reason string) string {
	switch reason {
	case "userRateLimitExceeded", "rateLimitExceeded", "dailyLimitExceeded", "quotaExceeded", "accessNotConfigured":
		return "usageLimits"
	default:
		return "global"
	}
}

type errorItem struct {
	Domain       string `json:"domain"`
	Reason       string `json:"reason"`
	Message      string `json:"message"`
	LocationType string `json:"locationType,omitempty"`
	Location     string `json:"location,omitempty"`
}

type errorBody struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Errors  []errorItem `json:"errors"`
}

// write answers with the error.
func (f *failure) write(w http.ResponseWriter) {
	item := errorItem{domain(f.reason), f.reason, f.message, f.locationType, f.location}
	body, err := json.MarshalIndent(map[string]errorBody{
		"error": {Code: f.status, Message: f.message, Errors: []errorItem{item}},
	}, "", " ")
	if err != nil {
		body = nil // strings and numbers can be encoded
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="invalid_token"`)
	}
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((f.retryAfter+time.Second-1)/time.Second), 10))
	}
	if f.contentRange != "" {
		w.Header().Set("Content-Range", f.contentRange)
	}
	writeBody(w, f.status, jsonType, body)
}

const jsonType = "application/json; charset=UTF-8"

func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
