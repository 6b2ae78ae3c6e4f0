package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
)

// render appends the body of an answer to dst.
type render func(ctx context.Context, dst []byte) ([]byte, error)

// plan reads a request's parameters, but for library and view and in canonical
// order, and returns how to make the answer. It must refuse parameters that it
// does not know: a misspelt filter must not return everything. What params hold
// afterwards is what the entity tag depends on: text that is spelt in many ways
// is replaced by what it means.
type plan func(r *http.Request, v *view, params []param) (render, error)

// buffers holds bodies while they are made.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *[]byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, 0, 32<<10)
	return &p
}

// put takes a buffer back. A very large one would stay for good.
func (b *buffers) put(p *[]byte, used []byte) {
	if cap(used) <= 1<<20 {
		*p = used[:0]
		b.pool.Put(p)
	}
}

// catalogue makes a handler for operations whose answer depends on the
// contents of a library and the query alone: it adds entity tags, 304,
// compression, and the cache of answers.
func (a *API) catalogue(p plan) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var scratch [16]param
		params, err := parseParams(scratch[:0], r.URL.RawQuery)
		if err != nil {
			return err
		}
		v, own, err := a.look(r.Context(), params)
		if err != nil {
			return err
		}
		if err := canonical(own); err != nil {
			return err
		}
		make, err := p(r, v, own)
		if err != nil {
			return err
		}
		order(own)
		enc := acceptedEncoding(r.Header["Accept-Encoding"])
		e := &respEntry{route: a.routeOf(r), lib: v.lib, revision: v.whole, until: v.until, partial: v.name != "" || v.restricted, contentType: jsonType}
		tag := entityTag(a.render, v, r.URL.EscapedPath(), own, enc)
		e.etag = []string{tag}
		if inm := r.Header["If-None-Match"]; inm != nil && matches(inm, tag, false) {
			e.write(w, r, a.cacheControl(r, e.partial)) // the client has it: no need to make it
			return nil
		}
		p, err := a.cache.pages.Get(r.Context(), tag[1:len(tag)-1], func(ctx context.Context) (page, error) {
			return a.page(ctx, enc, make)
		})
		if err != nil {
			return err
		}
		e.have(p)
		if k, ok := keyFor(r); ok {
			a.cache.put(k, e)
		}
		e.write(w, r, a.cacheControl(r, e.partial))
		return nil
	}
}

var jsonType = []string{"application/json"}

// page makes a body of its own.
func (a *API) page(ctx context.Context, enc encoding, make render) (p page, err error) {
	err = a.body(ctx, enc, make, func(made page) {
		p = page{bytes.Clone(made.body), made.gzipped}
	})
	return p, err
}

// body makes a body, when it is its turn, which is good until use returns.
func (a *API) body(ctx context.Context, enc encoding, make render, use func(page)) error {
	leave, err := a.admit(ctx)
	if err != nil {
		return err
	}
	leave = sync.OnceFunc(leave)
	defer leave() // also if making it panics
	buf := a.buffers.get()
	body, err := make(ctx, (*buf)[:0])
	defer func() { a.buffers.put(buf, body) }()
	if err != nil {
		return err
	}
	if enc != gzipped || len(body) < minCompressed {
		leave()
		use(page{body: body})
		return nil
	}
	zbuf := a.buffers.get()
	out, err := a.compressor.gzip((*zbuf)[:0], body)
	if err != nil {
		return err
	}
	defer func() { a.buffers.put(zbuf, out) }()
	leave()
	use(page{out, true})
	return nil
}

// have makes p the body of e.
func (e *respEntry) have(p page) {
	e.body = p.body
	e.length = []string{strconv.Itoa(len(p.body))}
	if p.gzipped {
		e.encoding = gzipHeader
	}
}

var gzipHeader = []string{"gzip"}

// unknown is the answer to a parameter that an operation does not have.
func unknown(p param) error {
	return invalid("query."+p.name, p.name, "unknown parameter")
}
