package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const composeDir = "../../deploy/compose/"

// compose is a compose file, with the keys that ours uses.
type compose struct {
	Name     string
	Services map[string]composeService
	Volumes  map[string]any
}

type composeService struct {
	Image       string
	Build       struct{ Context, Dockerfile string }
	User        string
	Entrypoint  []string
	Command     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Restart     string
	Environment map[string]string
	Ports       []string
	Volumes     []string
}

// strictly reads a YAML file whose keys must all be known.
func strictly(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func loadCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	strictly(t, composeDir+"compose.yaml", &c)
	if len(c.Services) < 5 {
		t.Fatalf("%d services", len(c.Services))
	}
	return c
}

// composeBundle runs the command of the service that writes the bundle and returns where it is.
func composeBundle(t *testing.T, c compose) string {
	t.Helper()
	dir := t.TempDir()
	replacer := strings.NewReplacer("/etc/thorbis/", composeDir, "--out=/bundle", "--out="+dir)
	var args []string
	for _, a := range c.Services["bundle"].Command {
		args = append(args, replacer.Replace(a))
	}
	if err := run(args, &bytes.Buffer{}); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return dir
}

// host returns where a file of a service is on this machine, with the volume of the bundle at a directory.
func (s composeService) host(file, bundle string) string {
	for _, v := range s.Volumes {
		from, rest, _ := strings.Cut(v, ":")
		to, _, _ := strings.Cut(rest, ":")
		below, ok := strings.CutPrefix(file, to)
		switch {
		case !ok:
		case from == "bundle":
			return filepath.Join(bundle, below)
		case strings.HasPrefix(from, "."):
			return filepath.Join(composeDir, from, below)
		}
	}
	return ""
}

// TestComposeVolumesAndPorts: what is mounted exists, and ports are open to this machine alone, each once.
func TestComposeVolumesAndPorts(t *testing.T) {
	c := loadCompose(t)
	used, ports := map[string]bool{}, map[string]string{}
	for name, s := range c.Services {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if !strings.HasPrefix(from, ".") {
				used[from] = true
				if _, ok := c.Volumes[from]; !ok {
					t.Errorf("%s mounts the volume %s, which is not declared", name, from)
				}
				continue
			}
			if info, err := os.Stat(composeDir + from); err != nil || info.IsDir() {
				t.Errorf("%s mounts %s: %v", name, from, err)
			}
			if !strings.HasSuffix(v, ":ro") {
				t.Errorf("%s may write %s", name, from)
			}
		}
		for _, p := range s.Ports {
			parts := strings.Split(p, ":")
			if len(parts) != 3 || parts[0] != "127.0.0.1" || parts[1] != parts[2] {
				t.Errorf("%s: port %s, want 127.0.0.1:PORT:PORT", name, p)
				continue
			}
			if other, ok := ports[parts[1]]; ok {
				t.Errorf("%s and %s have the port %s", name, other, parts[1])
			}
			ports[parts[1]] = name
		}
		for other := range s.DependsOn {
			if _, ok := c.Services[other]; !ok {
				t.Errorf("%s depends on %s, which is not a service", name, other)
			}
		}
	}
	for v := range c.Volumes {
		if !used[v] {
			t.Errorf("the volume %s is not mounted", v)
		}
	}
}

// TestComposeImages: images are the releases that the tests run against, and the exporter's is built from this tree.
func TestComposeImages(t *testing.T) {
	c := loadCompose(t)
	for name, module := range map[string]string{
		"prometheus": "prometheus/go.mod", "alertmanager": "alertmanager-newest/go.mod",
	} {
		text, err := os.ReadFile("../../tools/" + module)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`github.com/prometheus/` + name + ` v([0-9.]+)`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("tools/%s has no %s", module, name)
		}
		version := string(found[1]) // Prometheus 3.16.0 is the module's v0.316.0
		if minor, ok := strings.CutPrefix(version, "0.3"); ok && name == "prometheus" {
			version = "3." + minor
		}
		if want := "prom/" + name + ":v" + version; c.Services[name].Image != want {
			t.Errorf("%s runs %s, want %s", name, c.Services[name].Image, want)
		}
	}
	if image := c.Services["grafana"].Image; !regexp.MustCompile(`^grafana/grafana:\d+\.\d+\.\d+$`).MatchString(image) {
		t.Errorf("Grafana's image is %s, want grafana/grafana:MAJOR.MINOR.PATCH", image)
	}
	build := c.Services["bundle"].Build
	if _, err := os.Stat(filepath.Join(composeDir, build.Context, build.Dockerfile)); err != nil {
		t.Error(err)
	}
	if a, b := c.Services["bundle"].Image, c.Services["exporter"].Image; a != b {
		t.Errorf("the image %s is built, the exporter runs %s", a, b)
	}
}

