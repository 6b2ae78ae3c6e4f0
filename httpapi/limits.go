package httpapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pressmark/pressmark/auth"
	"github.com/pressmark/pressmark/httpapi/admission"
	"github.com/pressmark/pressmark/httpapi/ratelimit"
)

// LimitOptions bound what clients may ask of an API. Those of connections are
// the server's: see package conns.
type LimitOptions struct {
	// Users limits the requests of each user, by their number, whatever they show
	// that they are. nil does not.
	Users *ratelimit.Limiter
	// Networks limits the requests of those who show nothing good, by
	// [ratelimit.NetworkOf]. nil does not. Neither limits health.
	Networks *ratelimit.Limiter
	// MaxDownloads bounds the downloads that go on at a time. A tenth of them, and
	// four at least, may be one user's, or one network's of who is not logged in.
	// 0 means 1,000; negative means no bound.
	MaxDownloads int
	// Work admits what takes a processor: making answers that are not kept. nil is
	// a queue with the defaults of [admission.Options].
	Work *admission.Queue
	// BodyTime is how long a client may take to send a body. 0 means 30 s; negative
	// means no bound.
	BodyTime time.Duration
	// Pressed tells whether memory is nearly used up. While it is, answers that are
	// not kept and new downloads are refused. nil is never.
	Pressed func() bool
}

// LimitStats are what was refused since the start, and what goes on now.
type LimitStats struct {
	Users, Networks ratelimit.Stats
	Work            admission.Stats
	Pressed         uint64 // refused because memory was nearly used up
	Downloads       SlotStats
	Streams         SlotStats
}

// LimitStats returns what limits have done.
func (a *API) LimitStats() LimitStats {
	return LimitStats{
		Users: a.opts.Limits.Users.Stats(), Networks: a.opts.Limits.Networks.Stats(),
		Work: a.opts.Limits.Work.Stats(), Pressed: a.limits.pressed.Load(),
		Downloads: a.limits.downloads.stats(), Streams: a.events.slots.stats(),
	}
}

// limits are what an API counts.
type limits struct {
	downloads slots
	pressed   atomic.Uint64
}

func (o *LimitOptions) fill() {
	if o.MaxDownloads == 0 {
		o.MaxDownloads = 1000
	}
	if o.Work == nil {
		o.Work = admission.New(admission.Options{})
	}
	if o.BodyTime == 0 {
		o.BodyTime = 30 * time.Second
	}
}

// charge takes a request out of what its sender may send. user is 0 for who is
// not known.
func (a *API) charge(r *http.Request, user auth.UserID) error {
	l, name, k := a.opts.Limits.Users, "user", ratelimit.Key(user)
	if user == 0 {
		var ok bool
		l, name = a.opts.Limits.Networks, "network"
		if k, ok = a.networkOf(r); !ok {
			return nil
		}
	}
	wait, ok := l.Allow(k)
	if ok {
		return nil
	}
	return tooMany(l.Rate(), name, wait)
}

// chargeLookUp refuses a request for which the database would have to be asked who
// sends it, if its network has sent too much already. Nothing is taken.
func (a *API) chargeLookUp(r *http.Request) error {
	l := a.opts.Limits.Networks
	if k, ok := a.networkOf(r); ok && l.Exhausted(k) {
		return tooMany(l.Rate(), "network", time.Second)
	}
	return nil
}

// networkOf returns whose share of a network's requests r takes; false is nobody's.
func (a *API) networkOf(r *http.Request) (k ratelimit.Key, ok bool) {
	if a.opts.Limits.Networks == nil {
		return 0, false
	}
	addr, ok := a.clientAddr(r)
	if !ok {
		return 0, false
	}
	return ratelimit.NetworkOf(addr)
}

// tooMany is the answer to who sends too much, with the fields of
// draft-ietf-httpapi-ratelimit-headers. Answers that are within the limit do not
// have them: they would be more than the eight header fields that are cheap.
func tooMany(limit ratelimit.Rate, name string, wait time.Duration) error {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	window := max(1, int(math.Round(float64(limit.Burst)/limit.PerSecond)))
	return &statusError{
		status: http.StatusTooManyRequests, retryAfter: seconds,
		detail: "Too many requests have come from this " + name + ". Wait, and send fewer.",
		headers: map[string]string{
			"Ratelimit-Policy": fmt.Sprintf("%q;q=%d;w=%d", name, limit.Burst, window),
			"Ratelimit":        fmt.Sprintf("%q;r=0;t=%d", name, seconds),
		},
	}
}

// errPressed says that memory is nearly used up.
var errPressed = errors.New("memory is nearly used up")

// pressed refuses work while memory is nearly used up.
func (a *API) pressed() error {
	if p := a.opts.Limits.Pressed; p != nil && p() {
		a.limits.pressed.Add(1)
		return errPressed
	}
	return nil
}

// admit waits for a turn at work that takes a processor. The caller calls leave.
func (a *API) admit(ctx context.Context) (leave func(), err error) {
	if err := a.pressed(); err != nil {
		return nil, err
	}
	return a.opts.Limits.Work.Enter(ctx)
}

// soon is Retry-After of what may work in a moment, in seconds. Clients that were
// refused together should not come back together.
func soon() int { return 1 + rand.IntN(3) }

// maxHeaders bounds the header fields of a request, whose bytes the server bounds.
const maxHeaders = 100

// oversized refuses a request whose header says too much.
func oversized(r *http.Request) error {
	if len(r.Header) > maxHeaders {
		return &statusError{status: http.StatusRequestHeaderFieldsTooLarge, detail: "The request has more than " + strconv.Itoa(maxHeaders) + " header fields."}
	}
	return nil
}
