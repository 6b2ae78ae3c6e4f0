package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// container is a server in a container, in the network of this machine: what
// stands between would be measured, too, and go away when it stops.
type container struct {
	name string
	id   string
	addr string
}

// docker runs the command line of the container engine.
func docker(ctx context.Context, args ...string) (string, error) {
	// By its path where Debian has it: another program of this name may come first.
	program := "/usr/bin/docker"
	if _, err := os.Stat(program); err != nil {
		program = "docker"
	}
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// runContainer starts one. args are those of docker run, with the image and what
// comes after it.
func runContainer(ctx context.Context, name, addr string, args ...string) (*container, error) {
	args = append([]string{"run", "-d", "--network=host", "--name=pressmark-trial-" + name + "-" + strings.ToLower(rand.Text()[:8])}, args...)
	id, err := docker(ctx, args...)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(id, "\n") // what it says while it pulls comes first
	return &container{name, lines[len(lines)-1], addr}, nil
}

// stop ends it at once, as a machine that goes away does.
func (c *container) stop(ctx context.Context) error {
	_, err := docker(ctx, "kill", c.id)
	return err
}

// start starts it again, with what it had on its disk.
func (c *container) start(ctx context.Context) error {
	_, err := docker(ctx, "start", c.id)
	return err
}

// freeze lets it be there and do nothing.
func (c *container) freeze(ctx context.Context) error {
	_, err := docker(ctx, "pause", c.id)
	return err
}

// thaw lets it go on.
func (c *container) thaw(ctx context.Context) error {
	_, err := docker(ctx, "unpause", c.id)
	return err
}

// restart stops it in good order and starts it again.
func (c *container) restart(ctx context.Context) error {
	_, err := docker(ctx, "restart", "-t", "10", c.id)
	return err
}

// remove takes it away, also if it is frozen.
func (c *container) remove() error {
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := docker(ctx, "rm", "-f", "-v", c.id)
	return err
}

// Accounts of the servers beside ours.
const (
	stateUser     = "pressmark"
	statePassword = "only for this run"
	objectsKey    = "pressmark-trial"
	objectsSecret = "only-for-this-run-0123456789"
)

func startPostgres(ctx context.Context, addr string) (*container, error) {
	image := cmp.Or(os.Getenv("PRESSMARK_TEST_POSTGRES_IMAGE"), "postgres:17")
	return runContainer(ctx, "postgres", addr,
		"-e", "POSTGRES_USER="+stateUser, "-e", "POSTGRES_PASSWORD="+statePassword, "-e", "POSTGRES_DB="+stateUser,
		image, "postgres", "-p", portOf(addr), "-c", "listen_addresses=127.0.0.1")
}

func startRedis(ctx context.Context, addr string) (*container, error) {
	image := cmp.Or(os.Getenv("PRESSMARK_TEST_REDIS_IMAGE"), "redis:7")
	return runContainer(ctx, "redis", addr, image,
		"redis-server", "--port", portOf(addr), "--bind", "127.0.0.1", "--save", "", "--maxmemory", "512mb", "--maxmemory-policy", "allkeys-lru")
}

func startObjects(ctx context.Context, addr string) (*container, error) {
	image := cmp.Or(os.Getenv("PRESSMARK_TEST_S3_IMAGE"), "versity/versitygw:v1.8.0")
	return runContainer(ctx, "s3", addr,
		"-e", "ROOT_ACCESS_KEY="+objectsKey, "-e", "ROOT_SECRET_KEY="+objectsSecret, "--entrypoint", "sh",
		image, "-c", "mkdir -p /tmp/objects && exec versitygw --port "+addr+" posix /tmp/objects")
}

// until tries something again until it works.
func until(ctx context.Context, wait time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
