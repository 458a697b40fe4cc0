package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"time"
)

// securityOwner owns what is scanned, where the policy has owners and one of this name.
const securityOwner = "security"

// Bounds of what is read of scans.
const (
	maxScans       = 200
	maxScanReports = 10
)

// Formats of the reports of scanners.
const (
	ScanAuto        = "auto" // by what the report has
	ScanTrivy       = "trivy"
	ScanGrype       = "grype"
	ScanOSV         = "osv-scanner"
	ScanGovulncheck = "govulncheck"
	ScanNPM         = "npm-audit"
	ScanSARIF       = "sarif"
	ScanDependabot  = "dependabot"    // GitHub's list of alerts on dependencies
	ScanCodeAlerts  = "code-scanning" // GitHub's list of alerts on code
)

// ScanFormats is the closed set.
var ScanFormats = []string{
	ScanAuto, ScanTrivy, ScanGrype, ScanOSV, ScanGovulncheck, ScanNPM, ScanSARIF, ScanDependabot, ScanCodeAlerts,
}

// Security is what is expected of scans for vulnerabilities and of who has access, and when secrets end. Without the
// section nothing is read.
type Security struct {
	// KnownExploited is CISA's catalogue of known exploited vulnerabilities as a JSON file, for scanners that do not
	// report which of their findings are.
	KnownExploited string `yaml:"known_exploited"`
	// MaxAge is how old a finding that can be fixed may become, by its severity.
	MaxAge FindingAges `yaml:"max_age"`
	// ExploitedMaxAge is the same of one that is known to be exploited, whatever its severity.
	ExploitedMaxAge Duration `yaml:"exploited_max_age"`
	Scans           []*Scan  `yaml:"scans"`
	// Secrets are those whose ends are watched.
	Secrets []*SecretExpiry `yaml:"secrets"`
	// Access are lists of who has access to what.
	Access []*Access `yaml:"access"`
}

// FindingAges are ages by severity; low findings have no limit unless one is written.
type FindingAges struct {
	Critical Duration `yaml:"critical"`
	High     Duration `yaml:"high"`
	Medium   Duration `yaml:"medium"`
	Low      Duration `yaml:"low"`
}

// Scan is an artefact that is scanned for vulnerabilities, by one scanner or several.
type Scan struct {
	Name       string `yaml:"name"`
	AppService string `yaml:"app_service"`
	Owner      string `yaml:"owner"`
	Page       string `yaml:"page"`
	// Interval is how often it is scanned.
	Interval Duration      `yaml:"interval"`
	Reports  []*ScanReport `yaml:"reports"`
	// VEX are documents of CycloneDX in which somebody states which findings do not affect the artefact.
	VEX []string `yaml:"vex"`
}

// ScanReport is a file that a scanner writes anew at each scan.
type ScanReport struct {
	File   string `yaml:"file"`
	Format string `yaml:"format"`
}

// Name is the file's name without its folder.
func (r *ScanReport) Name() string { return filepath.Base(r.File) }

// securityOwnership is ownership of what the section watches: by the owner of security, if there is one, and at P2 of
// what no service runs, which exposes no service.
func (p *Policy) securityOwnership(owner, page, service string) (string, string) {
	if owner == "" && p.Owners[securityOwner] != nil {
		owner = securityOwner
	}
	if page == "" && service == "" {
		page = "P2"
	}
	return p.ownership(owner, page, service)
}

// Security returns what is expected of security, nil without the section.
func (p *Policy) Security() *Security { return *securitySection.of(p) }

var securitySection = &section[*Security]{
	key: "security",
	inherit: func(p *Policy, s **Security) {
		(*s).inherit(p)
		p.inheritAccess((*s).Access)
	},
	validate: validateSecurity,
	resolve:  resolveSecurity,
	cost:     func(_ *Policy, s *Security, _ int) Cost { return Cost{Series: s.series()} },
}

func (s *Security) inherit(p *Policy) {
	const day = Duration(24 * time.Hour)
	s.MaxAge.Critical = cmp.Or(s.MaxAge.Critical, 7*day)
	s.MaxAge.High = cmp.Or(s.MaxAge.High, 30*day)
	s.MaxAge.Medium = cmp.Or(s.MaxAge.Medium, 90*day)
	s.ExploitedMaxAge = cmp.Or(s.ExploitedMaxAge, 2*day)
	for _, e := range s.Secrets {
		e.inherit(p)
	}
	for _, o := range s.Scans {
		o.Owner, o.Page = p.securityOwnership(o.Owner, o.Page, o.AppService)
		if o.Interval == 0 {
			o.Interval = Duration(time.Hour)
		}
		for _, r := range o.Reports {
			if r.Format == "" {
				r.Format = ScanAuto
			}
		}
	}
}

// Series of one scan and of one report of it: ten classes of findings, their ages, seven states.
const (
	seriesPerScan   = 30
	seriesPerReport = 9
)

func (s *Security) series() int {
	n := seriesPerSecret*len(s.Secrets) + seriesPerAccess*len(s.Access)
	for _, o := range s.Scans {
		n += seriesPerScan + seriesPerReport*len(o.Reports)
	}
	return n
}

func validateSecurity(v *validator, s *Security) {
	if len(s.Scans) > maxScans {
		v.failAt("security.scans", "too many scans (%d): write at most %d", len(s.Scans), maxScans)
	}
	v.secretExpiries(s.Secrets)
	seen := map[string]bool{}
	for i, o := range s.Scans {
		v.scan(fmt.Sprintf("security.scans[%d]", i), o, seen)
	}
	v.accessLists(s.Access)
}

func (v *validator) scan(path string, o *Scan, seen map[string]bool) {
	v.name(path+".name", o.Name)
	v.unique(path+".name", o.Name, seen)
	if o.AppService != "" {
		v.appService(path+".app_service", o.AppService)
	}
	v.page(path+".page", o.Page)
	v.between(path+".interval", o.Interval, Duration(time.Minute), Duration(31*24*time.Hour))
	switch n := len(o.Reports); {
	case n == 0:
		v.failAt(path+".reports", "missing reports: write what scanners write, like [{file: /var/lib/scans/x.json}]")
	case n > maxScanReports:
		v.failAt(path+".reports", "too many reports (%d): write at most %d", n, maxScanReports)
	}
	names := map[string]bool{}
	for i, r := range o.Reports {
		at := fmt.Sprintf("%s.reports[%d]", path, i)
		if r.File == "" {
			v.failAt(at+".file", "missing file: write the report that a scanner writes, like /var/lib/scans/x.json")
			continue
		}
		v.unique(at+".file", r.Name(), names)
		v.oneOf(at+".format", r.Format, ScanFormats)
	}
	if len(o.VEX) > maxScanReports {
		v.failAt(path+".vex", "too many documents (%d): write at most %d", len(o.VEX), maxScanReports)
	}
}

func resolveSecurity(v *validator, section **Security) {
	s := *section
	if s.KnownExploited != "" {
		s.KnownExploited = v.resolve("security.known_exploited", s.KnownExploited)
	}
	for i, o := range s.Scans {
		path := fmt.Sprintf("security.scans[%d]", i)
		for j, r := range o.Reports {
			r.File = v.resolve(fmt.Sprintf("%s.reports[%d].file", path, j), r.File)
		}
		for j := range o.VEX {
			o.VEX[j] = v.resolve(fmt.Sprintf("%s.vex[%d]", path, j), o.VEX[j])
		}
	}
	v.resolveAccess(s.Access)
}
