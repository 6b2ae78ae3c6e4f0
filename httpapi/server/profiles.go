package server

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"os"
)

// handleProfiles adds what the pprof tool asks for. It shows how the program is
// built and what it works on, and can slow it down: only the listener of
// Config.MetricsAddr has it.
func handleProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // and every profile by its name
	// Without the flags, among which there may be secrets.
	mux.HandleFunc("GET /debug/pprof/cmdline", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Args[0]) })
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}
