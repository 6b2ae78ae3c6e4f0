// Command release builds the archives of a release: for each system one with the
// program, LICENSE and README.md, and SHA256SUMS over all. "make release" runs it.
//
//	go run ./internal/release -version v1.2.3 -out dist
//
// Two runs on one commit with one version of Go write the same bytes, wherever
// the folders are: the times in the archives are the commit's, their order is
// fixed, and the program holds no paths and no random id.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// targets are the systems that a release is for.
func targets() []string {
	return []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"}
}

// texts go with each program.
func texts() []string {
	return []string{"LICENSE", "README.md", "SECURITY.md", "docs/deploy/pressmark.service", "docs/deploy/pressmark.env"}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	var r release
	flags.StringVar(&r.source, "source", ".", "the module")
	flags.StringVar(&r.out, "out", "dist", "where the archives go")
	flags.StringVar(&r.version, "version", "", "the version; empty is what git describe says")
	only := flags.String("targets", strings.Join(targets(), ","), "the systems")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	var sums strings.Builder
	for target := range strings.SplitSeq(*only, ",") {
		path, err := r.build(ctx, target)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		sum, err := digest(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum, filepath.Base(path))
		fmt.Fprintln(stdout, path)
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// release is one that is being built.
type release struct {
	source, out string
	version     string
	time        time.Time // of the commit
}

// describe asks git what is not given.
func (r *release) describe(ctx context.Context) error {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = r.source
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("git %s: %w", args[0], err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	var err error
	if r.version == "" {
		if r.version, err = git("describe", "--tags", "--always", "--dirty"); err != nil {
			return err
		}
	}
	seconds, err := git("log", "-1", "--format=%ct")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	r.time = time.Unix(n, 0).UTC()
	return err
}

// build builds the program for a system and packs it, and returns the archive.
func (r *release) build(ctx context.Context, target string) (string, error) {
	system, arch, ok := strings.Cut(target, "/")
	if !ok {
		return "", fmt.Errorf("a system such as linux/amd64 was expected")
	}
	dir, err := os.MkdirTemp("", "release.")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "pressmark")
	if system == "windows" {
		program += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X main.buildVersion="+r.version, "-o", program, "./cmd/pressmark")
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch, "GOFLAGS=", "GOAMD64=v1", "GOEXPERIMENT=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	name := fmt.Sprintf("pressmark-%s-%s-%s", strings.TrimPrefix(r.version, "v"), system, arch)
	members := []member{{filepath.Base(program), program, 0o755}}
	for _, text := range texts() {
		members = append(members, member{filepath.Base(text), filepath.Join(r.source, text), 0o644})
	}
	path := filepath.Join(r.out, name) + ".tar.gz"
	write := writeTar
	if system == "windows" {
		path, write = filepath.Join(r.out, name)+".zip", writeZip
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // after an error
	if err := write(f, name, members, r.time); err != nil {
		return "", err
	}
	return path, f.Close()
}

func digest(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}
