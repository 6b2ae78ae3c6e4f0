package ratelimit

import (
	"context"
	"math"
	"time"
)

// Shared is where replicas tell each other what they have spent.
type Shared interface {
	// Spend raises the level of each key by what was spent (0 only asks), after it
	// has sunk by perSecond since it was last raised, to most at most and to 0 at
	// least, and returns the levels in the order of the keys. A level is forgotten
	// when it has sunk to 0.
	Spend(ctx context.Context, keys []string, spent []int, perSecond, most float64) ([]float64, error)
}

// ShareOptions are the settings of [Limiter.Share].
type ShareOptions struct {
	// Store is what the replicas have in common.
	Store Shared
	// Name is the name of a key in Store: the same at all replicas, another than
	// other limiters give, and nothing that tells an address.
	Name func(Key) string
	// Every is the time between two exchanges. 0 means 100 ms.
	Every time.Duration
}

const (
	// mostTold bounds what one exchange sends. Who is left out has the next turn.
	mostTold = 1000
	// busy is the part of the burst that has to be spent for others to be told.
	busy = 1.0 / 16
	// rest is the longest time between two attempts while the store fails.
	rest = 5 * time.Second
	// tellTime bounds one exchange.
	tellTime = time.Second
)

// Share exchanges with other replicas what was spent, until ctx ends.
func (l *Limiter) Share(ctx context.Context, o ShareOptions) {
	if l == nil || l.rate.PerSecond <= 0 {
		<-ctx.Done()
		return
	}
	if o.Every <= 0 {
		o.Every = 100 * time.Millisecond
	}
	e := exchange{limiter: l, o: o}
	wait := o.Every
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := e.turn(ctx); err != nil {
			l.failed.Add(1)
			wait = min(2*wait, rest)
		} else {
			wait = o.Every
		}
		timer.Reset(wait)
	}
}

// exchange is what one exchange tells.
type exchange struct {
	limiter *Limiter
	o       ShareOptions
	next    int // the set that the next turn begins with
	at      []*bucketAt
	names   []string
	spent   []int
}

type bucketAt struct {
	set   *set
	index int
	key   Key
}

// turn tells what was spent and hears what is spent. What could not be told is
// told the next time.
func (e *exchange) turn(ctx context.Context) error {
	e.collect()
	if len(e.at) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	// Twice the burst, so that what replicas gave before they knew is paid back.
	levels, err := e.o.Store.Spend(ctx, e.names, e.spent, e.limiter.rate.PerSecond, 2*float64(e.limiter.rate.Burst))
	if err != nil {
		for i, at := range e.at {
			at.set.mu.Lock()
			if b := &at.set.buckets[at.index]; b.key == at.key {
				b.spent += uint32(e.spent[i])
			}
			at.set.mu.Unlock()
		}
		return err
	}
	e.limiter.told.Add(uint64(len(levels)))
	for i, level := range levels {
		e.hear(e.at[i], level)
	}
	return nil
}

// collect finds the buckets of which something is spent.
func (e *exchange) collect() {
	e.at, e.names, e.spent = e.at[:0], e.names[:0], e.spent[:0]
	l := e.limiter
	now := l.now()
	from := e.next
	for i := range l.sets {
		at := (from + i) & int(l.mask)
		s := l.sets[at].Load()
		if s == nil {
			continue
		}
		if len(e.at) >= mostTold {
			e.next = at
			return
		}
		s.mu.Lock()
		for j := range s.buckets {
			b := &s.buckets[j]
			if n, ok := l.tell(b, now); ok {
				e.at = append(e.at, &bucketAt{s, j, b.key})
				e.names = append(e.names, e.o.Name(b.key))
				e.spent = append(e.spent, n)
			}
		}
		s.mu.Unlock()
	}
}

// tell returns what others are to know of a bucket, and whether they are.
func (l *Limiter) tell(b *bucket, now time.Time) (spent int, ok bool) {
	if b.tokens == nil || b.spent == 0 && !b.shared {
		return 0, false
	}
	gone := float64(l.rate.Burst) - b.tokens.TokensAt(now)
	if gone < 1 {
		b.spent, b.shared = 0, false
		return 0, false
	}
	if !b.shared && gone < max(1, busy*float64(l.rate.Burst)) {
		return 0, false
	}
	spent = int(b.spent)
	if !b.shared { // of what was spent before, a part is forgiven by now
		spent = min(spent, int(gone))
	}
	b.spent, b.shared = 0, true
	return spent, true
}

// hear takes out of a bucket what was spent elsewhere.
func (e *exchange) hear(at *bucketAt, level float64) {
	l := e.limiter
	now := l.now()
	at.set.mu.Lock()
	defer at.set.mu.Unlock()
	b := &at.set.buckets[at.index]
	if b.key != at.key || math.IsNaN(level) {
		return
	}
	left := float64(l.rate.Burst) - level - float64(b.spent)
	if more := int(b.tokens.TokensAt(now) - left); more > 0 {
		b.tokens.ReserveN(now, min(more, l.rate.Burst)) // tokens become fewer than none
	}
}
