// Command thorbis_exporter measures the service level indicators of a policy and exposes them to Prometheus.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/exporter"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// numberRE matches the error of strconv that kingpin returns for a number.
var numberRE = regexp.MustCompile(`^strconv\.\w+: parsing (".*"): .*$`)

const defaultListenAddress = ":10088"

func main() {
	// Before anything else: a reload that comes while we start must not end the process.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	patience.Store(int64(exporter.StopTimeout))
	go func() {
		<-ctx.Done()
		time.Sleep(time.Duration(patience.Load()))
		_, _ = fmt.Fprintln(os.Stderr, "thorbis_exporter: ended before all work had stopped")
		os.Exit(1)
	}()
	code := run(ctx, os.Args[1:], hangup, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// patience is how long main waits after a signal for the command to end: a server that hangs ends after 2 s, a test of
// a backup has time to end its programs and to delete what it restored.
var patience atomic.Int64

const backupPatience = 10 * time.Second

// flags are what the commands share.
type flags struct {
	configFile, location string
	web                  *web.FlagConfig
	stdout, stderr       io.Writer
}

// run returns the exit code: 0, 1 for a failure, 2 for wrong usage, 3 for a report that rests on something that is
// missing or disagrees.
func run(ctx context.Context, args []string, hangup <-chan os.Signal, stdout, stderr io.Writer) int {
	masked := secret.NewWriter(stdout)
	defer func() { _ = masked.Flush() }()
	stdout = masked
	f := &flags{stdout: stdout, stderr: stderr}
	app := kingpin.New("thorbis_exporter",
		"Measures the service level indicators of a multi-tenant platform, for Prometheus.")
	app.UsageWriter(stdout).ErrorWriter(stderr)
	shown := version.Print("thorbis_exporter")
	if slices.Contains(args, "--help-man") {
		shown = version.Version // the header of a man page is one line
	}
	app.Version(shown)
	app.HelpFlag.Short('h')
	terminated := -1
	app.Terminate(func(code int) { terminated = code })

	app.Flag("config.file", "The policy: a file or a directory of files; for commands that end, "+
		"also - for standard input. Without it the embedded default watches this exporter.").StringVar(&f.configFile)
	app.Flag("location", "Where this exporter probes from; overrides the policy's location.").StringVar(&f.location)
	f.web = kingpinflag.AddFlags(app, defaultListenAddress)
	serve := newServe(app, f)
	check := newCheckConfig(app, f)
	configs := newConfigs(app, f)
	probe := newProbe(app, f)
	tenants := newTenants(app, f)
	backups := newBackups(app, f)
	states := newStates(app, f, &serve.options.StoragePath)
	procedure := newRun(app, args)
	done := newDone(app)
	writeUp := newWriteUp(app)
	reporting := newReports(app, f)

	command, err := app.Parse(completing(args))
	if terminated >= 0 {
		return terminated
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "thorbis_exporter: %s; try --help\n",
			numberRE.ReplaceAllString(err.Error(), "invalid number $1: write a whole number"))
		return 2
	}
	if command != serve.name {
		signal.Reset(syscall.SIGHUP) // a terminal that closes ends the other commands
	}
	switch command {
	case check.name:
		err = check.run(ctx)
	case probe.name:
		err = probe.run(ctx)
	case tenants.name:
		err = tenants.run(ctx, stderr)
	case procedure.command:
		patience.Store(int64(signalled))
		var code int
		if code, err = procedure.run(ctx, stderr); err == nil {
			return code
		}
	case done.command:
		err = done.run(ctx)
	case writeUp.command:
		err = writeUp.run(ctx, stderr)
	default:
		if run, ok := configs.run[command]; ok {
			err = run(ctx, stderr)
			break
		}
		if run, ok := states.run[command]; ok {
			err = run(ctx, stderr)
			break
		}
		if run, ok := reporting.run[command]; ok {
			var code int
			if code, err = run(ctx, stderr); err == nil {
				return code
			}
			break
		}
		if run, ok := backups.run[command]; ok {
			patience.Store(int64(backupPatience))
			err = run(ctx)
			break
		}
		err = serve.run(ctx, hangup, stderr)
	}
	if err != nil {
		// Joined errors are one a line, so that each file:line can be clicked.
		_, _ = fmt.Fprintln(stderr, secret.Mask(strings.TrimSpace(err.Error())))
		return 1
	}
	return 0
}

// load reads the policy that the flags name, for a command that reads it once: also from standard input or a pipe.
func (f *flags) load(ctx context.Context) (*config.Policy, error) {
	return f.read(ctx, func(ctx context.Context, name string) (*config.Policy, error) {
		return config.LoadOnce(ctx, name, os.Stdin)
	})
}

func (f *flags) read(ctx context.Context,
	from func(context.Context, string) (*config.Policy, error),
) (p *config.Policy, err error) {
	if f.configFile != "" {
		p, err = from(ctx, f.configFile)
	} else {
		p, err = config.Default((*f.web.WebListenAddresses)[0])
	}
	if err != nil {
		return nil, err
	}
	if f.location != "" {
		p.Location = f.location
	}
	p.LearnSecrets(ctx)
	return p, nil
}
