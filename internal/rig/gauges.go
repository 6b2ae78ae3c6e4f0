package rig

import (
	"bufio"
	"bytes"
	"context"
	"strconv"
	"strings"
)

// Gauges are the values that a server tells Prometheus, by name and labels.
type Gauges map[string]float64

// ReadGauges asks a server for its metrics at an address.
func ReadGauges(ctx context.Context, addr string) (Gauges, error) {
	text, err := (&Process{Addr: addr}).FetchOK(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	g := Gauges{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), "} ")
		if ok {
			name += "}"
		} else if name, value, ok = strings.Cut(lines.Text(), " "); !ok {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			g[name] = v
		}
	}
	return g, nil
}
