//go:build !race

package index

// raceEnabled tells that the race detector is compiled in.
const raceEnabled = false
