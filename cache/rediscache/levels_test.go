package rediscache_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pressmark/pressmark/cache/rediscache"
	"github.com/pressmark/pressmark/cache/rediscache/redistest"
)

// TestSpend: levels rise with what all spend, to a bound, sink with time, and are
// forgotten.
func TestSpend(t *testing.T) {
	t.Parallel()
	address, prefix := redistest.Open(t)
	testSpend(t, rediscache.New(redistest.Client(t, address), rediscache.Options{Prefix: prefix}), func(key string) (time.Duration, error) {
		return redistest.Client(t, address).PTTL(t.Context(), prefix+key).Result()
	})
	client := redistest.Client(t, address)
	s := rediscache.New(client, rediscache.Options{Prefix: prefix})
	if err := client.LPush(t.Context(), prefix+"list", "x").Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Set(t.Context(), prefix+"odd", "what is this", 0).Err(); err != nil {
		t.Fatal(err)
	}
	got, err := s.Spend(t.Context(), []string{"list", "odd"}, []int{1, 2}, 1, 100)
	if err != nil || !math.IsNaN(got[0]) || got[1] != 2 {
		t.Errorf("%v, %v of what is somebody else's", got, err)
	}
}

// TestSpendInCluster: the keys of one call lie on several nodes.
func TestSpendInCluster(t *testing.T) {
	t.Parallel()
	client := redistest.StartCluster(t).Client(t)
	testSpend(t, rediscache.New(client, rediscache.Options{Prefix: "p:"}), func(key string) (time.Duration, error) {
		return client.PTTL(t.Context(), "p:"+key).Result()
	})
}

func testSpend(t *testing.T, s *rediscache.Store, ttl func(string) (time.Duration, error)) {
	t.Helper()
	spend := func(n int, perSecond float64) []float64 {
		t.Helper()
		keys := strings.Fields("a b c d e f g h")
		spent := make([]int, len(keys))
		for i := range spent {
			spent[i] = n * (i + 1)
		}
		got, err := s.Spend(t.Context(), keys, spent, perSecond, 1000)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const slow = 0.001 // a second
	spend(10, slow)
	got := spend(10, slow)
	for i, level := range got {
		if want := float64(20 * (i + 1)); level > want || level < want-1 {
			t.Errorf("level %d is %v, want %v", i, level, want)
		}
	}
	if got := spend(1000, slow); got[7] != 1000 {
		t.Errorf("%v, want 1000 at most", got)
	}
	if d, err := ttl("a"); err != nil || d < 900*time.Second {
		t.Errorf("forgotten after %v, %v", d, err)
	}
	spend(1, 1e6) // sinks at once
	if got := spend(0, 1e6); got[7] != 0 {
		t.Errorf("%v, want 0", got)
	}
	if d, err := ttl("a"); err != nil || d > 2*time.Second {
		t.Errorf("what has sunk lasts %v, %v", d, err)
	}
}
