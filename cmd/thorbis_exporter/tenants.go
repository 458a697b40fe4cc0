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
	command.Flag("format", "Format of the files: "+strings.Join(config.Formats, ", ")+".").Required().EnumVar(&t.format, config.Formats...)
	command.Flag("tenant-host", "Host of a tenant, such as {tenant}.example.com; instead of a policy's.").StringVar(&t.host)
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
			return errors.New("there is one standard input only; name - once")
		}
	}
	if t.host != "" {
		if !config.HostPattern(t.host) {
			return fmt.Errorf("--tenant-host: %q is no pattern; write it like {tenant}.example.com, in lower case", t.host)
		}
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
	sum, err := tenant.Once(ctx, tenant.Options{Logger: slog.New(slog.DiscardHandler)}, policy, source, t.files, writerFunc(func(page []byte) (int, error) {
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
	parts := []string{number(s.Lines, "line"), number(s.Requests, "request") + " of " + number(uint64(s.Tenants), "tenant")}
	if s.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d of them of no tenant", s.Unknown))
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Left)) {
		parts = append(parts, fmt.Sprintf("%d %s", s.Left[reason], reason))
	}
	return strings.Join(parts, ", ")
}

// source is the policy's source of the format, for its fields and its way to a tenant; or one of the format alone.
func (t *tenants) source(p *config.Policy) (*config.Source, error) {
	for _, s := range p.Tenants.Sources {
		if s.Format == t.format {
			s := *s
			s.File, s.Receive, s.Stdin, s.Locations = "", "", true, nil
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
