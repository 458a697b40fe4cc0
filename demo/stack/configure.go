package stack

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

// configure writes the policy with its secrets, generates the bundle, and points Prometheus at it.
func (s *Stack) configure(ctx context.Context) error {
	policy, err := s.policy()
	if err != nil {
		return err
	}
	files := s.databaseSecrets()
	maps.Copy(files, s.businessSecrets())
	maps.Copy(files, map[string]string{
		"thorbis.yaml":                policy,
		"secrets/pagerduty":           RoutingKey,
		"secrets/pagerduty-secondary": SecondaryRoutingKey,
		"secrets/github":              "a token that the demonstration does not check",
		"secrets/slack":               "http://" + s.Addresses.Pager + "/slack/services/T0/B0/demonstration",
		"saas.pem":                    string(s.SaaS.CA()),
		"blackbox.yml": "modules:\n  http_demo_tls: {prober: http, http: {preferred_ip_protocol: ip4, " +
			"fail_if_not_ssl: true, tls_config: {ca_file: " + filepath.Join(s.Dir, "saas.pem") + "}}}\n",
		"tenants.yaml": registry(tenants(s.options.Tenants)),
	})
	for name, text := range files {
		if err := s.write(name, text); err != nil {
			return err
		}
	}
	args := []string{
		"generate", "--config.file=" + filepath.Join(s.Dir, "thorbis.yaml"), "--out=" + filepath.Join(s.Dir, "bundle"),
	}
	if s.options.Rulers {
		args = append(args, "--only=alertmanager", "--only=thanos")
	}
	out, err := exec.CommandContext(ctx, s.program("thorbis_mixin"), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("thorbis_mixin generate: %w\n%s", err, out)
	}
	if s.options.Rulers {
		return nil
	}
	rules, err := s.generated(".rules.yaml")
	if err != nil {
		return err
	}
	return s.writeScrapeConfig("prometheus.yml", scrapeConfig{
		Labels: s.consoleLabels(), Rules: rules, Prometheus: []string{s.Prometheus},
	})
}

// policy returns the policy of this run.
func (s *Stack) policy() (string, error) {
	return render("thorbis.yaml", policyTemplate, map[string]any{
		"Traffic": s.options.requests(), "ManyTenants": s.options.manyTenants(), "Log": s.AccessLog(),
		"Dir": s.Dir, "SaaS": s.Addresses.SaaS, "SaaSTLS": s.SaaSTLS, "Pager": s.Addresses.Pager, "Preview": s.Preview,
		"Alertmanager": s.Alertmanager, "Events": s.options.Events, "Control": s.Control, "Disk": s.disk, "IOPS": diskIOPS,
		"Databases": slices.Sorted(maps.Keys(s.databaseSecrets())),
		"Interval":  duration(s.options.Interval), "Secondary": duration(s.options.Secondary),
		"Manager": duration(s.options.Manager),
	})
}

// duration writes a duration as the policy has it.
func duration(d time.Duration) string { return config.Duration(d).String() }

func (s *Stack) write(name, text string) error {
	path := filepath.Join(s.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// generated returns the bundle's files whose names end so.
func (s *Stack) generated(suffix string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(filepath.Join(s.Dir, "bundle"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, suffix) {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("thorbis_mixin generate wrote no *%s", suffix)
	}
	slices.Sort(files)
	return files, err
}

// list writes texts as a list of YAML, without its brackets.
func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = strconv.Quote(t)
	}
	return strings.Join(quoted, ", ")
}

func render(name, text string, data any) (string, error) {
	functions := template.FuncMap{"base": filepath.Base, "list": list}
	t, err := template.New(name).Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = t.Execute(&b, data)
	return b.String(), err
}
