//go:build !linux

package server

import (
	"errors"
	"net"
)

// hush has a listener take no new connections, where the system can do that.
func hush(net.Listener) error { return errors.ErrUnsupported }
