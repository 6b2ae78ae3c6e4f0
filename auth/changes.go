package auth

import "context"

// Changes tells of accounts that were changed, by whatever process: their
// fields and password, sessions and app passwords that ended, and new accounts and
// app passwords. New sessions are not told of.
type Changes interface {
	// Watch calls changed with the number of each account after it was changed, 0
	// for any number of them, until ctx ends or it cannot go on, which is an
	// error. It calls listening once it will miss no change any more. Calls come
	// one after another.
	Watch(ctx context.Context, listening func(), changed func(UserID)) error
}
