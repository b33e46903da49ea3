package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// supervisorInterval is between two lines for systemctl status.
const supervisorInterval = 10 * time.Second

// tellSupervisor tells systemd, if it started the node as a service of the type notify,
// that the node serves, how it is doing, and that it stops (sd_notify(3)).
func (n *node) tellSupervisor(ctx context.Context) error {
	if !n.supervised(daemon.SdNotifyReady + "\nSTATUS=" + n.status().String()) {
		return nil
	}
	ticker := time.NewTicker(supervisorInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			n.supervised(daemon.SdNotifyStopping + "\nSTATUS=stopping")
			return nil
		case <-ticker.C:
			n.supervised("STATUS=" + n.status().String())
		}
	}
}

// supervised sends a message to systemd. It tells whether there is anybody who reads it.
func (n *node) supervised(message string) bool {
	sent, err := daemon.SdNotify(false, message)
	if err != nil {
		n.log.Warn("systemd can't be told how the node is doing", "error", err)
	}
	return sent
}
