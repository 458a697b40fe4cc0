// Command thorbis_mixin generates what judges, routes and shows from the policy: Prometheus' rules,
// Alertmanager's configuration and Grafana's dashboards.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin/importer"
)

// listenAddress is where the embedded default expects the exporter.
const listenAddress = ":10088"

func main() {
	os.Exit(exitCode(run(os.Args[1:], os.Stdout), os.Stderr))
}

// numberRE matches the error of strconv that kingpin returns for a number.
var numberRE = regexp.MustCompile(`^strconv\.\w+: parsing (".*"): .*$`)

// errUsage marks an error in the arguments.
var errUsage = errors.New("try --help")

// exitCode reports an error and returns 0 without one, 2 for wrong usage, 3 where diff found differences and 1 for
// every other failure.
func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "thorbis_mixin:", err)
		return 2
	}
	if errors.Is(err, errDiffers) {
		return exitDiffers
	}
	// Joined errors are one a line, so that each file:line can be clicked.
	fmt.Fprintln(stderr, strings.TrimSpace(err.Error()))
	return 1
}

// run parses the arguments and runs the command that they name.
func run(args []string, out io.Writer) error {
	app := kingpin.New("thorbis_mixin", "Generates rules, routes and dashboards from the policy.")
	app.UsageWriter(out)
	shown := version.Print("thorbis_mixin")
	if slices.Contains(args, "--help-man") {
		shown = version.Version // the header of a man page is one line
	}
	app.Version(shown)
	app.HelpFlag.Short('h')
	file := app.Flag("config.file",
		"The policy, a file or a directory. Without it the embedded default, which watches the exporter itself.").String()

	generate := app.Command("generate", "Write the generated files.")
	outDir := generate.Flag("out", "Directory below which to write.").Default(".").String()
	generateBundle := bundleFlags(generate)

	check := app.Command("check",
		"List generated files that differ from the policy, and check that promtool and amtool accept them.")
	checkDir := check.Flag("dir", "Directory below which the files are.").Default(".").String()
	var checkFormat string
	formatFlag(check, &checkFormat)
	checkBundle := bundleFlags(check)

	routes := routeTests(app)

	backtests, backtestFlags := newBacktest(app)
	trials := newTry(app)

	page, pageFlags := newPreview(app)

	drills := newDrill(app)

	explains, diffs := newExplain(app), newDiff(app)

	imports := app.Command("import", "Convert another tool's configuration into a part of the policy, on standard output.")
	modules := imports.Flag("modules", "Where to write the modules of imported checks, beside the policy.").
		Default(importer.ModulesFile).String()
	convert := map[string]func() error{} // by full command
	for _, i := range importer.Importers {
		c := imports.Command(i.Name, i.Help)
		source := c.Arg("file", i.FileHelp).Required().String()
		convert[c.FullCommand()] = func() error { return printImport(*source, *modules, i.Convert, out) }
	}

	command, err := app.Parse(args)
	if err != nil {
		return fmt.Errorf("%s; %w", numberRE.ReplaceAllString(err.Error(), "invalid number $1: write it like 0.5"), errUsage)
	}
	if run, ok := convert[command]; ok {
		return run()
	}
	p, err := load(*file)
	if err != nil {
		return err
	}
	switch command {
	case backtests.FullCommand():
		return backtestFlags.run(p, out)
	case trials.command:
		return trials.run(p, out)
	case drills.command:
		return drills.run(p, out)
	case explains.command:
		return explains.run(p, out)
	case diffs.command:
		return diffs.run(*file, p, out)
	case page.FullCommand():
		return pageFlags.run(p, out)
	case generate.FullCommand():
		files, err := generateBundle.render(p)
		if err != nil {
			return err
		}
		return files.Write(*outDir)
	case routes.command:
		return routes.run(func() (*config.Policy, error) { return p, nil }, out)
	}
	files, err := checkBundle.render(p)
	if err != nil {
		return err
	}
	return verify(files, *checkDir, checkFormat, out)
}

func load(file string) (*config.Policy, error) {
	if file == "" {
		return config.Default(listenAddress)
	}
	return config.LoadOnce(context.Background(), file, os.Stdin)
}
