// Package mixin renders the whole bundle of one policy: rules, Alertmanager's configuration, dashboards,
// their documentation, and a jsonnet entry point for those who bring their own tools.
package mixin

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/dashboards"
	"github.com/thorbis/thorbis_exporter/dashboards/schemav2"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/mixin/handbook"
	"github.com/thorbis/thorbis_exporter/mixin/packaging"
	"github.com/thorbis/thorbis_exporter/rules"
)

// Files are generated files by slash-separated path.
type Files map[string][]byte

// Options say how a bundle is to live with what is there already.
type Options struct {
	// Shadow is the only channel that is notified; all alerts carry the label shadow. Empty for a bundle in force.
	Shadow string
	// Base is a user's own Alertmanager configuration, into which ours is merged; nil for ours alone.
	Base []byte
	// Only are the parts to generate, by folder; all but packagings if empty.
	Only []string
	// Also are packagings to generate besides.
	Also []string
	// DashboardSchema is one of DashboardSchemas; empty for the classic one.
	DashboardSchema string
	// Packaging is how packagings name their objects.
	Packaging packaging.Options
}

// Schemas of dashboards. The classic one is what file provisioning and sidecars read; v2 are whole resources of
// Grafana's API, for Git Sync, gcx and the API itself.
const (
	SchemaClassic = "classic"
	SchemaV2      = "v2"
)

// DashboardSchemas are those that Options.DashboardSchema may name.
var DashboardSchemas = []string{SchemaClassic, SchemaV2}

// Parts are the folders that Options.Only may name: the parts of the bundle, and the packagings of them.
var Parts = parts()

func parts() []string {
	all := []string{"rules", "alertmanager", "dashboards", "docs", "mixin"}
	for _, p := range packaging.Packagings {
		all = append(all, p.Name)
	}
	return all
}

// Render generates every file of the bundle.
func Render(p *config.Policy) (Files, error) { return Options{}.Render(p) }

// Render generates the files of a bundle that lives with what is there.
func (o Options) Render(p *config.Policy) (Files, error) {
	bundle, err := rules.Build(p)
	if err == nil && o.Shadow != "" {
		bundle, err = bundle.Shadow()
	}
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	routes, err := o.routes(p)
	if err != nil {
		return nil, fmt.Errorf("alertmanager: %w", err)
	}
	boards, err := dashboards.Build(p)
	if err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	boardDocs, err := dashboards.Docs(p)
	if err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}

	handbookDocs, err := handbook.Docs(boards)
	if err != nil {
		return nil, fmt.Errorf("handbook: %w", err)
	}

	files := Files{
		"alertmanager/alertmanager.yaml": routes,
		"docs/metrics.md":                metric.Docs(),
		"docs/alerts.md":                 alertDocs(p, bundle),
		"docs/panels.md":                 boardDocs,
		"docs/handbook.md":               handbookDocs,
	}
	for name, text := range bundle.Files() {
		files[path.Join("rules", name)] = text
	}
	for name, text := range alertmanager.Templates() {
		files[path.Join("alertmanager", name)] = text
	}
	for name, text := range boards {
		files[path.Join("dashboards", name)] = text
	}
	vendored, err := vendorable(p, files)
	if err != nil {
		return nil, fmt.Errorf("mixin: %w", err)
	}
	maps.Copy(files, vendored)
	wanted := slices.Concat(o.Only, o.Also)
	whole := packaging.Bundle{Options: o.Packaging, Policy: p, Files: maps.Clone(files)}
	for _, packed := range packaging.Named(wanted) {
		more, err := packed.Pack(whole)
		if err != nil {
			return nil, err
		}
		maps.Copy(files, more)
	}
	if err := o.rewrite(files, p); err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	maps.DeleteFunc(files, func(name string, _ []byte) bool {
		part, _, _ := strings.Cut(name, "/")
		return len(o.Only) > 0 && !slices.Contains(wanted, part)
	})
	return files, nil
}

// rewrite replaces the dashboards by those of the schema that is asked for. Packagings and the vendorable mixin keep
// the classic one: what reads them knows no other.
func (o Options) rewrite(files Files, p *config.Policy) error {
	if o.DashboardSchema != SchemaV2 {
		return nil
	}
	model, err := dashboards.Model(p)
	if err != nil {
		return err
	}
	resources, err := schemav2.Build(model)
	if err != nil {
		return err
	}
	for name, text := range resources {
		files[path.Join("dashboards", name)] = text
	}
	return nil
}

func (o Options) routes(p *config.Policy) ([]byte, error) {
	switch {
	case o.Shadow != "" && o.Base != nil:
		return alertmanager.InsertShadow(o.Base, p, o.Shadow)
	case o.Shadow != "":
		return alertmanager.BuildShadow(p, o.Shadow)
	case o.Base != nil:
		return alertmanager.Insert(o.Base, p)
	}
	return alertmanager.Build(p)
}

// Write lays the files out below a directory.
func (f Files) Write(dir string) error {
	for name, text := range f {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
