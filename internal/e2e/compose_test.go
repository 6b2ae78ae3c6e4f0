package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const root = "../.."

// installation is what docker-compose.yml makes of an .env file.
type installation struct {
	t       *testing.T
	command []string // docker compose, and what every call has
	env     map[string]string
	file    string // .env
	network string // the first three parts of its addresses
}

// newInstallation sets up .env as the guide says: a copy of .env.example with the
// variables that are required, and here also ports, addresses and images that
// are in nobody's way. Nothing of it is left when the test ends.
func newInstallation(t *testing.T, library string) *installation {
	t.Helper()
	network := fmt.Sprintf("172.30.%d", 1+rand.IntN(240))
	in := &installation{t: t, file: filepath.Join(t.TempDir(), ".env"), network: network}
	backend := freePorts(t, 4)
	in.env = map[string]string{
		"CALIBRE_LIBRARY_PATH": library, "SECRET_KEY": output(t, "openssl", "rand", "-base64", "48"), "POSTGRES_PASSWORD": output(t, "openssl", "rand", "-hex", "24"),

		"PRESSMARK_NETWORK": network, "NGINX_PORT": strconv.Itoa(backend + 2), "S3_PORT": strconv.Itoa(backend + 3),
		"BACKEND_PORT":    fmt.Sprintf("%d-%d", backend, backend+1), // two of them, later
		"PRESSMARK_IMAGE": buildImage(t),
	}
	for ours, theirs := range map[string]string{
		"POSTGRES_IMAGE": "PRESSMARK_TEST_POSTGRES_NEWER", "REDIS_IMAGE": "PRESSMARK_TEST_REDIS_IMAGE", "NGINX_IMAGE": "PRESSMARK_TEST_NGINX_IMAGE", "S3_IMAGE": "PRESSMARK_TEST_S3_IMAGE",
	} {
		if image := os.Getenv(theirs); image != "" {
			in.env[ours] = image
		}
	}
	in.command = append(composeProgram(t), "--project-name", fmt.Sprintf("pressmark-e2e-%d", os.Getpid()),
		"--project-directory", root, "--file", filepath.Join(root, "docker-compose.yml"), "--env-file", in.file, "--profile", "s3")
	in.write()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(in.try("ps"))
			t.Log(in.try("logs", "--no-color", "--tail", "60"))
		}
		if out, err := in.run(nil, "down", "--volumes", "--remove-orphans", "--timeout", "1"); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return in
}

// set changes settings in .env.
func (in *installation) set(env map[string]string) {
	in.t.Helper()
	maps.Copy(in.env, env)
	in.write()
}

func (in *installation) write() {
	in.t.Helper()
	example, err := os.ReadFile(filepath.Join(root, ".env.example"))
	if err != nil {
		in.t.Fatal(err)
	}
	b := bytes.NewBuffer(example)
	for _, name := range slices.Sorted(maps.Keys(in.env)) {
		if !bytes.Contains(example, []byte("\n#"+name+"=")) {
			in.t.Errorf(".env.example does not list %s", name)
		}
		fmt.Fprintf(b, "%s=%s\n", name, in.env[name])
	}
	if err := os.WriteFile(in.file, b.Bytes(), 0o600); err != nil {
		in.t.Fatal(err)
	}
}

// run runs docker compose with an input, and returns what it prints, to both
// outputs if it fails.
func (in *installation) run(stdin io.Reader, args ...string) (string, error) {
	out, errs, err := in.both(stdin, args...)
	if err != nil {
		return out + errs, err
	}
	return out, nil
}

// both is run with the outputs apart.
func (in *installation) both(stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(in.t.Context()), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, in.command[0], append(slices.Clone(in.command[1:]), args...)...)
	// What is set here, and not in .env, would come first.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		_, set := in.env[name]
		return set
	})
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	if err := cmd.Run(); err != nil {
		err = fmt.Errorf("docker compose %s: %w", args, err)
		return out.String(), errs.String(), err
	}
	return out.String(), errs.String(), nil
}

