package auth

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Scope is what an app password is good for.
type Scope string

// The scopes.
const (
	ScopeOPDS   Scope = "opds"     // catalogue feeds, and the covers and files that they name
	ScopeKOSync Scope = "kosync"   // KOReader's progress sync
	ScopeRead   Scope = "api:read" // what the API answers to reading requests
	ScopeAPI    Scope = "api"      // the API but for accounts: passwords, sessions, users
)

// AppPassword is a password for one program that can only do HTTP Basic (RFC
// 7617). It is made at random, shown once, and good for what its scopes say.
type AppPassword struct {
	// ID is 26 letters and digits, made at random.
	ID   string
	User UserID
	// Label is what its owner calls it. It is not empty.
	Label string
	// Scopes are what it is good for, in order, each once; at least one.
	Scopes []Scope
	// Hash is how it is found.
	Hash [32]byte
	// Created and Used are to the microsecond, in UTC. Used is zero for one that
	// was never used, and may lie some minutes back.
	Created, Used time.Time
	// Address is where it was used last.
	Address string
}

// MaxAppPasswords is how many one user may have.
const MaxAppPasswords = 100

// maxLabel bounds a label, in bytes.
const maxLabel = 200

// Check returns an InvalidError if an app password cannot be like that. Adapters
// call it before they write.
func (p *AppPassword) Check() error {
	if p.Label == "" || len(p.Label) > maxLabel || !printable(p.Label) {
		return &InvalidError{"label", fmt.Sprintf("1 to %d bytes of text were expected", maxLabel)}
	}
	known := []Scope{ScopeAPI, ScopeRead, ScopeKOSync, ScopeOPDS}
	for _, s := range p.Scopes {
		if !slices.Contains(known, s) {
			return &InvalidError{"scopes", fmt.Sprintf("opds, kosync, api:read or api was expected, not %q", s)}
		}
	}
	if len(p.Scopes) == 0 || !slices.IsSorted(p.Scopes) || len(slices.Compact(slices.Clone(p.Scopes))) < len(p.Scopes) {
		return &InvalidError{"scopes", "at least one was expected, each once"}
	}
	return nil
}

// AppPasswords keeps app passwords. Implementations are safe for concurrent use,
// and what they acknowledge is kept. Those of an account that is deleted are
// gone.
type AppPasswords interface {
	// AddAppPassword adds one, which has passed Check. Its times are truncated to
	// microseconds. A user that is not there is ErrNotFound; one who has 100 of
	// them gets an InvalidError.
	AddAppPassword(ctx context.Context, p AppPassword) error

	// FindAppPassword returns the one with that hash, or ErrNotFound.
	FindAppPassword(ctx context.Context, hash [32]byte) (AppPassword, error)

	// AppPasswords returns those of a user, the oldest first.
	AppPasswords(ctx context.Context, user UserID) ([]AppPassword, error)

	// UseAppPassword notes when and where one was used, and how it is found from
	// now on. One that is not there is ErrNotFound.
	UseAppPassword(ctx context.Context, id string, hash [32]byte, at time.Time, address string) error

	// RemoveAppPassword removes one of a user, or returns ErrNotFound.
	RemoveAppPassword(ctx context.Context, user UserID, id string) error
}
