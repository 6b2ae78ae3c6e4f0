package auth

import (
	"context"
	"time"
)

// Action is what an event tells of.
type Action string

// The actions.
const (
	DidLogIn             Action = "login"
	FailedLogIn          Action = "login_failed"
	DidLogOut            Action = "logout"
	DidReuseToken        Action = "token_reused" // a stolen refresh token: its session has ended
	DidEndSession        Action = "session_ended"
	DidEndSessions       Action = "sessions_ended"
	DidSetPassword       Action = "password_set"
	DidAddAppPassword    Action = "app_password_added"
	DidRemoveAppPassword Action = "app_password_removed"
	DidCreateUser        Action = "user_created"
	DidChangeUser        Action = "user_changed"
	DidDeleteUser        Action = "user_deleted"
	DidSetUp             Action = "set_up" // the first admin was made by the link
	DidIssueToken        Action = "token_issued"
	DidLockOut           Action = "locked_out" // attempts are refused unseen for a time
	DidExport            Action = "exported"   // all that is kept of a user, or of all
	DidImport            Action = "imported"
)

// Event is something that happened to an account.
type Event struct {
	// ID grows with time.
	ID int64
	// At is to the microsecond, in UTC.
	At     time.Time
	Action Action
	// Actor is who did it, User whom it was done to; 0 is nobody that is known.
	// Numbers of accounts that were deleted stay.
	Actor, User UserID
	// Address is where it was asked for: an IP address, or "command line".
	Address string
	// Detail says more: which fields, which session. It never holds a secret.
	Detail string
}

// Audit keeps events. Implementations are safe for concurrent use, and what they
// acknowledge is kept.
type Audit interface {
	// Record adds an event. Its ID is not looked at.
	Record(ctx context.Context, e Event) error

	// Events returns events, the newest first, from before the one of that
	// number on (0 is the newest), at most limit of them, 1 to 1,000; only those
	// of a user, as Actor or User, if that is not 0.
	Events(ctx context.Context, user UserID, before int64, limit int) ([]Event, error)

	// ExpireEvents removes those that are older than that time.
	ExpireEvents(ctx context.Context, at time.Time) error
}
