//go:build !race

package diskcache

const raceDetector = false
