package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Dependabot looks after every module, the tools' too.
func TestDependabotKnowsEveryModule(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem string `yaml:"package-ecosystem"`
			Directory string `yaml:"directory"`
		} `yaml:"updates"`
	}
	unmarshal(t, "../../.github/dependabot.yml", &config)
	var known, modules []string
	actions := false
	for _, u := range config.Updates {
		if u.Ecosystem == "gomod" {
			known = append(known, u.Directory)
		}
		actions = actions || u.Ecosystem == "github-actions"
	}
	found, err := filepath.Glob("../../tools/*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(found, "../../go.mod") {
		modules = append(modules, "/"+strings.Trim(strings.TrimPrefix(filepath.Dir(name), "../.."), "/"))
	}
	slices.Sort(known)
	slices.Sort(modules)
	if !slices.Equal(known, modules) || !actions || len(modules) < 5 {
		t.Errorf("dependabot knows %q and actions %t, the modules are %q", known, actions, modules)
	}
}

// Workflows call targets of the Makefile that exist.
func TestWorkflowsCallMake(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	called := 0
	for _, name := range []string{"ci", "release"} {
		var workflow struct {
			Jobs map[string]struct {
				Steps []struct {
					Run string `yaml:"run"`
				} `yaml:"steps"`
			} `yaml:"jobs"`
		}
		unmarshal(t, "../../.github/workflows/"+name+".yml", &workflow)
		for job, of := range workflow.Jobs {
			for _, step := range of.Steps {
				target, ok := strings.CutPrefix(step.Run, "make ")
				if !ok {
					continue
				}
				called++
				if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
					t.Errorf("%s, job %s: the Makefile has no %s", name, job, target)
				}
			}
		}
	}
	if called < 3 {
		t.Errorf("the workflows call make %d times", called)
	}
}

// Who reports a fault is asked for the output of check-config.
func TestIssueFormsAskForCheckConfig(t *testing.T) {
	for _, name := range []string{"bug", "feature"} {
		var form struct {
			Name, Description string
			Body              []struct {
				Type string `yaml:"type"`
				ID   string `yaml:"id"`
			} `yaml:"body"`
		}
		unmarshal(t, "../../.github/ISSUE_TEMPLATE/"+name+".yml", &form)
		asked := false
		for _, field := range form.Body {
			asked = asked || field.ID == "check-config"
			if !slices.Contains([]string{"markdown", "textarea", "input", "dropdown", "checkboxes"}, field.Type) {
				t.Errorf("%s: no field has the type %q", name, field.Type)
			}
		}
		if !asked || form.Name == "" || form.Description == "" {
			t.Errorf("%s: %+v", name, form)
		}
	}
}

func unmarshal(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
