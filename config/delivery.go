package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Why a deployment counts as failed: the keys of delivery.failed_if.
const (
	FailedByRollback = "rollback"
	FailedByHotfix   = "hotfix"
	FailedByIncident = "incident"
	FailedByPage     = "page"
)

// Kinds of sources of deployments.
const (
	SourceGitHub = "github"
	SourceVercel = "vercel"
	SourceGitLab = "gitlab"
	SourceEvents = "events"
)

// Bounds of what is read of deployments.
const (
	maxDeliveryServices  = 200
	maxDeliverySources   = 8
	maxWorkflows         = 20
	defaultPollInterval  = Duration(time.Minute)
	defaultHotfix        = `(?i)\bhot-?fix\b|^revert\b`
	maxFailureWindow     = Duration(24 * time.Hour)
	productionDeployment = "production"
)

// Delivery says whose deployments are measured, where they are read, and which of them count as failed.
type Delivery struct {
	FailedIf []FailedIf `yaml:"failed_if"`
	// Hotfix is a regular expression that finds a hotfix by its branch, its task, its description or the first line of
	// its commit's message.
	Hotfix   string             `yaml:"hotfix"`
	Services []*DeliveryService `yaml:"services"`
}

// DeliveryService is a service and the sources of its deployments to the policy's environment.
type DeliveryService struct {
	AppService string            `yaml:"app_service"`
	Sources    []*DeliverySource `yaml:"sources"`
}

// DeliverySource is one source; exactly one of its keys is written.
type DeliverySource struct {
	GitHub *GitHubDeployments `yaml:"github"`
	Vercel *VercelDeployments `yaml:"vercel"`
	GitLab *GitLabDeployments `yaml:"gitlab"`
	Events *DeploymentEvents  `yaml:"events"`
}

// GitHubDeployments are the deployments of a repository. It is polled where there is a token, and may post webhooks
// where there is a secret.
type GitHubDeployments struct {
	Repo          string     `yaml:"repo"`
	Environment   string     `yaml:"environment"`
	Token         *SecretRef `yaml:"token"`
	WebhookSecret *SecretRef `yaml:"webhook_secret"`
	Interval      Duration   `yaml:"interval"`
	URL           string     `yaml:"url"`
	// Workflows are the file names of the workflows of GitHub Actions whose runs are counted, such as ci.yml.
	Workflows []string `yaml:"workflows"`
	// Branch is the branch whose runs are counted.
	Branch string `yaml:"branch"`
	// MaxRuntime is how long a run may take; 0 sets no limit.
	MaxRuntime Duration `yaml:"max_runtime"`
	// CommitsOnly leaves out its deployments, which another source reports: only commits and workflows are read.
	CommitsOnly bool `yaml:"commits_only"`
}

// VercelDeployments are the deployments of a project.
type VercelDeployments struct {
	Project       string     `yaml:"project"`
	Team          string     `yaml:"team"`
	Target        string     `yaml:"target"`
	Token         *SecretRef `yaml:"token"`
	WebhookSecret *SecretRef `yaml:"webhook_secret"`
	Interval      Duration   `yaml:"interval"`
	URL           string     `yaml:"url"`
}

// GitLabDeployments are the deployments of a project, by its path or its number.
type GitLabDeployments struct {
	Project     string     `yaml:"project"`
	Environment string     `yaml:"environment"`
	Token       *SecretRef `yaml:"token"`
	Interval    Duration   `yaml:"interval"`
	URL         string     `yaml:"url"`
}

// DeploymentEvents are deployments that a program of one's own posts with a key.
type DeploymentEvents struct {
	Name string     `yaml:"name"`
	Key  *SecretRef `yaml:"key"`
}

// FailedIf is one way in which a deployment fails: exactly one of its fields is set. It is written as rollback, or as a
// key and a duration.
type FailedIf struct {
	Rollback       bool     `yaml:"rollback"`
	HotfixWithin   Duration `yaml:"hotfix_within"`
	IncidentWithin Duration `yaml:"incident_within"`
	PageWithin     Duration `yaml:"page_within"`
}

// UnmarshalText reads the word rollback.
func (f *FailedIf) UnmarshalText(text []byte) error {
	if string(text) != FailedByRollback {
		return fmt.Errorf("unknown failure %q: write rollback, hotfix_within, incident_within or page_within", text)
	}
	f.Rollback = true
	return nil
}

