package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/pressmark/pressmark/auth"
)

// clientOf says who asks, for the list of sessions, the audit log, and the
// counting of failures.
func (a *API) clientOf(r *http.Request) auth.Client {
	return auth.Client{Label: r.UserAgent(), Address: a.addressOf(r)}
}

// addressOf returns the IP address of the client. A proxy that is not trusted is
// the client: what it says of others, anybody could say.
func (a *API) addressOf(r *http.Request) string {
	addr, ok := a.clientAddr(r)
	if !ok {
		return "unknown"
	}
	return addr.String()
}

// clientAddr is addressOf before it is text. It is asked with every request, and
// so makes nothing.
func (a *API) clientAddr(r *http.Request) (netip.Addr, bool) {
	peer, ok := parseHost(r.RemoteAddr)
	if !ok || !a.trusts(peer) {
		return peer, ok
	}
	said := strings.Join(r.Header["X-Forwarded-For"], ",")
	for said != "" { // each proxy adds who has spoken to it
		i := strings.LastIndexByte(said, ',')
		hop, ok := parseHost(strings.TrimSpace(said[i+1:]))
		if !ok {
			break
		}
		if peer = hop; !a.trusts(hop) {
			break
		}
		said = said[:max(0, i)]
	}
	return peer, true
}

// parseHost reads an address, with or without a port.
func parseHost(s string) (netip.Addr, bool) {
	if strings.IndexByte(s, ':') > 0 && strings.IndexByte(s, '.') > 0 || strings.HasPrefix(s, "[") {
		if at, err := netip.ParseAddrPort(s); err == nil { // as net/http has it
			return at.Addr().Unmap().WithZone(""), true
		}
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		host, _, err := net.SplitHostPort(s)
		if err != nil {
			return addr, false
		}
		if addr, err = netip.ParseAddr(host); err != nil {
			return addr, false
		}
	}
	return addr.Unmap().WithZone(""), true
}

func (a *API) trusts(addr netip.Addr) bool {
	for _, p := range a.opts.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// forwardedBy returns what a trusted proxy says in a header, or "".
func (a *API) forwardedBy(r *http.Request, header string) string {
	if peer, ok := parseHost(r.RemoteAddr); !ok || !a.trusts(peer) {
		return ""
	}
	said := strings.Join(r.Header[header], ",")
	return strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:]) // what stands before it, the client may have said
}

// encrypted tells whether the client uses HTTPS.
func (a *API) encrypted(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(a.forwardedBy(r, "X-Forwarded-Proto"), "https")
}

// private tells whether nobody between the client and this server can read along:
// the connection is encrypted, or does not leave the machine.
func (a *API) private(r *http.Request) bool {
	if a.encrypted(r) {
		return true
	}
	peer, ok := parseHost(r.RemoteAddr)
	if !ok || !peer.IsLoopback() {
		return false
	}
	if a.trusts(peer) {
		client, ok := parseHost(a.addressOf(r))
		return ok && client.IsLoopback()
	}
	// A proxy on this machine that is not trusted: its client may be anywhere.
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header[header] != nil {
			return false
		}
	}
	return true
}

// sameOrigin tells whether a request comes from a page of this server. Browsers
// say so with every request that is not a GET.
func (a *API) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origin := r.Header["Origin"]
	if len(origin) != 1 {
		return false
	}
	if a.opts.Origin != "" && origin[0] == a.opts.Origin {
		return true
	}
	u, err := url.Parse(origin[0])
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || strings.EqualFold(u.Host, a.forwardedBy(r, "X-Forwarded-Host"))
}
