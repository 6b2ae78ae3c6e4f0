//go:build !linux

package diskcache

import "testing"

// asNobody is for Linux.
func asNobody(t *testing.T) { t.Skip("SKIPPED: root may read everything") }
