package security

import (
	"cmp"
	"strconv"

	"github.com/thorbis/thorbis_exporter/metric"
)

// sarifReport is the part of SARIF 2.1.0 that is read.
type sarifReport struct {
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver     sarifComponent   `json:"driver"`
		Extensions []sarifComponent `json:"extensions"`
	} `json:"tool"`
	Invocations []struct {
		Successful *bool  `json:"executionSuccessful"`
		Start      string `json:"startTimeUtc"`
		End        string `json:"endTimeUtc"`
	} `json:"invocations"`
	Results *[]sarifResult `json:"results"`
}

type sarifComponent struct {
	Name  string      `json:"name"`
	Rules []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID      string `json:"id"`
	Default struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties struct {
		Severity string `json:"security-severity"`
	} `json:"properties"`
}

type sarifResult struct {
	RuleID        string `json:"ruleId"`
	RuleIndex     *int   `json:"ruleIndex"`
	Rule          struct{ ID string }
	Kind          string `json:"kind"`
	Level         string `json:"level"`
	BaselineState string `json:"baselineState"`
	Suppressions  []struct {
		Status string `json:"status"`
	} `json:"suppressions"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Locations    []struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
	} `json:"locations"`
}

// parseSARIF reads a report in SARIF 2.1.0. A run without results (absent, not empty) or with an invocation that did
// not succeed is a failed scan.
func parseSARIF(text []byte) (*report, error) {
	var doc sarifReport
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	switch {
	case doc.Version != "2.1.0":
		return nil, failed(metric.ScanMalformed, "not SARIF 2.1.0")
	case len(doc.Runs) == 0:
		return nil, failed(metric.ScanOfNothing, "the report has no run")
	}
	r := &report{}
	for _, run := range doc.Runs {
		for _, i := range run.Invocations {
			if i.Successful != nil && !*i.Successful {
				return nil, failed(metric.ScanUnsuccessful, "%s reports that it did not succeed", bounded(run.Tool.Driver.Name))
			}
			if at := moment(cmp.Or(i.End, i.Start)); at.After(r.scanned) {
				r.scanned = at
			}
		}
		if run.Results == nil {
			return nil, failed(metric.ScanUnsuccessful, "%s has no results", bounded(run.Tool.Driver.Name))
		}
		rules := run.rules()
		for _, result := range *run.Results {
			if result.Kind != "" && result.Kind != "fail" || result.BaselineState == "absent" {
				continue
			}
			r.findings = append(r.findings, result.finding(run, rules))
		}
	}
	return r, nil
}

func (r sarifRun) rules() map[string]sarifRule {
	rules := map[string]sarifRule{}
	for _, c := range append(r.Tool.Extensions, r.Tool.Driver) {
		for _, rule := range c.Rules {
			rules[rule.ID] = rule
		}
	}
	return rules
}

func (r sarifResult) finding(run sarifRun, rules map[string]sarifRule) finding {
	id := cmp.Or(r.RuleID, r.Rule.ID)
	if driver := run.Tool.Driver.Rules; id == "" && r.RuleIndex != nil && *r.RuleIndex >= 0 && *r.RuleIndex < len(driver) {
		id = driver[*r.RuleIndex].ID
	}
	rule := rules[id]
	f := finding{
		ID: cmp.Or(id, run.Tool.Driver.Name+" without a rule"), Fixable: true,
		Severity: scored(rule.Properties.Severity), suppressed: r.suppressed(),
	}
	if rule.Properties.Severity == "" {
		f.Severity = rating(cmp.Or(r.Level, rule.Default.Level, "warning")) // the default of SARIF
	}
	if len(r.Locations) > 0 {
		at := r.Locations[0].Physical
		f.Package = at.Artifact.URI
		f.Version = "line " + strconv.Itoa(at.Region.StartLine)
	}
	if print := r.Fingerprints["primaryLocationLineHash"]; print != "" { // lines move
		f.Version = print
	}
	return f
}

// suppressed reports whether all suppressions of a result are accepted, as SARIF 2.1.0, section 3.27.23 wants it.
func (r sarifResult) suppressed() bool {
	for _, s := range r.Suppressions {
		if s.Status != "" && s.Status != "accepted" {
			return false
		}
	}
	return len(r.Suppressions) > 0
}
