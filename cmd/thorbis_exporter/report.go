package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	pconfig "github.com/prometheus/common/config"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/send"
	"github.com/thorbis/thorbis_exporter/report/sla"
	"github.com/thorbis/thorbis_exporter/report/source"
)

// exitDoubtful is the exit code of a report that was written and rests on something that is missing or disagrees.
const exitDoubtful = 3

// defaultExporter is the exporter that is read where no flag names a source.
const defaultExporter = "http://localhost:10088"

// reports is the family of commands that write reports.
type reports struct {
	*flags
	exporters, states []string
	prometheus        string
	scrape            time.Duration
	http              string
	formats           []string
	out, send         string
	run               map[string]func(ctx context.Context, stderr io.Writer) (int, error)
	now               func() time.Time
}

func newReports(app *kingpin.Application, f *flags) *reports {
	r := &reports{flags: f, run: map[string]func(context.Context, io.Writer) (int, error){}, now: time.Now}
	family := app.Command("report", "Write reports on contracts; exit 3 if one is written that rests on something that "+
		"is missing or disagrees.")
	family.Flag("exporter.url", "Exporter whose history is read, such as "+defaultExporter+"; may be repeated.").
		StringsVar(&r.exporters)
	family.Flag("state", "State directory of an exporter, its --storage.path, read instead of the exporter; "+
		"may be repeated.").StringsVar(&r.states)
	family.Flag("prometheus.url", "Prometheus that scrapes the exporters, for incidents, for days that no "+
		"exporter has, and to compare with.").
		StringVar(&r.prometheus)
	family.Flag("prometheus.scrape-interval", "By how much exporters and Prometheus may disagree.").Default("15s").
		DurationVar(&r.scrape)
	family.Flag("http.config.file", "How to reach exporters and Prometheus: basic_auth, authorization, tls_config.").
		StringVar(&r.http)
	family.Flag("format", "Format: "+strings.Join(report.Formats, ", ")+"; may be repeated. "+
		"Default: md, and with --out all.").EnumsVar(&r.formats, report.Formats...)
	family.Flag("out", "File or directory to write into, instead of standard output.").StringVar(&r.out)
	family.Flag("send", "Channel of the policy to which the report is sent: slack, msteams, email or webhook.").
		StringVar(&r.send)
	newReportSLA(family, r)
	newReportIncident(family, r)
	newReportReviews(family, r)
	newReportEvidence(family, r)
	newReportStatus(family, r)
	return r
}

// client returns the client by which servers are reached.
func (r *reports) client() (*http.Client, error) {
	if r.http == "" {
		return nil, nil
	}
	how, _, err := pconfig.LoadHTTPConfigFile(r.http)
	if err != nil {
		return nil, fmt.Errorf("--http.config.file: %w", err)
	}
	return pconfig.NewClientFromConfig(*how, "report")
}

// inputs are what a report is made of.
type inputs struct {
	histories  []source.History
	sources    []report.Source
	prometheus *source.Prometheus
	// defects are what is wrong with the sources themselves.
	defects []string
}

// open opens the sources that the flags name, and the default exporter if they name none.
func (r *reports) open(ctx context.Context, p *config.Policy) (*inputs, error) {
	exporters := r.exporters
	if len(exporters)+len(r.states) == 0 {
		exporters = []string{defaultExporter}
	}
	return r.openAll(ctx, p, exporters)
}

func (r *reports) openAll(ctx context.Context, p *config.Policy, exporters []string) (*inputs, error) {
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	in := &inputs{}
	if r.prometheus != "" {
		c, err := source.NewClient(r.prometheus, client)
		if err != nil {
			return nil, fmt.Errorf("--prometheus.url: %w", err)
		}
		in.prometheus = &source.Prometheus{Client: c}
	}
	for _, address := range exporters {
		c, err := source.NewClient(address, client)
		if err != nil {
			return nil, fmt.Errorf("--exporter.url: %w", err)
		}
		in.histories = append(in.histories, source.NewExporter(c, p.SLA.Zone()))
	}
	for _, path := range r.states {
		d, err := source.OpenDirectory(path, p)
		if err != nil {
			return nil, err
		}
		in.histories = append(in.histories, d)
	}
	for _, h := range in.histories {
		s, err := h.Source(ctx)
		if err != nil {
			return nil, err
		}
		if s.PolicyHash != "" && s.PolicyHash != p.Hash() {
			s.Note = strings.TrimPrefix(s.Note+"; another policy is in force there", "; ")
			in.defects = append(in.defects, fmt.Sprintf("The policy of this report is not the one in force at %s.", s.Address))
		}
		in.sources = append(in.sources, s)
	}
	if in.prometheus != nil {
		in.sources = append(in.sources, report.Source{Kind: "Prometheus", Address: r.prometheus})
	}
	return in, nil
}

