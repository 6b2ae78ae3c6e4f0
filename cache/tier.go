package cache

import (
	"context"
	"time"
)

// Local keeps values in the memory of this process. It is safe for concurrent
// use, bounds what it keeps, and may drop anything at any time.
type Local interface {
	// Get returns what was set last under key and is still kept. Each namespace
	// has keys of its own.
	Get(namespace, key string) (value any, ok bool)

	// Set keeps value under key for at most ttl, or drops it. cost is about how
	// many bytes it takes, with its key. Get may not find it before Wait.
	Set(namespace, key string, value any, cost int64, ttl time.Duration)

	// Wait returns when Get finds what was set before, or it was dropped.
	Wait()

	// Delete drops what is kept under key.
	Delete(namespace, key string)
}

// Measured is the optional role of a Local that knows how much it keeps.
type Measured interface {
	Usage() Usage
}

// Usage is how much a Local keeps.
type Usage struct {
	// Items are so many values, Bytes what they take, Max the most that they may.
	Items, Bytes, Max int64
	// Evicted counts values that made room for others, or whose time was over,
	// Dropped those that were never kept.
	Evicted, Dropped uint64
}

// Shared keeps values for several processes. It is safe for concurrent use, may
// drop anything at any time, and need not survive anything. ctx bounds each call;
// after an error it is open whether the call took place.
type Shared interface {
	// Get returns what is kept under each key, nil for nothing, in one round trip.
	Get(ctx context.Context, keys ...string) ([][]byte, error)

	// Set keeps value under key for ttl; 0 is for good.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Add is Set if nothing is kept under key. It returns what is kept there then:
	// value, what somebody else set, or nil if that was dropped in the meantime.
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) (kept []byte, err error)

	// Replace is Set if old is kept under key, and tells whether it was. Nobody
	// changes what is kept between the two.
	Replace(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error)

	// Delete drops what is kept under keys.
	Delete(ctx context.Context, keys ...string) error
}

// Bus carries messages between processes. It is safe for concurrent use.
type Bus interface {
	// Publish sends a message to all who subscribe at that time. Who does not
	// get it is not known.
	Publish(ctx context.Context, message []byte) error

	// Subscribe calls received with each message, its own included, one after
	// another, until ctx ends or messages may have been missed, which is an
	// error. It calls listening once it will miss none any more. A connection that
	// is silent because it is dead is an error within seconds, too.
	Subscribe(ctx context.Context, listening func(), received func(message []byte)) error
}