// TestComposeConfiguration: Prometheus and Alertmanager take their configuration, and scrape what there is.
func TestComposeConfiguration(t *testing.T) {
	c := loadCompose(t)
	bundle := composeBundle(t, c)
	for name, s := range c.Services {
		for _, flag := range s.Command {
			file, ok := strings.CutPrefix(flag, "--config.file=")
			if _, err := os.Stat(s.host(file, bundle)); ok && err != nil {
				t.Errorf("%s: %s: %v", name, flag, err)
			}
		}
	}
	tools := filepath.Join(cmp.Or(os.Getenv("THORBIS_BIN"), "../../bin"), "tools")
	text, err := os.ReadFile(composeDir + "prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	testkit.WriteFile(t, file, strings.ReplaceAll(string(text), "/bundle/", bundle+"/"))
	out, err := exec.Command(tools+"/promtool", "check", "config", "--lint=all", "--lint-fatal", file).CombinedOutput()
	if err != nil || bytes.Count(out, []byte("SUCCESS")) < 2 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
	alertmanager := filepath.Join(bundle, "alertmanager", "alertmanager.yaml")
	if out, err := exec.Command(tools+"/amtool", "check-config", alertmanager).CombinedOutput(); err != nil {
		t.Errorf("amtool: %v\n%s", err, out)
	}
	policy, err := os.ReadFile(composeDir + "thorbis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	addresses := regexp.MustCompile(`["/]([a-z]+):(\d+)[/"]`).FindAllStringSubmatch(string(text)+string(policy), -1)
	if len(addresses) < 8 {
		t.Errorf("only %d addresses found", len(addresses))
	}
	for _, a := range addresses {
		host, port := a[1], a[2]
		if host == "localhost" {
			host = "prometheus"
		}
		if !slices.Contains(c.Services[host].Ports, "127.0.0.1:"+port+":"+port) {
			t.Errorf("no service listens at %s:%s", a[1], port)
		}
	}
}

// TestComposeGrafana: Grafana is provisioned with the data source and the dashboards of the bundle.
func TestComposeGrafana(t *testing.T) {
	c := loadCompose(t)
	bundle, grafana := composeBundle(t, c), c.Services["grafana"]
	var sources struct {
		Version int `yaml:"apiVersion"`
		Sources []struct {
			Name, UID, Type, Access, URL string
			Default                      bool `yaml:"isDefault"`
			Editable                     bool
			Options                      map[string]string `yaml:"jsonData"`
		} `yaml:"datasources"`
	}
	strictly(t, grafana.host("/etc/grafana/provisioning/datasources/thorbis.yaml", bundle), &sources)
	if sources.Version != 1 || len(sources.Sources) != 1 {
		t.Fatalf("%+v", sources)
	}
	source := sources.Sources[0]
	at, err := url.Parse(source.URL)
	if err != nil || source.Type != "prometheus" || source.Access != "proxy" || !source.Default ||
		c.Services[at.Hostname()].Image == "" {
		t.Errorf("%v: %+v", err, source)
	}
	var providers struct {
		Version   int `yaml:"apiVersion"`
		Providers []struct {
			Name, Folder, Type string
			Updates            bool `yaml:"allowUiUpdates"`
			Options            struct{ Path string }
		}
	}
	strictly(t, grafana.host("/etc/grafana/provisioning/dashboards/thorbis.yaml", bundle), &providers)
	if providers.Version != 1 || len(providers.Providers) != 1 || providers.Providers[0].Type != "file" {
		t.Fatalf("%+v", providers)
	}
	below := providers.Providers[0].Options.Path
	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if !strings.HasPrefix(home, below) {
		t.Errorf("the first dashboard %s is not below %s", home, below)
	}
	text, err := os.ReadFile(grafana.host(home, bundle))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text) || !bytes.Contains(text, []byte(`"query": "`+source.Type+`"`)) {
		t.Errorf("%s takes no data source of type %s", path.Base(home), source.Type)
	}
	all, err := filepath.Glob(filepath.Join(grafana.host(below, bundle), "*", "*.json"))
	if err != nil || len(all) < 10 {
		t.Errorf("%d dashboards, %v", len(all), err)
	}
}