// openSome is open for a report that does not need the histories of exporters: only those that flags name are read.
func (r *reports) openSome(ctx context.Context, p *config.Policy) (*inputs, error) {
	return r.openAll(ctx, p, r.exporters)
}

// shared reads what the exporters recorded of checks that are no tenant's own.
func (in *inputs) shared(ctx context.Context, r source.Range) ([]sla.Target, error) {
	var targets []sla.Target
	for _, h := range in.histories {
		more, err := h.Shared(ctx, r)
		if err != nil {
			return nil, err
		}
		targets = append(targets, more...)
	}
	return targets, nil
}

// exporters are the sources that are read over their HTTP API.
func (in *inputs) exporters() []*source.Exporter {
	var all []*source.Exporter
	for _, h := range in.histories {
		if e, ok := h.(*source.Exporter); ok {
			all = append(all, e)
		}
	}
	return all
}

// incidents returns where incidents are read from, one of them or all: the exporters, then Prometheus. It is nil where
// there is neither.
func (in *inputs) incidents(p *config.Policy, id string, progress func(float64)) report.Incidents {
	all := &source.Incidents{ID: id, Exporters: in.exporters()}
	if in.prometheus != nil {
		fingerprint, _, _ := strings.Cut(id, "-")
		all.Scraped = &source.ScrapedIncidents{
			Prometheus: in.prometheus, Environment: p.Environment, ID: fingerprint, Progress: progress,
		}
	}
	if len(all.Exporters) == 0 && all.Scraped == nil {
		return nil
	}
	return all
}

// chosen returns the formats to write in: those of the flags, that of the name of a file, or the default.
func (r *reports) chosen(many []string) []string {
	if len(r.formats) > 0 {
		return r.formats
	}
	if f := r.file(); f != "" {
		return []string{f}
	}
	if r.out != "" {
		return many
	}
	return []string{"md"}
}

// file returns the format of --out if it names a file, empty if it names a directory.
func (r *reports) file() string {
	if info, err := os.Stat(r.out); err == nil && info.IsDir() {
		return ""
	}
	if f := strings.TrimPrefix(filepath.Ext(r.out), "."); slices.Contains(report.Formats, f) {
		return f
	}
	return ""
}

// publish writes a report under a name, and sends it if that is asked for. A report that is sent is printed only if a
// format asks for it.
func (r *reports) publish(ctx context.Context, p *config.Policy, name string, d *report.Document, model any) error {
	if r.send == "" || r.out != "" || len(r.formats) > 0 {
		if err := r.write(name, r.chosen(report.Formats), d, model); err != nil || r.send == "" {
			return err
		}
	}
	return send.Send(ctx, p, r.send, send.Message{Name: name, Document: d, Model: model})
}

// write writes a report under a name, or to standard output.
func (r *reports) write(name string, formats []string, d *report.Document, model any) error {
	if r.out == "" {
		if len(formats) > 1 {
			return errors.New("several formats need --out: write the name of a directory")
		}
		return report.Write(r.stdout, formats[0], d, model)
	}
	for _, format := range formats {
		file := r.out
		if r.file() == "" {
			file = filepath.Join(r.out, name+"."+format)
		} else if len(formats) > 1 {
			return errors.New("several formats need a directory as --out")
		}
		text, err := report.Text(format, d, model)
		if err == nil {
			err = replaceFile(file, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replaceFile writes a file as a whole or not at all.
func replaceFile(name string, text []byte) error {
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, text, 0o640); err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return errors.Join(fmt.Errorf("the report cannot be written: %w", err), os.Remove(tmp))
	}
	return nil
}

// directory creates the directory of --out where it is to be one.
func (r *reports) directory() error {
	if r.out == "" || r.file() != "" {
		return nil
	}
	if err := os.MkdirAll(r.out, 0o750); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}
