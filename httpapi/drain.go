package httpapi

// Drain tells whoever sends requests here to send them elsewhere: from now on
// readiness is 503, and each answer ends its connection. Requests are answered
// as before, so that balancers can take their time to notice. There is no way
// back.
func (a *API) Drain() { a.drains.Store(true) }
