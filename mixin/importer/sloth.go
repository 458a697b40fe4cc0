package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/rules/slo"
)

// sloth imports specifications of sloth.
var sloth = Importer{
	Name:     "sloth",
	Help:     "Convert a specification of sloth (prometheus/v1) into slos.",
	FileHelp: "The specification.",
	Convert: func(file string) ([]byte, error) {
		text, err := ReadFile(file)
		if err != nil {
			return nil, err
		}
		return convertSloth(text)
	},
}

// slothSpec is the part of sloth's specification (prometheus/v1) that states the objective. Its labels and alerts
// have no counterpart: priorities and routes come from the policy.
type slothSpec struct {
	Version string `yaml:"version"`
	Service string `yaml:"service"`
	SLOs    []struct {
		Name        string    `yaml:"name"`
		Objective   yaml.Node `yaml:"objective"`
		Description string    `yaml:"description"`
		SLI         struct {
			Events *struct {
				ErrorQuery string `yaml:"error_query"`
				TotalQuery string `yaml:"total_query"`
			} `yaml:"events"`
			Raw    *yaml.Node `yaml:"raw"`
			Plugin *yaml.Node `yaml:"plugin"`
		} `yaml:"sli"`
	} `yaml:"slos"`
}

const slothVersion = "prometheus/v1"

var slothWindow = regexp.MustCompile(`\{\{\s*\.window\s*\}\}`)

// importedSLO is an objective as the policy writes it.
type importedSLO struct {
	Name        string `yaml:"name"`
	AppService  string `yaml:"app_service"`
	Description string `yaml:"description,omitempty"`
	Objective   string `yaml:"objective"`
	Bad         string `yaml:"bad"`
	Total       string `yaml:"total"`
}

// convertSloth converts specifications of sloth into the policy's slos. The error names the objectives that cannot be
// converted; the others are returned with it.
func convertSloth(text []byte) ([]byte, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var out []importedSLO
	var errs []error
	for {
		var spec slothSpec
		err := decoder.Decode(&spec)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("invalid specification of sloth: %w", err)
		}
		if spec.Version != slothVersion {
			return nil, fmt.Errorf("version %q; only %s is read (take the spec out of a Kubernetes resource)", spec.Version,
				slothVersion)
		}
		for _, s := range spec.SLOs {
			objective := importedSLO{
				Name: spec.Service + "-" + s.Name, AppService: spec.Service,
				Description: strings.Join(strings.Fields(s.Description), " "),
				Objective:   strings.TrimSuffix(s.Objective.Value, "%") + "%",
			}
			switch {
			case s.SLI.Events == nil:
				errs = append(errs, fmt.Errorf("%s: a raw ratio, without errors and events, does not add up over time; "+
					"write bad and total by hand", objective.Name))
				continue
			case s.Objective.Value == "":
				errs = append(errs, fmt.Errorf("%s: has no objective", objective.Name))
				continue
			}
			var failed bool
			objective.Bad, objective.Total = ownWindow(s.SLI.Events.ErrorQuery), ownWindow(s.SLI.Events.TotalQuery)
			for _, query := range []string{objective.Bad, objective.Total} {
				if err := slo.CheckExpression(query); err != nil {
					errs, failed = append(errs, fmt.Errorf("%s: %s: %w", objective.Name, query, err)), true
				}
			}
			if !failed {
				out = append(out, objective)
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.Join(append(errs, errors.New("nothing was imported"))...)
	}
	var b bytes.Buffer
	b.WriteString("# From sloth's specification. Each app_service must stand under services, with its owner and page.\n")
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]any{"slos": out}); err != nil {
		return nil, err
	}
	return b.Bytes(), errors.Join(errs...)
}

func ownWindow(query string) string {
	return strings.TrimSpace(slothWindow.ReplaceAllLiteralString(query, config.WindowPlaceholder))
}
