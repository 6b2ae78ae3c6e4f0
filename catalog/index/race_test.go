//go:build race

package index

// raceEnabled tells that the race detector is compiled in: it makes what only
// one goroutine does 10 times as long, and finds nothing in it.
const raceEnabled = true