// ways returns within how long a deployment fails, by FailedBy...; 0 for a rollback, whenever it comes.
func (f FailedIf) ways() map[string]Duration {
	ways := map[string]Duration{}
	if f.Rollback {
		ways[FailedByRollback] = 0
	}
	for by, within := range map[string]Duration{
		FailedByHotfix: f.HotfixWithin, FailedByIncident: f.IncidentWithin, FailedByPage: f.PageWithin,
	} {
		if within != 0 {
			ways[by] = within
		}
	}
	return ways
}

// Delivery returns the section on deployments, nil if the policy has none.
func (p *Policy) Delivery() *Delivery { return *deliverySection.of(p) }

var deliverySection = &section[*Delivery]{
	key:      "delivery",
	inherit:  func(_ *Policy, d **Delivery) { (*d).inherit() },
	validate: validateDelivery,
	warn:     warnOfDelivery,
	cost:     costOfDelivery,
}

// Failure returns within how long a deployment fails in a way, and whether it does at all.
func (d *Delivery) Failure(by string) (within time.Duration, ok bool) {
	for _, f := range d.FailedIf {
		if within, ok := f.ways()[by]; ok {
			return within.Std(), true
		}
	}
	return 0, false
}

// Name names the source among those of its service: its kind and what it is of, without a secret.
func (s *DeliverySource) Name() string {
	switch {
	case s.GitHub != nil:
		return SourceGitHub + ":" + s.GitHub.Repo
	case s.Vercel != nil:
		return SourceVercel + ":" + s.Vercel.Project
	case s.GitLab != nil:
		return SourceGitLab + ":" + s.GitLab.Project
	case s.Events != nil:
		return SourceEvents + ":" + s.Events.Name
	}
	return ""
}

func (d *Delivery) inherit() {
	if d.FailedIf == nil {
		d.FailedIf = []FailedIf{
			{Rollback: true},
			{HotfixWithin: Duration(4 * time.Hour)},
			{IncidentWithin: Duration(30 * time.Minute)},
			{PageWithin: Duration(30 * time.Minute)},
		}
	}
	fill(&d.Hotfix, defaultHotfix)
	for _, s := range d.Services {
		if s == nil {
			continue
		}
		for _, source := range s.Sources {
			if source != nil {
				source.inherit()
			}
		}
	}
}

func (s *DeliverySource) inherit() {
	if g := s.GitHub; g != nil {
		fill(&g.Environment, productionDeployment)
		fill(&g.URL, "https://api.github.com")
		fill(&g.Branch, "main")
		fill(&g.Interval, defaultPollInterval)
	}
	if v := s.Vercel; v != nil {
		fill(&v.Target, productionDeployment)
		fill(&v.URL, "https://api.vercel.com")
		fill(&v.Interval, defaultPollInterval)
	}
	if g := s.GitLab; g != nil {
		fill(&g.Environment, productionDeployment)
		fill(&g.URL, "https://gitlab.com")
		fill(&g.Interval, defaultPollInterval)
	}
	if e := s.Events; e != nil {
		fill(&e.Name, SourceEvents)
	}
}

func fill[T comparable](value *T, otherwise T) {
	var none T
	if *value == none {
		*value = otherwise
	}
}

// repoRE is a repository or a project as its host names it.
var repoRE = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)

func validateDelivery(v *validator, d *Delivery) {
	seen := map[string]bool{}
	for i, f := range d.FailedIf {
		path := fmt.Sprintf("delivery.failed_if[%d]", i)
		ways := f.ways()
		if len(ways) != 1 {
			v.failAt(path, "must have exactly one of rollback, hotfix_within, incident_within and page_within")
			continue
		}
		for by, within := range ways {
			v.unique(path, by, seen)
			if by != FailedByRollback {
				v.between(path, within, Duration(time.Minute), maxFailureWindow)
			}
		}
	}
	if _, err := regexp.Compile(d.Hotfix); err != nil {
		v.failAt("delivery.hotfix", "invalid regular expression: %v", err)
	}
	v.tooMany("delivery.services", "services", len(d.Services), maxDeliveryServices)
	services := map[string]bool{}
	for i, s := range d.Services {
		path := fmt.Sprintf("delivery.services[%d]", i)
		if s == nil {
			v.failAt(path, "missing app_service")
			continue
		}
		v.appService(path+".app_service", s.AppService)
		v.unique(path+".app_service", s.AppService, services)
		v.tooMany(path+".sources", "sources", len(s.Sources), maxDeliverySources)
		if len(s.Sources) == 0 {
			v.failAt(path, "missing sources: write github, vercel, gitlab or events")
		}
		names := map[string]bool{}
		for j, source := range s.Sources {
			v.deliverySource(fmt.Sprintf("%s.sources[%d]", path, j), source, names)
		}
	}
}

