package importer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// blackbox imports what a Prometheus has a blackbox_exporter probe.
var blackbox = Importer{
	Name:     "blackbox",
	Help:     "Convert the blackbox_exporter targets of a Prometheus configuration into health.checks.",
	FileHelp: "Prometheus' configuration.",
	Convert:  convertBlackbox,
}

// scrapeConfigs is the part of Prometheus' configuration that says what a blackbox_exporter probes.
type scrapeConfigs struct {
	Global struct {
		Interval config.Duration `yaml:"scrape_interval"`
		Timeout  config.Duration `yaml:"scrape_timeout"`
	} `yaml:"global"`
	Jobs []scrapeJob `yaml:"scrape_configs"`
	// Files are patterns of files with more jobs.
	Files []string `yaml:"scrape_config_files"`
}

type scrapeJob struct {
	Name     string              `yaml:"job_name"`
	Path     string              `yaml:"metrics_path"`
	Params   map[string][]string `yaml:"params"`
	Interval config.Duration     `yaml:"scrape_interval"`
	Timeout  config.Duration     `yaml:"scrape_timeout"`
	Static   []targetGroup       `yaml:"static_configs"`
	Files    []struct {
		Files []string `yaml:"files"`
	} `yaml:"file_sd_configs"`
	HTTP []struct {
		URL    string         `yaml:"url"`
		Others map[string]any `yaml:",inline"`
	} `yaml:"http_sd_configs"`
	Relabel []*relabel.Config `yaml:"relabel_configs"`
	Others  map[string]any    `yaml:",inline"`
}

type targetGroup struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

// importedCheck is a check as the policy writes it.
type importedCheck struct {
	Name       string          `yaml:"name"`
	AppService string          `yaml:"app_service"`
	Target     string          `yaml:"target"`
	Module     string          `yaml:"module"`
	Interval   config.Duration `yaml:"interval"`
	Timeout    config.Duration `yaml:"timeout"`
}

const (
	// maxImportedChecks bounds the targets of all jobs together.
	maxImportedChecks = 100_000

	// Prometheus' defaults, and what the blackbox_exporter keeps of a scrape's timeout for itself (--timeout-offset).
	defaultScrapeInterval = time.Minute
	defaultScrapeTimeout  = 10 * time.Second
	timeoutOffset         = 500 * time.Millisecond

	defaultModule = "http_2xx"
)

// convertBlackbox converts the jobs of Prometheus' configuration that scrape a blackbox_exporter into the policy's
// checks. It reads the targets in the file or in its files of targets, and relabels them as Prometheus does. The error
// names what cannot be converted; the rest is returned with it.
func convertBlackbox(file string) (Part, error) {
	text, err := ReadFile(file)
	if err != nil {
		return Part{}, err
	}
	var c scrapeConfigs
	if err := yaml.Unmarshal(text, &c); err != nil {
		return Part{}, fmt.Errorf("invalid configuration of Prometheus: %w", err)
	}
	var out []importedCheck
	errs := c.readMore(filepath.Dir(file))
	names := map[string]bool{}
	for _, job := range c.Jobs {
		groups, err := job.groups(filepath.Dir(file))
		if err != nil {
			errs = append(errs, fmt.Errorf("job %s: %w", job.Name, err))
		}
		interval := cmp.Or(job.Interval.Std(), c.Global.Interval.Std(), defaultScrapeInterval)
		timeout := min(interval, cmp.Or(job.Timeout.Std(), c.Global.Timeout.Std(), defaultScrapeTimeout))
		for _, g := range groups {
			for _, target := range g.Targets {
				check, ok, err := job.check(target, g.Labels)
				switch {
				case err != nil:
					errs = append(errs, fmt.Errorf("job %s: %s: %w", job.Name, target, err))
				case ok && len(out) == maxImportedChecks:
					return Part{}, fmt.Errorf("these are more than %d targets", maxImportedChecks)
				case ok:
					check.Name = unusedName(names, check.Name)
					check.Interval, check.Timeout = config.Duration(interval),
						config.Duration(max(timeout-timeoutOffset, timeoutOffset))
					out = append(out, check)
				}
			}
		}
	}
	if len(out) == 0 {
		return Part{}, errors.Join(append(errs,
			errors.New("no job scrapes a blackbox_exporter (a path that ends with /probe, "+
				"and targets); nothing was imported"))...)
	}
	var b bytes.Buffer
	b.WriteString(
		"# From Prometheus' configuration. Each app_service must stand under services, with its owner and page.\n")
	b.WriteString("# modules_file is the blackbox_exporter's own configuration.\n")
	health := importedHealth{Modules: "blackbox.yml", Checks: out}
	if err := encode(&b, map[string]any{"health": health}); err != nil {
		return Part{}, err
	}
	return Part{Policy: b.Bytes()}, errors.Join(errs...)
}

