package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// required are the variables without which the file is refused.
var required = []string{"CALIBRE_LIBRARY_PATH=/srv/books", "POSTGRES_PASSWORD=a-password", "SECRET_KEY=a-key"}

// load reads docker-compose.yml as Docker Compose v2 does.
func load(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithName("pressmark"), cli.WithEnv(env), cli.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatal(err)
	}
	return o.LoadProject(t.Context())
}

// TestComposeFile looks at what must be so, whatever is set.
func TestComposeFile(t *testing.T) {
	p, err := load(t, append(required, "CACHE_TTL=300", "USE_S3_COVERS=true")...)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(slices.Values(p.ServiceNames())); !slices.Equal(got, []string{"backend", "nginx", "postgres", "redis", "s3"}) {
		t.Errorf("services %q", got)
	}
	for name, s := range p.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Privileged {
			t.Errorf("%s may do too much", name)
		}
		if s.MemLimit == 0 || s.PidsLimit == 0 {
			t.Errorf("%s has no limits", name)
		}
		if s.User == "" && name != "s3" {
			t.Errorf("%s is run by root", name)
		}
		if name != "s3" && name != "nginx" && (s.HealthCheck == nil || len(s.HealthCheck.Test) == 0) {
			t.Errorf("nothing tells whether %s is healthy", name)
		}
		if strings.HasSuffix(s.Image, ":latest") {
			t.Errorf("%s: which %s is that?", name, s.Image)
		}
		for _, port := range s.Ports {
			if name != "nginx" && name != "s3" && port.HostIP != "127.0.0.1" {
				t.Errorf("port %s of %s is open to the world", port.Published, name)
			}
		}
		if name != "backend" {
			continue
		}
		if env := s.Environment; *env["CACHE_TTL"] != "300" || *env["USE_S3_COVERS"] != "true" || env["LOG_LEVEL"] != nil {
			t.Errorf("settings are not passed on: %v", env)
		}
		library := slices.IndexFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == "/library" })
		if library < 0 || !s.Volumes[library].ReadOnly || s.Volumes[library].Source != "/srv/books" {
			t.Errorf("the library: %+v", s.Volumes)
		}
	}
	for service, needs := range map[string][]string{"backend": {"postgres", "redis"}, "nginx": {"backend"}} {
		for _, need := range needs {
			if p.Services[service].DependsOn[need].Condition != types.ServiceConditionHealthy {
				t.Errorf("%s does not wait until %s is healthy", service, need)
			}
		}
	}
	redis := strings.Join(p.Services["redis"].Command, " ")
	if !strings.Contains(redis, "--maxmemory 512mb --maxmemory-policy allkeys-lru") {
		t.Errorf("Redis: %s", redis)
	}
}

// TestComposeFileNeedsThree refuses to go on without any of the three variables
// that are required, and says which.
func TestComposeFileNeedsThree(t *testing.T) {
	for i, without := range required {
		name, _, _ := strings.Cut(without, "=")
		_, err := load(t, slices.Delete(slices.Clone(required), i, i+1)...)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
