package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin"
	"github.com/thorbis/thorbis_exporter/mixin/importer"
	"github.com/thorbis/thorbis_exporter/mixin/packaging"
)

// bundle says by its flags how the bundle is to live with what is there.
type bundle struct {
	shadow        bool
	shadowChannel string
	base          string
	only          []string
	schema        string
	kubernetes    bool
	packaging     packaging.Options
}

func bundleFlags(command *kingpin.CmdClause) *bundle {
	b := &bundle{packaging: packaging.Options{Labels: map[string]string{}}}
	command.Flag("shadow", `Label every alert shadow="true" and notify one channel only, to see what would happen.`).
		BoolVar(&b.shadow)
	command.Flag("shadow.channel", "The channel of the policy that --shadow notifies.").Default("shadow").
		StringVar(&b.shadowChannel)
	command.Flag("alertmanager.base",
		"Your own Alertmanager configuration: ours becomes one route of it, the rest stays byte for byte.").StringVar(&b.base)
	command.Flag("only", "Leave out everything but this part; may be repeated. "+partsHelp()).
		EnumsVar(&b.only, mixin.Parts...)
	command.Flag("dashboards.schema", "Schema of the files in dashboards/: classic, which file provisioning and sidecars "+
		"read, or v2, resources of Grafana 13 for Git Sync, gcx and the API.").Default(mixin.SchemaClassic).
		EnumVar(&b.schema, mixin.DashboardSchemas...)
	command.Flag("kubernetes", "Also pack the parts into objects, "+
		"as the Prometheus Operator and Grafana's sidecar read them.").BoolVar(&b.kubernetes)
	command.Flag("kubernetes.namespace", "Namespace of the objects; empty leaves it to kubectl.").
		StringVar(&b.packaging.Namespace)
	command.Flag("kubernetes.label", "Label of each object of the Prometheus Operator that your Prometheus selects, "+
		"like release=prometheus; may be repeated.").StringMapVar(&b.packaging.Labels)
	command.Flag("kubernetes.secret", "The Secret that holds the files of secrets which the policy names, "+
		"for --only=alertmanagerconfig.").Default("thorbis-secrets").StringVar(&b.packaging.Secret)
	command.Flag("kubernetes.target", "An exporter outside the cluster as HOST:PORT, for the ScrapeConfigs of "+
		"--only=operator; may be repeated.").StringsVar(&b.packaging.Targets)
	return b
}

// partsHelp lists the parts, and what each packaging is.
func partsHelp() string {
	var packagings []string
	for _, p := range packaging.Packagings {
		packagings = append(packagings, p.Name+" ("+p.Help+")")
	}
	own := mixin.Parts[:len(mixin.Parts)-len(packagings)]
	return "Parts: " + strings.Join(own, ", ") + ". Packagings, which are made only when they are named: " +
		strings.Join(packagings, ", ") + "."
}

// render generates the files and has them read by the code of the programs that will load them.
func (b *bundle) render(p *config.Policy) (mixin.Files, error) {
	if b.schema != mixin.SchemaClassic && len(b.only) > 0 && !slices.Contains(b.only, "dashboards") {
		return nil, fmt.Errorf("--dashboards.schema=%s changes only dashboards/, which --only leaves out: "+
			"add --only=dashboards; %w", b.schema, errUsage)
	}
	o := mixin.Options{Only: b.only, Packaging: b.packaging, DashboardSchema: b.schema}
	if b.shadow {
		o.Shadow = b.shadowChannel
	}
	if b.kubernetes {
		o.Also = []string{"kubernetes"}
	}
	if b.base != "" {
		text, err := readBase(b.base)
		if err != nil {
			return nil, err
		}
		o.Base = text
		warnings, err := alertmanager.BaseWarnings(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.base, err)
		}
		for _, w := range warnings {
			fmt.Fprintf(os.Stderr, "warning: %s: %s\n", b.base, w)
		}
	}
	files, err := o.Render(p)
	if err != nil {
		return nil, err
	}
	return files, files.Validate()
}

func readBase(name string) ([]byte, error) {
	text, err := importer.ReadFile(name)
	if err == nil && len(text) == 0 {
		err = errors.New("is empty; an Alertmanager configuration is expected")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}
