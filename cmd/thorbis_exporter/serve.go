package main

import (
	"context"
	"io"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/exporter"
	"github.com/thorbis/thorbis_exporter/internal/command"
)

// serve is the default command. Its flags belong to the program, so that --help shows them.
type serve struct {
	*flags
	name                string
	options             exporter.Options
	collectors          map[string]*bool
	logLevel, logFormat string

	receiveAddress, receiveConfig string
}

func newServe(app *kingpin.Application, f *flags) *serve {
	s := &serve{flags: f, collectors: map[string]*bool{}}
	s.name = app.Command("serve", "Run the exporter (the default).").Default().FullCommand()
	app.Flag("web.enable-lifecycle", "Allow reloading the policy by POST or PUT to /-/reload.").
		BoolVar(&s.options.EnableLifecycle)
	app.Flag("web.external-url", "URL under which a browser reaches the exporter, through a reverse proxy for example. "+
		"Its path prefixes all links and, without --web.route-prefix, all pages.").StringVar(&s.options.ExternalURL)
	app.Flag("web.route-prefix", "Path below which all pages are served, the metrics too; "+
		"by default that of --web.external-url.").StringVar(&s.options.RoutePrefix)
	app.Flag("web.probe-any-target", "Allow /probe for targets that the policy does not name. Anyone who reaches the "+
		"port can then look around your network, with the credentials of the modules.").BoolVar(&s.options.ProbeAnyTarget)
	app.Flag("storage.path", "Directory for state that survives a restart; empty keeps it in memory only.").
		Default("data/").StringVar(&s.options.StoragePath)
	app.Flag("receive.listen-address",
		"Where request logs and pings of procedures are received; empty receives none. Nothing else is served there.").
		StringVar(&s.receiveAddress)
	app.Flag("receive.config.file", "Web configuration (TLS, users) of the receiving listener.").
		StringVar(&s.receiveConfig)
	paths := collectors.DefaultPaths()
	app.Flag("host", "Name of this machine in the series about its storage and itself; its host name if empty.").
		StringVar(&s.options.Host)
	app.Flag("health.shard", "Which part of the health checks of its location this exporter probes: its number, "+
		"from 0 on, and of how many, such as 1/4.").SetValue(&s.options.HealthShard)
	app.Flag("tenant.shard", "Which part of the partitions of streams (kafka, nats) this exporter counts: its number, "+
		"from 0 on, and of how many, such as 3/8.").SetValue(&s.options.TenantShard)
	app.Flag("path.procfs", "Where procfs of the machine watched is mounted.").Default(paths.Procfs).
		StringVar(&s.options.Paths.Procfs)
	app.Flag("path.sysfs", "Where sysfs of the machine watched is mounted.").Default(paths.Sysfs).
		StringVar(&s.options.Paths.Sysfs)
	app.Flag("path.rootfs", "Where the root of the machine watched is mounted.").Default(paths.Rootfs).
		StringVar(&s.options.Paths.Rootfs)
	for _, d := range exporter.Definitions {
		value := "false"
		if d.Default {
			value = "true"
		}
		s.collectors[d.Name] = app.Flag("collector."+d.Name, d.Help).Default(value).Bool()
	}
	app.Flag("log.level", "Only log messages of this level or above.").Default("info").EnumVar(&s.logLevel,
		exporter.LogLevels...)
	app.Flag("log.format", "Format of log messages.").Default("logfmt").EnumVar(&s.logFormat, exporter.LogFormats...)
	return s
}

// loadPolicy reads the policy of a server, again at each reload.
var loadPolicy = config.LoadContext

// load reads the policy from what can be read again at a reload.
func (s *serve) load(ctx context.Context) (*config.Policy, error) { return s.read(ctx, loadPolicy) }

func (s *serve) run(ctx context.Context, hangup <-chan os.Signal, stderr io.Writer) error {
	logger, err := exporter.NewLogger(stderr, s.logLevel, s.logFormat)
	if err != nil {
		return err
	}
	if n := command.EndOrphans(); n > 0 {
		logger.Warn("Programs of an exporter that was killed were ended", "programs", n)
	}
	o := s.options
	o.Receive = exporter.ReceiveFlags(s.receiveAddress, s.receiveConfig)
	o.Logger, o.Load, o.Location, o.Web = logger, s.load, s.location, s.web
	o.Hangup = hangup
	o.Collectors = map[string]bool{}
	for name, on := range s.collectors {
		o.Collectors[name] = *on
	}
	saveMemory(ctx, "/")
	return exporter.Run(ctx, o)
}
