package main

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// accepts reports whether the program knows the flags, which a command that changes nothing parses first.
func accepts(t *testing.T, from string, flags []string) {
	t.Helper()
	flags = slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return strings.HasPrefix(f, "--config.file=") })
	var stderr bytes.Buffer
	if code := run(t.Context(), append(flags, "check-config"), nil, io.Discard, &stderr); code != 0 {
		t.Errorf("%s: %q: %s", from, flags, &stderr)
	}
}

var flagRE = regexp.MustCompile(`--[a-z][a-z.-]*(=[^\s"\]]*)?`)

// TestShippedFlags: what deploy/ runs is started with flags that exist.
func TestShippedFlags(t *testing.T) {
	const root = "../../deploy/"
	units, err := filepath.Glob(root + "systemd/*")
	if err != nil || len(units) == 0 {
		t.Fatal(units, err)
	}
	seen := 0
	for _, file := range append(units, root+"Dockerfile") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			for _, key := range []string{"OPTIONS=", "ExecStart=", "ENTRYPOINT "} {
				if strings.HasPrefix(line, key) {
					seen++
					accepts(t, file, flagRE.FindAllString(line, -1))
				}
			}
		}
	}
	if seen < 7 {
		t.Errorf("only %d command lines found", seen)
	}
}

// TestShippedDomainLookups: of the roles one looks registrations up; registries permit few look-ups.
func TestShippedDomainLookups(t *testing.T) {
	roles, err := filepath.Glob("../../deploy/systemd/*.env")
	if err != nil || len(roles) < 2 {
		t.Fatal(roles, err)
	}
	var looking []string
	for _, file := range roles {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "OPTIONS=") && !strings.Contains(line, "--no-collector.domain") {
				looking = append(looking, filepath.Base(file))
			}
		}
	}
	if len(looking) != 1 {
		t.Errorf("%v look registrations up; one role is enough", looking)
	}
}

// TestShippedUnitsKillWhatTheyStarted: kill -9 of the exporter leaves none of its programs behind.
func TestShippedUnitsKillWhatTheyStarted(t *testing.T) {
	units, err := filepath.Glob("../../deploy/systemd/*.service")
	if err != nil || len(units) == 0 {
		t.Fatal(units, err)
	}
	for _, file := range units {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\nKillMode=control-group\n") {
			t.Errorf("%s lacks KillMode=control-group", file)
		}
	}
}

// TestShippedImage: the image has neither a shell nor root, and what it copies is built.
func TestShippedImage(t *testing.T) {
	text, err := os.ReadFile("../../deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, found := strings.Cut(string(text), "\nFROM gcr.io/distroless/static-")
	if !found || strings.Contains(last, "\nFROM ") {
		t.Error("the last stage is not distroless")
	}
	for _, want := range []string{"\nUSER 65532:65532\n", "\nVOLUME /var/lib/thorbis_exporter\n", "\nENTRYPOINT [\""} {
		if !strings.Contains(last, want) {
			t.Errorf("the last stage lacks %q", want)
		}
	}
	for line := range strings.Lines(string(text)) {
		instruction, rest, _ := strings.Cut(line, " ")
		switch {
		case instruction == "ADD" || instruction == "RUN" && strings.Contains(last, line):
			t.Errorf("%q: the image has no shell, and downloads nothing by ADD", line)
		case instruction == "FROM" && !strings.Contains(rest, ":"):
			t.Errorf("%q has no tag", line)
		}
	}
}

// TestShippedPolicy: the policy that people begin with is one.
func TestShippedPolicy(t *testing.T) {
	var out, stderr bytes.Buffer
	code := run(t.Context(), []string{"check-config", "--config.file=../../deploy/policy/thorbis.yaml", "--cost"}, nil,
		&out, &stderr)
	if code != 0 || !strings.Contains(out.String(), "ok: sha256") {
		t.Errorf("%d: %s%s", code, &out, &stderr)
	}
}

type pod struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Containers []struct {
					Args  []string
					Ports []struct {
						Name string
						Port int `yaml:"containerPort"`
					}
					Liveness  httpProbe `yaml:"livenessProbe"`
					Readiness httpProbe `yaml:"readinessProbe"`
					Mounts    []struct {
						Name string
						Path string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct{ Name string }
			}
		}
		Claims []struct {
			Metadata struct{ Name string }
		} `yaml:"volumeClaimTemplates"`
		Selector struct {
			Labels map[string]string `yaml:"matchLabels"`
		}
		Endpoints []struct{ Port, Path string } `yaml:"podMetricsEndpoints"`
	}
}

