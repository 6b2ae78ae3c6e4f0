//go:build !linux

package snapshot

var lockers = []locker{lockSQLite}
