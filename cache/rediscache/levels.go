package rediscache

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// level keeps a level that sinks, by the clock of Redis, as "level time". It is
// sent whole each time: in a pipeline a script that a server does not know fails.
const level = `
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local rate = tonumber(ARGV[1])
local level = tonumber(ARGV[2])
local kept = redis.call('GET', KEYS[1])
if kept then
	local was, at = string.match(kept, '^(%S+) (%S+)$')
	if was then
		level = level + math.max(0, tonumber(was) - rate * math.max(0, now - tonumber(at)))
	end
end
level = math.min(level, tonumber(ARGV[3]))
if level > 0 then
	redis.call('SET', KEYS[1], string.format('%.3f %.6f', level, now), 'PX', math.ceil(level / rate * 1000) + 1000)
end
return string.format('%.3f', level)`

// Spend raises levels that sink by perSecond, each by what was spent and to most
// at most, and returns them in the order of the keys. One whose key has something
// else in it is NaN. A level that has sunk to 0 is forgotten. All keys go in one
// pipeline.
func (s *Store) Spend(ctx context.Context, keys []string, spent []int, perSecond, most float64) ([]float64, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rate, top := strconv.FormatFloat(perSecond, 'f', -1, 64), strconv.FormatFloat(most, 'f', -1, 64)
	cmds := make([]*redis.Cmd, len(keys))
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, k := range keys {
			cmds[i] = p.Eval(ctx, level, []string{s.o.Prefix + k}, rate, spent[i], top)
		}
		return nil
	})
	if err != nil && !answered(err) {
		return nil, s.fail("spend", keys[0], err)
	}
	levels := make([]float64, len(keys))
	refused := 0
	for i, cmd := range cmds {
		text, bad := cmd.Text()
		if bad == nil {
			levels[i], bad = strconv.ParseFloat(text, 64)
		}
		if bad != nil {
			levels[i], err = math.NaN(), bad
			refused++
		}
	}
	if refused == len(keys) { // not one key, but the server
		return nil, s.fail("spend", keys[0], fmt.Errorf("no level: %w", err))
	}
	return levels, nil
}
