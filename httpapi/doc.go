// Package httpapi serves libraries over HTTP: JSON about books and fields,
// files and covers, events, health, and an OpenAPI document of all of it. It
// knows the contracts only (catalog, storage), so it serves a Calibre library
// as well as anything else that implements them.
//
// # Serving
//
// [New] takes libraries and settings and returns a [http.Handler]:
//
//	api, err := httpapi.New(httpapi.Options{
//		Libraries:  []httpapi.Library{{Name: "main", Catalog: library, Files: files}},
//		Prefix:     "/library",
//		PublicRead: true,
//	})
//	mux.Handle("/library/", api)
//	server.RegisterOnShutdown(api.Close)
//
// It serves from the root, or under Options.Prefix in a mux of yours. Without
// Options.PublicRead everything but health, documentation and logging in is
// refused to who shows no token of Options.Logins. The caller owns the server, its time-outs and its end
// (package conns bounds connections, and breaks off clients that take nothing of an answer);
// [API.Close] ends the event streams, which would otherwise hold a shutdown up.
//
// # What is served
//
//	/api/auth/login               tokens for a name and a password; refresh, logout
//	/api/me                       who asks; sessions
//	/api/books                    a page of books: limit, cursor, sort, q, ids, uuids, filters, facets
//	/api/books/search             the same, asked for by POST
//	/api/books/{id}               one book; /api/books/by-uuid/{uuid}
//	/api/books/{id}/related       its series, other books of its authors, similar ones
//	/api/fields                   fields and custom columns
//	/api/fields/{field}/terms     values; also /letters and /tree
//	/api/authors                  also series, tags, publishers, languages
//	/api/views                    virtual libraries, saved searches, user categories
//	/api/search/suggest           completes an expression
//	/api/files/cover/{id}         cover or thumbnail
//	/api/files/download/{id}/{format}
//	/api/events                   changes, as server-sent events
//	/api/health                   also /live and /ready
//	/openapi.json                 also .yaml; /docs shows it, offline
//
// Several libraries are served by ?library=name; the first is the default. A
// HEAD is answered wherever a GET is.
//
// # Selecting books
//
// Any field's key is a query parameter that selects by exact value, without
// regard to case and accents; keys of custom columns are given as
// filter=%23mood:dark. One field repeated means any of the values, different
// fields mean all of them. Numbers and dates take ranges: pages=300..400,
// published=2020..2024-06, rating=4.. ; both ends belong to the range. A
// parameter that is not known is refused: a misspelt filter must not return
// everything.
//
// q is an expression in the search language of the catalog, which for a Calibre
// library is Calibre's. It needs a [catalog.Searcher]; facets, letters, trees
// and related books need a [catalog.Browser]. What is wrong with an expression
// is told with its position.
//
// # Views
//
// view=name shows a library through one of its views: books that the view does
// not select are not there, by any route, files and events included. It is
// applied where a request's library is looked up, so an operation that asks
// that reader, and nothing else, cannot show more. A view whose expression
// cannot be understood shows nothing, and is logged once.
//
// # Caching
//
// Every answer about the catalog has a strong entity tag, made of the library's
// revision, the query in canonical order and the encoding, so it is the same on
// every replica. If-None-Match with it costs next to nothing, as the body is
// not made. Bodies are kept under their tag in the shared tier of
// Options.Cache, if it has one, so that replicas make each once; answers that
// are asked for again are kept in process, ready to be sent, in front of routing
// and parsing; they end with the revision that they were made from, and with the
// day where the question says "yesterday". Nothing is invalidated by hand.
// Searches by POST are not kept.
//
// Pages that were not kept are put together from encoded books where the
// catalog is a [catalog.Appender]: give [BookEncoder] to the index.
//
// # Failure
//
// Every error is a problem (RFC 9457) with the request's id, and the part of
// the request at fault where it is the client's. One table maps errors to
// answers; an error that it does not know is a 500 without its text, and a line
// in the log. A library that has not been loaded answers 503 with Retry-After;
// one that cannot be kept up to date goes on answering, and health says why.
//
// # Adding operations
//
// Every operation is registered by one method, (*API).handle: huma documents
// and routes it, and the handler writes the answer itself.
package httpapi
