package watch_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pressmark/pressmark/watch"
	"github.com/pressmark/pressmark/watch/watchtest"
)

const ms, second = time.Millisecond, time.Second

func TestSettler(t *testing.T) {
	watchtest.Run(t, func(files []string) watch.Watcher {
		return watch.NewSettler(watch.NewPoll(files, exact), watch.SettleOptions{Quiet: -1})
	}, watchtest.Quirks{})
}

func every(d time.Duration, n int) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }

func TestSettlerTimes(t *testing.T) {
	tests := []struct {
		name    string
		opts    watch.SettleOptions
		changes []time.Duration // pauses between them
		work    time.Duration   // how long each call takes
		want    []time.Duration
	}{
		{name: "one change", changes: every(second, 1), want: []time.Duration{3 * second}},
		{name: "quiet starts again with each change", changes: every(1500*ms, 3), want: []time.Duration{6500 * ms}},
		{
			name: "a long burst shows as it goes", changes: every(900*ms, 30),
			// The change at 0.9 s waits 10 s; the first after that call is at
			// 11.7 s, then at 22.5 s; the last is at 27 s.
			want: []time.Duration{10900 * ms, 21700 * ms, 29 * second},
		},
		{
			name: "changes during a call lead to another", changes: every(second, 5), work: 4 * second,
			opts: watch.SettleOptions{Quiet: 500 * ms},
			// Those at 2 to 5 s are made during the first call and quiet since
			// 5.5 s when it ends; none waits for a new period of quiet.
			want: []time.Duration{1500 * ms, 5500 * ms},
		},
		{
			name: "a call longer than MaxDelay", changes: every(second, 20), work: 15 * second,
			want: []time.Duration{11 * second, 26 * second},
		},
		{name: "no quiet", opts: watch.SettleOptions{Quiet: -1}, changes: every(second, 3), want: []time.Duration{second, 2 * second, 3 * second}},
		{
			name: "no quiet and a slow call", opts: watch.SettleOptions{Quiet: -1}, changes: every(second, 3), work: 5 * second,
			want: []time.Duration{second, 6 * second},
		},
		{name: "no bound", opts: watch.SettleOptions{MaxDelay: -1}, changes: every(second, 100), want: []time.Duration{102 * second}},
		{name: "a bound below quiet wins", opts: watch.SettleOptions{MaxDelay: second}, changes: every(second, 1), want: []time.Duration{2 * second}},
		{name: "the default bound is not below quiet", opts: watch.SettleOptions{Quiet: 30 * second}, changes: every(second, 1), want: []time.Duration{31 * second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := begin(t, watch.NewSettler(source{pauses: tt.changes}, tt.opts), tt.work)
				time.Sleep(5*time.Minute + 500*time.Microsecond)
				a.end(t, tt.want...)
			})
		})
	}
}

func TestSettlerKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := watch.NewSettler(source{pauses: []time.Duration{10 * second, 10 * second}}, watch.SettleOptions{})
		s.Kick() // kept until Watch runs
		s.Kick() // the same call
		a := begin(t, s, 3*second)
		time.Sleep(11 * second)
		s.Kick() // passes on the change at 10 s
		time.Sleep(second)
		s.Kick() // during that call: another follows it
		time.Sleep(time.Minute)
		a.end(t, 0, 11*second, 14*second, 22*second)
	})
}

// A kick must not leave a timer behind that makes a call of its own or cuts the
// quiet of the next change short.
func TestSettlerKickWhileTheTimerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := watch.NewSettler(source{pauses: []time.Duration{second, 1500 * ms}}, watch.SettleOptions{})
		a := begin(t, s, 0)
		time.Sleep(2 * second)
		s.Kick()
		time.Sleep(time.Minute)
		a.end(t, 2*second, 4500*ms)
	})
}

// A change and a kick during a call lead to one more call, whichever of them
// the settler sees first.
func TestSettlerKickAndChangeDuringACall(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			s := watch.NewSettler(source{pauses: []time.Duration{second, second}}, watch.SettleOptions{Quiet: -1})
			a := begin(t, s, 3*second)
			time.Sleep(3 * second)
			s.Kick()
			time.Sleep(time.Minute)
			a.end(t, second, 4*second)
		})
	}
}

func TestSettlerInnerError(t *testing.T) {
	broken := errors.New("broken")
	synctest.Test(t, func(t *testing.T) {
		a := begin(t, watch.NewSettler(source{pauses: every(second, 1), err: broken}, watch.SettleOptions{}), 0)
		if err := <-a.ended; err != broken {
			t.Errorf("Watch returns %v, want %v", err, broken)
		}
	})
}

// Whatever the changes and however slow the calls: each change is followed by a
// call that begins after it, no later than MaxDelay, or when the call that is
// being made then has returned.
func TestSettlerNeverLosesAChange(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var pauses []time.Duration
		for range 200 {
			// Odd microseconds, so that no change falls on the moment of a call.
			pauses = append(pauses, time.Duration(1+2*rnd.IntN(3_000_000/2))*time.Microsecond)
		}
		work := time.Duration(rnd.IntN(8)) * second
		synctest.Test(t, func(t *testing.T) {
			a := begin(t, watch.NewSettler(source{pauses: pauses}, watch.SettleOptions{}), work)
			time.Sleep(time.Hour)
			a.cancel()
			<-a.ended
			for i := range a.calls[1:] {
				if a.calls[i+1]-a.calls[i] < work {
					t.Fatalf("seed %d: concurrent calls at %v and %v", seed, a.calls[i], a.calls[i+1])
				}
			}
			var made time.Duration
			for _, p := range pauses {
				made += p
				i, _ := slices.BinarySearch(a.calls, made)
				if i == len(a.calls) {
					t.Fatalf("seed %d: the change at %v is lost", seed, made)
				}
				latest := made + 10*second
				if i > 0 {
					latest = max(latest, a.calls[i-1]+work)
				}
				if a.calls[i] > latest {
					t.Fatalf("seed %d: the change at %v is passed on at %v, want %v at the latest", seed, made, a.calls[i], latest)
				}
			}
		})
	}
}
