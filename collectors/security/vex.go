package security

import (
	"net/url"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// statement is what a VEX document states of a vulnerability: that it does not affect a package.
type statement struct {
	id       string
	packages []string // its names; none is every package
	version  string   // empty for every version
}

// covers reports whether a statement is about a finding.
func (s statement) covers(f finding) bool {
	return slices.Contains(f.names(), s.id) && (len(s.packages) == 0 || slices.Contains(s.packages, f.Package)) &&
		(s.version == "" || s.version == f.Version)
}

// vexDocument is the part of a CycloneDX document of version 1.4 or newer that is read.
type vexDocument struct {
	Format   string `json:"bomFormat"`
	Metadata struct {
		Component vexComponent `json:"component"`
	} `json:"metadata"`
	Components      []vexComponent `json:"components"`
	Vulnerabilities []struct {
		ID       string `json:"id"`
		Analysis struct {
			State string `json:"state"`
		} `json:"analysis"`
		Affects []struct {
			Ref string `json:"ref"`
		} `json:"affects"`
	} `json:"vulnerabilities"`
}

type vexComponent struct {
	Ref     string `json:"bom-ref"`
	Group   string `json:"group"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
}

// unaffected are the states of an analysis by which a finding is to be left out.
var unaffected = []string{"not_affected", "false_positive", "resolved", "resolved_with_pedigree"}

// parseVEX returns the statements of a CycloneDX document that a vulnerability does not affect a package. One whose
// package cannot be resolved states nothing: a finding counts rather than hides.
func parseVEX(text []byte) ([]statement, error) {
	var doc vexDocument
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	if doc.Format != "CycloneDX" {
		return nil, failed(metric.ScanMalformed, "not a document of CycloneDX")
	}
	known := map[string]vexComponent{}
	for _, c := range doc.Components {
		known[c.Ref] = c
	}
	var all []statement
	for _, v := range doc.Vulnerabilities {
		if v.ID == "" || !slices.Contains(unaffected, v.Analysis.State) {
			continue
		}
		if len(v.Affects) == 0 {
			all = append(all, statement{id: v.ID})
		}
		for _, a := range v.Affects {
			ref := a.Ref
			if strings.HasPrefix(ref, "urn:cdx:") { // of another document
				_, ref, _ = strings.Cut(ref, "#")
			}
			switch c, ok := known[ref]; {
			case ref == "":
			case ref == doc.Metadata.Component.Ref: // the whole artefact
				all = append(all, statement{id: v.ID})
			case ok && c.PURL == "":
				all = append(all, statement{v.ID, packageNames(c.Group, c.Name), c.Version})
			case ok:
				all = append(all, ofPURL(v.ID, c.PURL)...)
			default:
				all = append(all, ofPURL(v.ID, ref)...)
			}
		}
	}
	return all, nil
}

// packageNames returns how scanners write a name with a group: npm and Go with a slash, Maven with a colon.
func packageNames(group, name string) []string {
	if group == "" {
		return []string{name}
	}
	return []string{group + "/" + name, group + ":" + name}
}

// ofPURL returns a statement on the package of a package URL, none if it is not one. Operating systems are namespaces
// that scanners do not write.
func ofPURL(id, purl string) []statement {
	rest, ok := strings.CutPrefix(purl, "pkg:")
	if !ok {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	rest, version, _ := strings.Cut(rest, "@")
	kind, path, ok := strings.Cut(rest, "/")
	if path, err := url.PathUnescape(path); ok && err == nil && path != "" {
		version, _ = url.PathUnescape(version)
		group, name := "", path
		if i := strings.LastIndex(path, "/"); i >= 0 {
			group, name = path[:i], path[i+1:]
		}
		if slices.Contains([]string{"deb", "rpm", "apk", "alpm"}, kind) {
			group = ""
		}
		return []statement{{id, packageNames(group, name), version}}
	}
	return nil
}
