package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
)

// tenants reads logs once, as the exporter would, and prints what it would expose: to try a format or a
// policy on yesterday's log before trusting it.
type tenants struct {
	*flags
	name         string
	once         bool
	format, host string
	files        []string
}

func newTenants(app *kingpin.Application, f *flags) *tenants {
	t := &tenants{flags: f}
	command := app.Command("tenants", "Count the requests of log files by tenant and print the exposition; exit 1 if a file cannot be read.")
	t.name = command.FullCommand()
	command.Flag("once", "Read the files to their ends, print and end.").Required().BoolVar(&t.once)
	command.Flag("format", "Format of the files.").Required().EnumVar(&t.format, config.Formats...)
	command.Flag("tenant-host", "Host of a tenant, such as {tenant}.example.com; instead of a policy's.").StringVar(&t.host)
	command.Arg("file", "Files, compressed or not; - is standard input.").Required().StringsVar(&t.files)
	return t
}

func (t *tenants) run(ctx context.Context, stderr io.Writer) error {
	policy, err := t.load()
	if err != nil {
		return err
	}
	if t.host != "" {
		policy.Tenants.Host, policy.Tenants.Hosts, policy.Tenants.Path = t.host, nil, ""
		if t.configFile == "" {
			policy.Tenants.Registry = config.Registry{}
		}
	}
	source, err := t.source(policy)
	if err != nil {
		return err
	}
	bar := newBar(stderr, t.files)
	summary, err := tenant.Once(ctx, tenant.Options{Logger: slog.New(slog.DiscardHandler)}, policy, source, t.files, t.stdout, bar.add)
	bar.end()
	var left []string
	for _, reason := range slices.Sorted(maps.Keys(summary.Left)) {
		left = append(left, fmt.Sprintf(", %d %s", summary.Left[reason], reason))
	}
	_, _ = fmt.Fprintf(stderr, "%d lines, %d tenants%s\n", summary.Lines, summary.Tenants, strings.Join(left, ""))
	return err
}

// source is the policy's source of the format, for its fields and its way to a tenant; or one of the format alone.
func (t *tenants) source(p *config.Policy) (*config.Source, error) {
	for _, s := range p.Tenants.Sources {
		if s.Format == t.format {
			s := *s
			s.File, s.Receive, s.Stdin = "", "", true
			return &s, nil
		}
	}
	if t.format == "json" {
		return nil, errors.New("the format json needs a policy with a source that names its fields")
	}
	by := "host"
	if p.Tenants.Host == "" && len(p.Tenants.Hosts) == 0 {
		if p.Tenants.Path == "" {
			return nil, errors.New("nothing leads to a tenant; name a host pattern with --tenant-host, or a policy with --config.file")
		}
		by = "path"
	}
	service := "default"
	if len(p.Services) > 0 {
		service = p.Services[0].Name
	}
	return &config.Source{Name: "once", AppService: service, Format: t.format, Stdin: true, TenantBy: by, DurationUnit: "s"}, nil
}

// bar shows progress on a terminal.
type bar struct {
	out   io.Writer // nil if it is no terminal, or the size is not known
	total int64
	read  atomic.Int64
	shown atomic.Int64 // Unix milliseconds
}

func newBar(out io.Writer, files []string) *bar {
	b := &bar{}
	f, ok := out.(*os.File)
	if !ok {
		return b
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return b
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return b
		}
		b.total += info.Size()
	}
	b.out = out
	return b
}

func (b *bar) add(n int) {
	read := b.read.Add(int64(n))
	now, last := time.Now().UnixMilli(), b.shown.Load()
	if b.out == nil || b.total == 0 || now-last < 100 || !b.shown.CompareAndSwap(last, now) {
		return
	}
	const width = 40
	share := min(float64(read)/float64(b.total), 1)
	done := int(share * width)
	_, _ = fmt.Fprintf(b.out, "\r[%s%s] %3.0f %%", strings.Repeat("=", done), strings.Repeat(" ", width-done), 100*share)
}

func (b *bar) end() {
	if b.out != nil {
		_, _ = fmt.Fprint(b.out, "\r\033[K")
	}
}
