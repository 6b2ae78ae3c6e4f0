package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/pressmark/pressmark/httpapi/server"
)

const aboutHealthcheck = `Usage: pressmark healthcheck [URL or path] [settings]

Asks a server how it is, and fails if it does not say that it is well: what
HEALTHCHECK is in an image that has no other program. Without URL it asks the
one that listens on this machine with the settings of this environment.

  /api/health/live    the process answers: the one to restart by (default)
  /api/health/ready   requests should come here: the one to send requests by

A server that has lost its database or its library is alive: starting it again
would not bring these back, and what it has in memory would be gone.
`

// healthTime is enough for a server that is well; container engines give up
// after 30 s by default.
const healthTime = 5 * time.Second

// healthcheck asks a server how it is.
func healthcheck(ctx context.Context, args []string, con console) error {
	var flags flagSet
	rest, err := flags.take(args)
	if err != nil {
		return err
	}
	if len(flags.words) > 1 {
		return usageError{aboutHealthcheck}
	}
	c, helped, err := parse(aboutHealthcheck, rest, con.getenv, con.stdout)
	if err != nil || helped {
		return err
	}
	target := "/api/health/live"
	if len(flags.words) == 1 {
		target = flags.words[0]
	}
	if strings.HasPrefix(target, "/") {
		target = ownAddress(&c) + target
	}
	if u, err := url.Parse(target); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return usageError{fmt.Sprintf("%q is neither a URL nor a path that begins with a slash\n\n%s", target, aboutHealthcheck)}
	}
	return askHealth(ctx, target)
}

// ownAddress is where a server with these settings is reached from its own machine.
func ownAddress(c *server.Config) string {
	listen := c.ListenAddr
	if listen == "" {
		listen = "127.0.0.1:8000"
	}
	host, port, err := net.SplitHostPort(listen)
	if addr, bad := netip.ParseAddr(host); err == nil && (host == "" || bad == nil && addr.IsUnspecified()) {
		listen = net.JoinHostPort("127.0.0.1", port)
	}
	own := url.URL{Scheme: "http", Host: listen}
	if c.TLSCertFile != "" {
		own.Scheme = "https"
	}
	if base, err := url.Parse(c.BaseURL); err == nil {
		own.Path = strings.TrimRight(base.Path, "/")
	}
	return own.String()
}

func askHealth(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		// Its certificate is for the name under which others reach it. Nothing is
		// sent that would have to be kept from anybody.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // what docker inspect keeps
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", target, res.Status, body)
	}
	return nil
}
