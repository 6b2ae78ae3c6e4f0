package rediscache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// channel is where processes tell each other what they forget, below the prefix.
const channel = "pressmark:forget"

// A connection that has been silent for so long is tried, and is dead if it stays
// so: no packet comes from a server that is frozen, or behind a network that is
// gone.
const (
	silence = time.Second
	answer  = 2 * time.Second
)

// Publish sends a message to all who subscribe.
func (s *Store) Publish(ctx context.Context, message []byte) error {
	if err := s.client.Publish(ctx, s.o.Prefix+channel, message).Err(); err != nil {
		return fmt.Errorf("redis: publish: %w", err)
	}
	return nil
}

// Subscribe calls received with each message until ctx ends or the connection
// does. It has a connection of its own.
func (s *Store) Subscribe(ctx context.Context, listening func(), received func([]byte)) error {
	if err := s.subscribe(ctx, listening, received); ctx.Err() == nil {
		return fmt.Errorf("redis: subscribe: %w", err)
	}
	return ctx.Err()
}

func (s *Store) subscribe(ctx context.Context, listening func(), received func([]byte)) error {
	// The client's own Channel connects again without a word, and what was
	// published meanwhile is lost.
	sub := s.client.Subscribe(ctx)
	defer sub.Close()
	stop := context.AfterFunc(ctx, func() { sub.Close() }) // or it would wait for a message
	defer stop()
	first, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	if err := sub.Subscribe(first, s.o.Prefix+channel); err != nil {
		return err
	}
	if _, err := sub.ReceiveTimeout(first, answer); err != nil {
		return err
	}
	listening()
	wait, asked := silence, false
	for {
		message, err := sub.ReceiveTimeout(ctx, wait)
		var late net.Error
		switch {
		case err == nil:
			wait, asked = silence, false
			if m, ok := message.(*redis.Message); ok {
				received([]byte(m.Payload))
			}
		case asked || !errors.As(err, &late) || !late.Timeout():
			return err
		default:
			wait, asked = answer, true
			if err := s.ping(ctx, sub); err != nil {
				return err
			}
		}
	}
}

func (s *Store) ping(ctx context.Context, sub *redis.PubSub) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	return sub.Ping(ctx)
}
