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
	sourceName   string
	fields       map[string]string
	durationUnit string
	files        []string
}

func newTenants(app *kingpin.Application, f *flags) *tenants {
	t := &tenants{flags: f, fields: map[string]string{}}
	command := app.Command("tenants",
		"Count the requests of log files by tenant and print the exposition; exit 1 if a file cannot be read.")
	t.name = command.FullCommand()
	command.Flag("once", "Read the files to their ends, print and end.").Required().BoolVar(&t.once)
	command.Flag("format", "Format of the files: "+strings.Join(config.Formats, ", ")+
		"; auto finds it and prints it; not needed with --source.").
		EnumVar(&t.format, append([]string{autoFormat}, config.Formats...)...)
	command.Flag("source", "Name of the policy's source whose format, fields and way to a tenant are used.").
		StringVar(&t.sourceName)
	command.Flag("field", "Key of a field, such as host=http_host, beside or instead of the source's; may be repeated.").
		StringMapVar(&t.fields)
	command.Flag("duration-unit", "Unit of durations where the format leaves it open: s, ms, us or ns.").EnumVar(
		&t.durationUnit, "s", "ms", "us", "ns")
	command.Validate(func(*kingpin.CmdClause) error {
		if t.format == "" && t.sourceName == "" {
			return errors.New("required flag(s) '--format' or '--source' not provided")
		}
		return nil
	})
	command.Flag("tenant-host", "Host of a tenant, such as {tenant}.example.com; instead of a policy's.").
		StringVar(&t.host)
	command.Arg("file", "Files, compressed or not; - is standard input.").Required().StringsVar(&t.files)
	return t
}

// stdin is the name of standard input, of which the parser of the command line leaves nothing.
const stdin = "-"

func (t *tenants) run(ctx context.Context, stderr io.Writer) error {
	policy, err := t.load(ctx)
	if err != nil {
		return err
	}
	for i, name := range t.files {
		if name == "" {
			name = stdin
			t.files[i] = name
		}
		if name == stdin && slices.Contains(t.files[:i], stdin) {
			return errors.New("duplicate standard input: write - once")
		}
	}
	if t.host != "" {
		if !config.HostPattern(t.host) {
			return fmt.Errorf("--tenant-host: invalid pattern %q: write it like {tenant}.example.com, in lower case", t.host)
		}
		policy.Tenants.Host, policy.Tenants.Hosts, policy.Tenants.Path = t.host, nil, ""
		if t.configFile == "" {
			policy.Tenants.Registry = config.Registry{}
		}
	}
	if t.format == autoFormat {
		if t.format, err = findFormat(t.files[0], stderr); err != nil {
			return err
		}
	}
	source, err := t.source(policy)
	if err != nil {
		return err
	}
	bar := newBar(stderr, t.files)
	sum, err := tenant.Once(ctx, tenant.Options{Logger: slog.New(slog.DiscardHandler)},
		policy, source, t.files, writerFunc(func(page []byte) (int, error) {
			bar.end() // the exposition may go to the same terminal
			return t.stdout.Write(page)
		}), bar.add)
	bar.end()
	_, _ = fmt.Fprintln(stderr, summary(&sum))
	for _, hint := range t.why(policy, source, &sum) {
		_, _ = fmt.Fprintln(stderr, hint)
	}
	return err
}

// summary says in a line what became of the lines.
func summary(s *tenant.Summary) string {
	number := func(n uint64, what string) string {
		if n == 1 {
			return "1 " + what
		}
		return fmt.Sprintf("%d %ss", n, what)
	}
	parts := []string{
		number(s.Lines, "line"), number(s.Requests, "request") + " of " + number(uint64(s.Tenants), "tenant"),
	}
	if s.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d of them of no tenant", s.Unknown))
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Skipped)) {
		parts = append(parts, fmt.Sprintf("%d %s", s.Skipped[reason], reason))
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Unreadable)) {
		parts = append(parts, number(s.Unreadable[reason], "unreadable duration")+" ("+reason+")")
	}
	return strings.Join(parts, ", ")
}

// source is the policy's source of the name or format, for its fields and its way to a tenant; or one of the format
// alone. The command line's fields and unit replace its own.
func (t *tenants) source(p *config.Policy) (*config.Source, error) {
	for field := range t.fields {
		if !slices.Contains(config.EventFields, field) {
			return nil, fmt.Errorf("--field: unknown field %q: write one of %s", field, strings.Join(config.EventFields, ", "))
		}
	}
	s, err := t.basis(p)
	if err != nil {
		return nil, err
	}
	s.Fields = maps.Clone(s.Fields)
	if s.Fields == nil {
		s.Fields = map[string]string{}
	}
	maps.Copy(s.Fields, t.fields)
	if t.durationUnit != "" {
		s.DurationUnit = t.durationUnit
	}
	return s, nil
}

// basis is a source without what the command line changes of it.
func (t *tenants) basis(p *config.Policy) (*config.Source, error) {
	var found []*config.Source
	var names []string
	for _, s := range p.Tenants.Sources {
		if t.sourceName == "" && s.Format == t.format || t.sourceName != "" && s.Name == t.sourceName {
			found = append(found, s)
		}
		names = append(names, s.Name)
	}
	switch {
	case len(found) > 1:
		names = nil
		for _, s := range found {
			names = append(names, s.Name)
		}
		return nil, fmt.Errorf("the policy has %d sources of the format %s: choose one with --source: %s", len(found),
			t.format, strings.Join(names, ", "))
	case len(found) == 1:
		s := *found[0]
		if t.format != "" && t.format != s.Format {
			return nil, fmt.Errorf("--format: the format of source %s is %s: leave out --format", s.Name, s.Format)
		}
		s.File, s.Receive, s.Stdin, s.Locations = "", "", true, nil
		return &s, nil
	case t.sourceName != "":
		return nil, fmt.Errorf("--source: unknown source %q: %s", t.sourceName, config.Suggest(t.sourceName, names))
	}
	if t.format == "json" && t.fields["status"] == "" {
		return nil, errors.New(
			"missing fields of the format json: write --field=status=KEY and others, or a policy with a source that names them")
	}
	by := "host"
	if p.Tenants.Host == "" && len(p.Tenants.Hosts) == 0 {
		if p.Tenants.Path == "" {
			return nil, errors.New(
				"missing way from a request to its tenant: write --tenant-host, or a policy with --config.file")
		}
		by = "path"
	}
	service := "default"
	if len(p.Services) > 0 {
		service = p.Services[0].Name
	}
	return &config.Source{
		Name: "once", AppService: service, Format: t.format, Stdin: true, TenantBy: by, DurationUnit: "s",
	}, nil
}

// bar shows progress on a terminal.
type bar struct {
	out   io.Writer // nil if it is no terminal, or the size is not known
	total int64
	read  atomic.Int64
	shown atomic.Int64 // Unix milliseconds
	ended bool
}

// writerFunc is a function that writes.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

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
	if b.out != nil && !b.ended {
		b.ended = true
		_, _ = fmt.Fprint(b.out, "\r\033[K")
	}
}