func (v *validator) deliverySource(path string, s *DeliverySource, names map[string]bool) {
	if s == nil {
		v.failAt(path, "missing source: write github, vercel, gitlab or events")
		return
	}
	n := 0
	for _, set := range []bool{s.GitHub != nil, s.Vercel != nil, s.GitLab != nil, s.Events != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		v.failAt(path, "must have exactly one of github, vercel, gitlab and events")
		return
	}
	v.unique(path, s.Name(), names)
	switch {
	case s.GitHub != nil:
		v.gitHubDeployments(path+".github", s.GitHub)
	case s.Vercel != nil:
		o := s.Vercel
		v.project(path+".vercel.project", o.Project, false)
		v.polled(path+".vercel", o.URL, o.Interval, o.Token, o.WebhookSecret)
	case s.GitLab != nil:
		o := s.GitLab
		v.project(path+".gitlab.project", o.Project, true)
		v.polled(path+".gitlab", o.URL, o.Interval, o.Token, nil)
	default:
		v.name(path+".events.name", s.Events.Name)
		if s.Events.Key == nil {
			v.failAt(path+".events", "missing key: write {file: ...} or {env: ...}")
		} else {
			v.secretRef(path+".events.key", s.Events.Key)
		}
	}
}

func (v *validator) gitHubDeployments(path string, o *GitHubDeployments) {
	v.project(path+".repo", o.Repo, true)
	if strings.Count(o.Repo, "/") != 1 && o.Repo != "" {
		v.failAt(path+".repo", "invalid repository %q: write it like owner/name", o.Repo)
	}
	v.polled(path, o.URL, o.Interval, o.Token, o.WebhookSecret)
	v.tooMany(path+".workflows", "workflows", len(o.Workflows), maxWorkflows)
	seen := map[string]bool{}
	for i, name := range o.Workflows {
		at := fmt.Sprintf("%s.workflows[%d]", path, i)
		v.name(at, name)
		v.unique(at, name, seen)
	}
	if o.MaxRuntime != 0 {
		v.between(path+".max_runtime", o.MaxRuntime, Duration(time.Minute), Duration(72*time.Hour))
	}
	if o.CommitsOnly && o.Token == nil {
		v.failAt(path+".commits_only", "needs a token: commits are read from the API")
	}
}

func (v *validator) project(path, name string, slashes bool) {
	if !repoRE.MatchString(name) || len(name) > 200 || !slashes && strings.Contains(name, "/") ||
		strings.Contains(name, "..") {
		v.failAt(path, "invalid name %q: write the project as its host names it", name)
	}
}

// polled checks a source that is polled with a token or posts with a secret.
func (v *validator) polled(path, url string, interval Duration, token, webhook *SecretRef) {
	v.address(path+".url", url)
	v.between(path+".interval", interval, Duration(15*time.Second), Duration(time.Hour))
	if token == nil && webhook == nil {
		v.failAt(path, "missing token or webhook_secret: without one nothing is read")
	}
	if token != nil {
		v.secretRef(path+".token", token)
	}
	if webhook != nil {
		v.secretRef(path+".webhook_secret", webhook)
	}
}

func warnOfDelivery(v *validator, d *Delivery) {
	for i, s := range d.Services {
		if !slices.ContainsFunc(s.Sources, func(o *DeliverySource) bool {
			return o.GitHub != nil && o.GitHub.Token != nil || o.GitLab != nil || o.Events != nil
		}) {
			v.warn(fmt.Sprintf("delivery.services[%d]", i), "no source reports the time of a commit, so that change lead "+
				"time is unknown: add github with a token and commits_only, or events")
		}
	}
}

// Series of one service: deployments, failures, two histograms and the last deployments.
const seriesPerDelivery = 80

func costOfDelivery(_ *Policy, d *Delivery, _ int) Cost {
	cost := Cost{Series: len(d.Services) * seriesPerDelivery}
	for _, s := range d.Services {
		for _, o := range s.Sources {
			interval := Duration(0)
			calls := 1
			switch {
			case o.GitHub != nil && o.GitHub.Token != nil:
				interval = o.GitHub.Interval
				calls += min(len(o.GitHub.Workflows), 1)
				cost.Series += len(o.GitHub.Workflows) * 30
			case o.Vercel != nil && o.Vercel.Token != nil:
				interval, calls = o.Vercel.Interval, 2
			case o.GitLab != nil:
				interval = o.GitLab.Interval
			}
			if interval > 0 {
				cost.APICallsPerHour += calls * int(time.Hour/interval.Std())
			}
		}
	}
	return cost
}