type httpProbe struct {
	Get struct{ Path, Port string } `yaml:"httpGet"`
}

// TestKubernetesManifests: the objects of deploy/kubernetes agree with each other and with the program.
func TestKubernetesManifests(t *testing.T) {
	var set pod
	var monitors []pod
	for _, file := range []string{"exporter.yaml", "podmonitor.yaml"} {
		text, err := os.ReadFile("../../deploy/kubernetes/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
			var kind struct{ Kind string }
			var node yaml.Node
			if err := d.Decode(&node); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if err := node.Decode(&kind); err != nil {
				t.Fatal(err)
			}
			switch kind.Kind {
			case "StatefulSet":
				err = node.Decode(&set)
			case "PodMonitor":
				var m pod
				err = node.Decode(&m)
				monitors = append(monitors, m)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	template := set.Spec.Template
	if len(template.Spec.Containers) != 1 || len(monitors) != 2 {
		t.Fatalf("%d containers, %d monitors", len(template.Spec.Containers), len(monitors))
	}
	c := template.Spec.Containers[0]
	accepts(t, "exporter.yaml", c.Args)
	ports := map[string]int{}
	for _, p := range c.Ports {
		ports[p.Name] = p.Port
	}
	if ports["metrics"] != 10088 || ports["receive"] != 10089 {
		t.Errorf("ports %v; the program listens on 10088 and 10089", ports)
	}
	for path, p := range map[string]httpProbe{"/-/healthy": c.Liveness, "/-/ready": c.Readiness} {
		if p.Get.Path != path || ports[p.Get.Port] != 10088 {
			t.Errorf("%s is asked for at %s of port %q", path, p.Get.Path, p.Get.Port)
		}
	}
	var volumes []string
	for _, v := range template.Spec.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, v := range set.Spec.Claims {
		volumes = append(volumes, v.Metadata.Name)
	}
	mounted := map[string]bool{}
	for _, m := range c.Mounts {
		mounted[m.Path] = true
		if !slices.Contains(volumes, m.Name) {
			t.Errorf("%s mounts %s, which is no volume", m.Path, m.Name)
		}
	}
	for _, flag := range c.Args {
		name, path, _ := strings.Cut(flag, "=")
		if (name == "--config.file" || name == "--storage.path") && !mounted[path] && !mounted[filepath.Dir(path)] {
			t.Errorf("%s lies on no volume", flag)
		}
	}
	paths := map[string]bool{}
	for _, m := range monitors {
		for _, e := range m.Spec.Endpoints {
			paths[e.Path] = ports[e.Port] == 10088
		}
		for l, v := range m.Spec.Selector.Labels {
			if template.Metadata.Labels[l] != v {
				t.Errorf("%s selects pods labelled %s=%s", m.Metadata.Name, l, v)
			}
		}
	}
	if !paths["/metrics"] || !paths["/metrics/tenants"] || len(paths) != 2 {
		t.Errorf("scraped: %v", paths)
	}
}

// TestShippedPrometheusConfiguration: Prometheus takes the example, with the rules where it looks for them.
func TestShippedPrometheusConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../deploy/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("../../rules")
	if err != nil {
		t.Fatal(err)
	}
	const there = "/etc/prometheus/thorbis/rules/"
	if !bytes.Contains(text, []byte(there)) {
		t.Fatalf("the example does not load the rules of %s", there)
	}
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	testkit.WriteFile(t, file, bytes.Replace(text, []byte(there), []byte(rules+"/"), 1))
	promtool := filepath.Join(cmp.Or(os.Getenv("THORBIS_BIN"), "../../bin"), "tools", "promtool")
	out, err := exec.Command(promtool, "check", "config", "--lint=all", "--lint-fatal", file).CombinedOutput()
	if err != nil || bytes.Count(out, []byte("SUCCESS")) < 2 { // the file itself and at least one of rules
		t.Errorf("%v\n%s", err, out)
	}
}
