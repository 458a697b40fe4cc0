package security

import (
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// osvReport is the part of osv-scanner's JSON (pkg/models/results.go) that is read.
type osvReport struct {
	Results *[]struct {
		Packages []osvPackage `json:"packages"`
	} `json:"results"`
}

type osvPackage struct {
	Package struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Commit  string `json:"commit"`
	} `json:"package"`
	Vulnerabilities []osvEntry `json:"vulnerabilities"`
	Groups          []struct {
		IDs         []string `json:"ids"`
		Aliases     []string `json:"aliases"`
		MaxSeverity string   `json:"max_severity"`
		Analysis    map[string]struct {
			Called      *bool `json:"called"`
			Unimportant bool  `json:"unimportant"`
		} `json:"experimental_analysis"`
	} `json:"groups"`
}

// osvEntry is an entry of the database, as the schema of OSV defines it.
type osvEntry struct {
	ID       string `json:"id"`
	Affected []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
		Ranges []struct {
			Events []struct {
				Fixed string `json:"fixed"`
			} `json:"events"`
		} `json:"ranges"`
	} `json:"affected"`
}

// fixed reports whether a version of a package without the vulnerability exists.
func (e osvEntry) fixed(name string) bool {
	for _, a := range e.Affected {
		for _, r := range a.Ranges {
			for _, event := range r.Events {
				if event.Fixed != "" && strings.EqualFold(a.Package.Name, name) {
					return true
				}
			}
		}
	}
	return false
}

// parseOSV reads the report of osv-scanner --format json. It counts groups, in each of which the names of one
// vulnerability are together. A scan of nothing ends with status 128 and has no report.
func parseOSV(text []byte) (*report, error) {
	var doc osvReport
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	if doc.Results == nil {
		return nil, failed(metric.ScanMalformed, "not osv-scanner's JSON: it has no results")
	}
	r := &report{}
	for _, result := range *doc.Results {
		for _, p := range result.Packages {
			fixed := map[string]bool{}
			for _, entry := range p.Vulnerabilities {
				fixed[entry.ID] = entry.fixed(p.Package.Name)
			}
			version := p.Package.Version
			if version == "" {
				version = p.Package.Commit
			}
			for _, g := range p.Groups {
				f := finding{Package: p.Package.Name, Version: version, Severity: scored(g.MaxSeverity)}
				f.aliases = g.Aliases
				for i, id := range g.IDs {
					if i == 0 {
						f.ID = id
					}
					f.Fixable = f.Fixable || fixed[id]
					f.suppressed = f.suppressed || g.Analysis[id].Unimportant ||
						g.Analysis[id].Called != nil && !*g.Analysis[id].Called
				}
				r.findings = append(r.findings, f)
			}
		}
	}
	return r, nil
}
