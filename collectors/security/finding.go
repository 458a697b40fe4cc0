package security

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// finding is what a scanner found: a vulnerability of a version of a package, or a fault in a file.
type finding struct {
	ID string `json:"id"`
	// Package is the package, or the file; Version is empty where the scanner does not report one.
	Package  string `json:"package"`
	Version  string `json:"version,omitempty"`
	Severity string `json:"severity"` // of metric.FindingSeverities
	// Fixable means that a version without it exists.
	Fixable bool `json:"fixable"`
	// Exploited means that it is known to be exploited.
	Exploited bool `json:"exploited"`
	// suppressed means that the scanner itself leaves it out of what it counts.
	suppressed bool
	// aliases are other names of the vulnerability.
	aliases []string
}

// names returns all names of a finding.
func (f finding) names() []string { return append([]string{f.ID}, f.aliases...) }

// key distinguishes findings.
func (f finding) key() string { return f.ID + "\x00" + f.Package + "\x00" + f.Version }

// worst returns the worse of two severities; one that is unknown is worse than none, and better than any other.
func worst(a, b string) string {
	if slices.Index(metric.FindingSeverities, b) < slices.Index(metric.FindingSeverities, a) {
		return b
	}
	return a
}

// merged returns the findings of several reports of one artefact, each once: the worst severity that a scanner gives it
// and the best that is known of it. What a scanner reports without a version (npm audit has a range of them) is the
// same as what another reports with one. All scanners must suppress what is to be left out.
func merged(reports [][]finding) []finding {
	at := map[string]int{}
	var all []finding
	add := func(f finding) {
		i, ok := at[f.key()]
		if !ok {
			at[f.key()] = len(all)
			all = append(all, f)
			return
		}
		m := &all[i]
		m.Severity = worst(m.Severity, f.Severity)
		m.Fixable, m.Exploited = m.Fixable || f.Fixable, m.Exploited || f.Exploited
		m.suppressed = m.suppressed && f.suppressed
		m.aliases = append(m.aliases, f.aliases...)
	}
	cves, versions := cvesOf(reports), map[string][]string{}
	var bare []finding
	for _, report := range reports {
		for _, f := range report {
			if cve := cves[f.ID]; cve != "" {
				f.ID, f.aliases = cve, append(slices.Clone(f.aliases), f.ID)
			}
			if f.Version == "" {
				bare = append(bare, f)
				continue
			}
			add(f)
			versions[f.ID+"\x00"+f.Package] = append(versions[f.ID+"\x00"+f.Package], f.Version)
		}
	}
	for _, f := range bare {
		known := versions[f.ID+"\x00"+f.Package]
		if len(known) == 0 {
			add(f)
		}
		for _, version := range known {
			f.Version = version
			add(f)
		}
	}
	slices.SortFunc(all, func(a, b finding) int { return cmp.Compare(a.key(), b.key()) })
	return all
}

// cvesOf returns the CVE of each other name of a vulnerability that a report knows: scanners name one by the database
// in which they found it.
func cvesOf(reports [][]finding) map[string]string {
	cves := map[string]string{}
	for _, report := range reports {
		for _, f := range report {
			for _, cve := range f.names() {
				if !strings.HasPrefix(cve, "CVE-") {
					continue
				}
				for _, name := range f.names() {
					if before := cves[name]; !strings.HasPrefix(name, "CVE-") && (before == "" || cve < before) {
						cves[name] = cve
					}
				}
				break
			}
		}
	}
	return cves
}

// rating returns the severity of a word that scanners use.
func rating(word string) string {
	switch strings.ToLower(word) {
	case "critical":
		return metric.FindingCritical
	case "high", "error":
		return metric.FindingHigh
	case "medium", "moderate", "warning":
		return metric.FindingMedium
	case "low", "negligible", "info", "note":
		return metric.FindingLow
	}
	return metric.FindingUnknown
}

// scored returns the severity of a score of CVSS as text, by the qualitative scale of CVSS 3.1 and 4.0.
func scored(score string) string {
	n, err := strconv.ParseFloat(score, 64)
	switch {
	case err != nil || n <= 0 || n > 10:
		return metric.FindingUnknown
	case n >= 9:
		return metric.FindingCritical
	case n >= 7:
		return metric.FindingHigh
	case n >= 4:
		return metric.FindingMedium
	}
	return metric.FindingLow
}

// byUrgency sorts findings: those that are known to be exploited first, then what can be fixed, by severity and age.
func byUrgency(a, b aged) int {
	first := func(x, y bool) int {
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	}
	severity := func(f aged) int { return slices.Index(metric.FindingSeverities, f.Severity) }
	return cmp.Or(first(a.Exploited, b.Exploited), first(a.Fixable, b.Fixable), cmp.Compare(severity(a), severity(b)),
		a.Since.Compare(b.Since))
}
