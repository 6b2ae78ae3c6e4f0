//go:build race

package index

// raceEnabled tells that the race detector is compiled in: it slows down what
// only one goroutine does, and finds nothing in it.
const raceEnabled = true