// readMore adds the jobs of the files that the configuration names. Files of an error add none.
func (c *scrapeConfigs) readMore(dir string) []error {
	var errs []error
	for _, pattern := range c.Files {
		files, err := matching(dir, pattern, "scrape configurations")
		errs = append(errs, err)
		for _, file := range files {
			text, err := ReadFile(file)
			var more struct {
				Jobs []scrapeJob `yaml:"scrape_configs"`
			}
			if err == nil {
				err = yaml.Unmarshal(text, &more)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", file, err))
			}
			c.Jobs = append(c.Jobs, more.Jobs...)
		}
	}
	return errs
}

// matching returns the files that a pattern of the configuration matches.
func matching(dir, pattern, what string) ([]string, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	files, err := filepath.Glob(pattern)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no such file of %s", pattern, what)
	}
	return files, err
}

// groups are the targets of a job that scrapes a blackbox_exporter, none of another; the error says what could not be
// read.
func (j *scrapeJob) groups(dir string) ([]targetGroup, error) {
	if !strings.HasSuffix(j.Path, "/probe") {
		return nil, nil
	}
	for i, c := range j.Relabel {
		if c == nil {
			return nil, fmt.Errorf("relabel_configs[%d] is empty", i)
		}
		if err := c.Validate(model.UTF8Validation); err != nil {
			return nil, fmt.Errorf("relabel_configs[%d]: %w", i, err)
		}
	}
	groups := slices.Clone(j.Static)
	var errs []error
	for _, sd := range j.Files {
		for _, pattern := range sd.Files {
			files, err := matching(dir, pattern, "targets")
			errs = append(errs, err)
			for _, file := range files {
				more, err := readTargets(file)
				groups, errs = append(groups, more...), append(errs, err)
			}
		}
	}
	for _, sd := range j.HTTP {
		var more []targetGroup
		var err error
		if len(sd.Others) > 0 {
			err = fmt.Errorf("http_sd_configs: %s is asked with settings that only Prometheus uses; save what it answers to a "+
				"file and name that under file_sd_configs", sd.URL)
		} else {
			more, err = askTargets(sd.URL)
		}
		groups, errs = append(groups, more...), append(errs, err)
	}
	for key := range j.Others {
		if strings.HasSuffix(key, "_sd_configs") {
			errs = append(errs,
				fmt.Errorf("its targets come from %s, which only Prometheus can ask; write them as checks, or as per_tenant", key))
		}
	}
	return groups, errors.Join(errs...)
}

// readTargets reads a file of targets; its JSON is YAML too.
func readTargets(file string) ([]targetGroup, error) {
	text, err := ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return parseTargets(file, text)
}

func parseTargets(from string, text []byte) ([]targetGroup, error) {
	var groups []targetGroup
	if err := yaml.Unmarshal(text, &groups); err != nil {
		return nil, fmt.Errorf("%s: invalid file of targets: %w", from, err)
	}
	return groups, nil
}

// check relabels a target as Prometheus does and reads what it would have asked the blackbox_exporter; false for a
// target that Prometheus would drop.
func (j *scrapeJob) check(target string, more map[string]string) (importedCheck, bool, error) {
	b := labels.NewBuilder(labels.EmptyLabels())
	for name, values := range j.Params {
		if len(values) > 0 {
			b.Set(model.ParamLabelPrefix+name, values[0])
		}
	}
	b.Set(model.JobLabel, j.Name).Set(model.MetricsPathLabel, j.Path)
	for name, value := range more {
		b.Set(name, value)
	}
	b.Set(model.AddressLabel, target)
	if !relabel.ProcessBuilder(b, j.Relabel...) {
		return importedCheck{}, false, nil
	}
	const param = model.ParamLabelPrefix
	c := importedCheck{Target: b.Get(param + "target"), Module: cmp.Or(b.Get(param+"module"), defaultModule)}
	if c.Target == "" {
		return c, false, errors.New("no rule of relabel_configs and no param says its target")
	}
	if b.Get(param+"hostname") != "" {
		return c, false, errors.New("it asks an address by another name (the parameter hostname); write headers: {Host: " +
			"...} and tls_config: {server_name: ...} in a module of its own")
	}
	c.Name = asName(cmp.Or(b.Get(model.InstanceLabel), c.Target))
	c.AppService = asName(cmp.Or(b.Get(metric.LabelAppService), b.Get("service"), b.Get(model.JobLabel)))
	return c, true, nil
}

var (
	schemeRE  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)
	unnamedRE = regexp.MustCompile(`[^a-zA-Z0-9.]+`)
)

// maxImportedName leaves room for a number within the policy's 63.
const maxImportedName = 56

// asName makes what the policy takes as a name of an address or a job.
func asName(text string) string {
	name := strings.Trim(unnamedRE.ReplaceAllString(schemeRE.ReplaceAllString(text, ""), "-"), "-.")
	if len(name) > maxImportedName {
		name = strings.TrimRight(name[:maxImportedName], "-.")
	}
	return cmp.Or(name, "unnamed")
}

// unusedName is the name, with a number if it is used already, and uses it.
func unusedName(used map[string]bool, name string) string {
	unused := name
	for n := 2; used[unused]; n++ {
		unused = fmt.Sprintf("%s-%d", name, n)
	}
	used[unused] = true
	return unused
}
