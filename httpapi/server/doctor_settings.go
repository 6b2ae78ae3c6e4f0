package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// checkSettings reports what cannot be used, and what can and should not be.
func (e *examination) checkSettings(r *findings, unusable error) {
	c := &e.config
	wrong := false
	warn := func(cure, format string, args ...any) {
		wrong = true
		r.warn(cure, format, args...)
	}
	for _, bad := range ConfigErrors(unusable) {
		wrong = true
		r.fault("set "+bad.Setting+" to what is expected, or remove it; \"pressmark serve --help\" lists all settings", "%v", bad)
	}
	for _, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			warn("name the networks of your proxies alone, such as 172.16.0.0/12", "TRUSTED_PROXIES has %v: everybody can claim any address in X-Forwarded-For", p)
		}
	}
	if slices.Contains(c.CORSOrigins, "*") {
		warn("name the origins that need it, such as https://reader.example", "CORS_ORIGINS is *: pages of all sites may call the API")
	}
	if u, err := url.Parse(c.BaseURL); err == nil && c.BaseURL != "" {
		switch {
		case u.Scheme == "http" && c.TLSCertFile != "":
			wrong = true
			r.fault("set BASE_URL to https://"+u.Host+u.Path, "BASE_URL begins with http:, and the server speaks HTTPS: links lead nowhere, and browsers send no cookies")
		case u.Scheme == "http" && len(c.TrustedProxies) > 0 && !local(u.Hostname()):
			warn("let the proxy speak HTTPS and set BASE_URL to https://"+u.Host+u.Path, "BASE_URL begins with http: passwords cross the network in the clear")
		case u.Scheme == "https" && c.TLSCertFile == "" && len(c.TrustedProxies) == 0:
			warn("set TRUSTED_PROXIES to the address or network of the proxy that speaks HTTPS", "BASE_URL begins with https:, but no proxy is trusted: all clients seem to have the proxy's address, and one who fails to log in locks out the others")
		}
	}
	if u, err := url.Parse(c.DatabaseURL); err == nil && c.DatabaseURL != "" {
		mode := u.Query().Get("sslmode")
		if !local(u.Hostname()) && slices.Contains([]string{"", "disable", "allow", "prefer"}, mode) && strings.Contains(u.Hostname(), ".") {
			warn("add sslmode=verify-full (or require) to DATABASE_URL", "DATABASE_URL leads to another machine (%s), and does not insist on TLS", u.Hostname())
		}
	}
	if !wrong {
		r.ok("all settings can be used")
	}
}

// local reports whether a host of an address is this machine.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// public reports whether an address that is listened on can be reached from the
// Internet, as far as the machine itself can tell.
func public(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || strings.EqualFold(host, "localhost") {
		return false
	}
	reachable := func(ip netip.Addr) bool {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	ip, err := netip.ParseAddr(host)
	if err == nil && !ip.IsUnspecified() {
		return reachable(ip.Unmap())
	}
	if host != "" && err != nil {
		return false // a name
	}
	addrs, _ := net.InterfaceAddrs() // without them nothing is known
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && reachable(p.Addr().Unmap())
	})
}

// checkExposure looks at who can reach what.
func (e *examination) checkExposure(r *findings) {
	c := &e.config
	wrong := false
	if public(c.ListenAddr) && c.TLSCertFile == "" {
		wrong = true
		const cure = "set TLS_CERT_FILE and TLS_KEY_FILE, or listen on 127.0.0.1 and put a proxy with HTTPS in front"
		if c.PublicRead {
			r.warn(cure+"; or remove PUBLIC_READ", "PUBLIC_READ serves all books to the whole Internet, without encryption (LISTEN_ADDR %s)", c.ListenAddr)
		} else {
			r.warn(cure, "LISTEN_ADDR %s can be reached from the Internet without encryption: passwords cross it in the clear", c.ListenAddr)
		}
	}
	if c.MetricsAddr != "" && public(c.MetricsAddr) {
		wrong = true
		r.warn("set METRICS_ADDR to an address that only Prometheus reaches, such as 127.0.0.1:9090", "METRICS_ADDR %s can be reached from the Internet, where nobody logs in", c.MetricsAddr)
	}
	if !wrong {
		r.ok("nothing is open that should not be, as far as this machine can tell")
	}
}

// checkListen looks whether the address to listen on is free, or a server of this
// program answers there.
func (e *examination) checkListen(ctx context.Context, r *findings) {
	c := &e.config
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", c.ListenAddr)
	if err == nil {
		ln.Close()
		r.ok("LISTEN_ADDR %s is free", c.ListenAddr)
		return
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		r.fault("set LISTEN_ADDR to an address that this machine has; ports below 1024 need a right of their own (CAP_NET_BIND_SERVICE)", "LISTEN_ADDR %s cannot be listened on: %v", c.ListenAddr, err)
		return
	}
	if version := e.running(ctx); version != "" {
		r.ok("a pressmark server, version %s, answers at LISTEN_ADDR %s", version, c.ListenAddr)
		return
	}
	r.fault("stop the other program (\"ss -ltnp\" shows it), or set LISTEN_ADDR to another port", "LISTEN_ADDR %s is taken by another program", c.ListenAddr)
}

// running asks the server at the address to listen on for its version. It is
// empty if there is none.
func (e *examination) running(ctx context.Context) string {
	c := &e.config
	host, port, err := net.SplitHostPort(c.ListenAddr)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	prefix, _ := prefixOf(c.BaseURL)
	scheme := "http"
	if c.TLSCertFile != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+prefix+healthPath, nil)
	if err != nil {
		return ""
	}
	// The certificate is for another name; what it is worth is another check.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	var health struct {
		Status, Version string
		Libraries       []struct{ Name string }
	}
	if json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&health) != nil || health.Libraries == nil {
		return ""
	}
	return health.Version
}

// expiresSoon is how long a certificate should be good for at least.
const expiresSoon = 14 * 24 * time.Hour

// checkTLS looks at the certificate.
func (e *examination) checkTLS(r *findings) {
	c := &e.config
	pair, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		r.fault("name a certificate chain and its own private key, both in PEM and readable by this user", "TLS_CERT_FILE and TLS_KEY_FILE cannot be used: %v", err)
		return
	}
	now, until := e.now(), pair.Leaf.NotAfter
	const renew = "renew the certificate; a running server takes the new files over by itself"
	wrong := true
	switch {
	case now.After(until):
		r.fault(renew, "the certificate has expired on %s", until.Format(time.DateOnly))
	case now.Before(pair.Leaf.NotBefore):
		r.fault("wait until then, or set this machine's clock", "the certificate is not good before %s", pair.Leaf.NotBefore.Format(time.DateTime))
	case until.Sub(now) < expiresSoon:
		r.warn(renew, "the certificate expires on %s", until.Format(time.DateOnly))
	default:
		wrong = false
	}
	if u, err := url.Parse(c.BaseURL); err == nil && u.Hostname() != "" {
		if err := pair.Leaf.VerifyHostname(u.Hostname()); err != nil {
			wrong = true
			r.fault("get a certificate for "+u.Hostname()+", or set BASE_URL to a name that it has", "the certificate is not for the host of BASE_URL: %v", err)
		}
	}
	if !wrong {
		r.ok("the certificate of %s is good until %s", cmp.Or(pair.Leaf.Subject.CommonName, strings.Join(pair.Leaf.DNSNames, ", ")), until.Format(time.DateOnly))
	}
}