// must is run that has to succeed.
func (in *installation) must(stdin io.Reader, args ...string) string {
	in.t.Helper()
	out, err := in.run(stdin, args...)
	if err != nil {
		in.t.Fatalf("%v:\n%s", err, out)
	}
	return out
}

// try is run for what is only shown.
func (in *installation) try(args ...string) string {
	out, err := in.run(nil, args...)
	if err != nil {
		return err.Error() + "\n" + out
	}
	return out
}

// pressmark runs a command of the program in its container, as the guide does.
func (in *installation) pressmark(stdin string, args ...string) string {
	in.t.Helper()
	return in.must(strings.NewReader(stdin), append([]string{"exec", "-T", "backend", "pressmark"}, args...)...)
}

// said is what a command of the program tells people.
func (in *installation) said(args ...string) string {
	in.t.Helper()
	out, errs, err := in.both(nil, append([]string{"exec", "-T", "backend", "pressmark"}, args...)...)
	if err != nil {
		in.t.Fatalf("%v:\n%s%s", err, out, errs)
	}
	return out + errs
}

// postgres runs a program in the database's container.
func (in *installation) postgres(stdin string, args ...string) string {
	in.t.Helper()
	return in.must(strings.NewReader(stdin), append([]string{"exec", "-T", "postgres"}, args...)...)
}

// backend is the address of the server itself, on the port of BACKEND_PORT that it
// has got.
func (in *installation) backend() string {
	in.t.Helper()
	return "http://" + strings.TrimSpace(in.must(nil, "port", "backend", "8000"))
}

// front is the address of nginx.
func (in *installation) front() string { return "http://127.0.0.1:" + in.env["NGINX_PORT"] }

// composeProgram is what Docker Compose is called here.
func composeProgram(t *testing.T) []string {
	t.Helper()
	for _, c := range [][]string{{docker(), "compose"}, {"docker-compose"}} {
		if exec.Command(c[0], append(slices.Clone(c[1:]), "version")...).Run() == nil {
			return c
		}
	}
	t.Fatal(`neither "docker compose" nor "docker-compose" is here; on Debian: apt-get install docker-compose`)
	return nil
}

// docker is the program; another one of this name may come first in PATH.
func docker() string {
	if _, err := os.Stat("/usr/bin/docker"); err == nil {
		return "/usr/bin/docker"
	}
	return "docker"
}

// buildImage builds the image with Dockerfile and returns its name. It is kept: the
// next build takes what has not changed from it.
func buildImage(t *testing.T) string {
	t.Helper()
	const name = "pressmark-e2e:latest"
	args := []string{"build", "--quiet", "--network=host", "--tag", name, "--build-arg", "VERSION=v0.0.0-e2e"}
	if image := os.Getenv("PRESSMARK_TEST_BUILD_IMAGE"); image != "" {
		args = append(args, "--build-arg", "BUILD_IMAGE="+image)
	}
	output(t, docker(), append(args, root)...)
	size, err := strconv.Atoi(output(t, docker(), "image", "inspect", "--format", "{{.Size}}", name))
	if err != nil || size > 60_000_000 {
		t.Errorf("the image has %d bytes (%v); 60 MB are the most", size, err)
	}
	t.Logf("the image has %.1f MB", float64(size)/1e6)
	return name
}

// output runs a program and returns what it prints, without the space around it.
func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s%s", cmd, err, out, &errs)
	}
	return strings.TrimSpace(string(out))
}

// freePorts returns the first of n ports in a row on which nobody listens.
func freePorts(t *testing.T, n int) int {
	t.Helper()
next:
	for range 100 {
		first := 20000 + rand.IntN(12000) // below those that are given out
		for port := first; port < first+n; port++ {
			ln, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
			if err != nil {
				continue next
			}
			ln.Close()
		}
		return first
	}
	t.Fatal("no ports are free")
	return 0
}
