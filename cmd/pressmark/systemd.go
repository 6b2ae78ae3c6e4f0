package main

import (
	"context"
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"
)

// tellSystemd tells the service manager that started this program, if one did
// (Type=notify), that it serves, and when ctx ends that it stops. The function
// that it returns ends the waiting for that.
func tellSystemd(ctx context.Context, log *slog.Logger) (end func() bool) {
	tell := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("The service manager cannot be told", "state", state, "err", err)
		}
	}
	tell(daemon.SdNotifyReady)
	return context.AfterFunc(ctx, func() { tell(daemon.SdNotifyStopping) })
}
