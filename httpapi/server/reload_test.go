package server

import (
	"slices"
	"testing"
)

// TestTaken: a setting that was taken over is not told again, and going back to
// what was before is; what needs a restart is told until there is one.
func TestTaken(t *testing.T) {
	values := func(level, key string) []Value {
		return []Value{{Name: "LOG_LEVEL", Value: level}, {Name: "SECRET_KEY_OLD", Value: key}}
	}
	used := values("info", "")
	for i, step := range []struct {
		values       []Value
		now, restart []string
	}{
		{values("debug", "old"), []string{"LOG_LEVEL"}, []string{"SECRET_KEY_OLD"}},
		{values("debug", "old"), nil, []string{"SECRET_KEY_OLD"}},
		{values("info", "old"), []string{"LOG_LEVEL"}, []string{"SECRET_KEY_OLD"}},
		{values("info", ""), nil, nil},
	} {
		now, restart := Changed(used, step.values)
		if !slices.Equal(now, step.now) || !slices.Equal(restart, step.restart) {
			t.Errorf("step %d: %q and %q, want %q and %q", i, now, restart, step.now, step.restart)
		}
		used = Taken(used, step.values)
	}
}
