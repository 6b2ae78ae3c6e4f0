package main

import "github.com/pressmark/pressmark/internal/rig"

// process is a server that the bench has started.
type process struct{ *rig.Process }

// start runs a program that will listen on addr.
func start(addr string, env []string, program string, args ...string) (*process, error) {
	p, err := rig.Start(addr, env, program, args...)
	if err != nil {
		return nil, err
	}
	return &process{p}, nil
}

// stop ends the process, if there is one, and waits for it.
func (p *process) stop() {
	if p != nil {
		p.Stop()
	}
}
