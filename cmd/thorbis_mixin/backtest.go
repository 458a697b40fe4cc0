package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin/backtest"
	"github.com/thorbis/thorbis_exporter/rules"
)

// backtestFlags are the flags of the command backtest.
type backtestFlags struct {
	url, until, since, chunk, http *string
	format                         *string
	load                           *float64
	list                           *bool
}

func newBacktest(app *kingpin.Application) (*kingpin.CmdClause, backtestFlags) {
	c := app.Command("backtest",
		"Replay what a Prometheus has stored through the rules: what would have fired, and whom it would have paged.")
	f := replayFlags(c, "30d")
	f.list = c.Flag("list", "Also list every stretch for which an alert would have fired.").Bool()
	return c, f
}

// replayFlags are the flags that say what is replayed.
func replayFlags(c *kingpin.CmdClause, since string) backtestFlags {
	format := new(string)
	formatFlag(c, format)
	return backtestFlags{
		format: format,
		url:    c.Flag("prometheus", "URL of the Prometheus whose samples are read.").Required().String(),
		http: c.Flag("http.config.file", "How to reach it: basic_auth, authorization, oauth2, "+
			"tls_config and the rest of what promtool reads from a file of this name.").PlaceHolder("FILE").String(),
		since: c.Flag("since", "How far to look back, such as 30d.").Default(since).String(),
		until: c.Flag("until", "Where to stop, in RFC 3339; now if empty.").String(),
		chunk: c.Flag("chunk", "How much time's raw samples to read at once.").Default("2h").String(),
		load:  c.Flag("load", "Share of the time in which the server may be busy with us, 0 to 1.").Default("0.5").Float64(),
	}
}

// options reads the flags.
func (f backtestFlags) options(now time.Time) (backtest.Options, error) {
	since, err := model.ParseDuration(*f.since)
	if err != nil {
		return backtest.Options{}, fmt.Errorf("--since: invalid duration %q: write it like 30d", *f.since)
	}
	if since == 0 {
		return backtest.Options{}, fmt.Errorf("--since: invalid duration \"0s\": write more than 0, like 30d")
	}
	chunk, err := model.ParseDuration(*f.chunk)
	if err != nil || chunk == 0 {
		return backtest.Options{}, fmt.Errorf("--chunk: invalid duration %q: write it like 2h", *f.chunk)
	}
	if *f.load <= 0 || *f.load > 1 {
		return backtest.Options{}, fmt.Errorf("--load: must be more than 0 and at most 1")
	}
	at, err := url.Parse(*f.url)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return backtest.Options{}, fmt.Errorf("--prometheus: invalid URL %q: write it like http://prometheus:9090", *f.url)
	}
	client, err := f.client()
	if err != nil {
		return backtest.Options{}, fmt.Errorf("--http.config.file: %w", err)
	}
	until := now
	if *f.until != "" {
		if until, err = time.Parse(time.RFC3339, *f.until); err != nil {
			return backtest.Options{}, fmt.Errorf("--until: invalid time %q: write it like 2026-03-01T12:00:00Z", *f.until)
		}
		if until.After(now) {
			return backtest.Options{}, fmt.Errorf("--until: invalid time %q: it is in the future", *f.until)
		}
	}
	return backtest.Options{
		URL: *f.url, From: until.Add(-time.Duration(since)), To: until, Chunk: time.Duration(chunk), Load: *f.load,
		Interval: 15 * time.Second,
		Client:   client,
	}, nil
}

// client reads how to reach the server, secrets from the files that it names.
func (f backtestFlags) client() (*http.Client, error) {
	if *f.http == "" {
		return nil, nil
	}
	how, _, err := promconfig.LoadHTTPConfigFile(*f.http)
	if err != nil {
		return nil, err
	}
	client, err := promconfig.NewClientFromConfig(*how, "backtest")
	if err != nil {
		return nil, err
	}
	return client, nil
}

// run replays and prints what would have fired.
func (f backtestFlags) run(p *config.Policy, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := f.options(time.Now())
	if err != nil {
		return err
	}
	report, err := replay(ctx, p, options)
	if err != nil {
		return err
	}
	if *f.format == "json" {
		return writeJSON(out, report.Summary(p, *f.list))
	}
	report.Write(out, p, *f.list)
	return nil
}

// replay replays, with progress on standard error where that is a terminal.
func replay(ctx context.Context, p *config.Policy, options backtest.Options) (*backtest.Report, error) {
	bundle, err := rules.Build(p)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		options.OnProgress = progressBar(os.Stderr, time.Now())
	}
	return backtest.Run(ctx, bundle, options)
}

// progressBar draws one line over and over.
func progressBar(out io.Writer, began time.Time) func(backtest.Progress) {
	const width = 30
	return func(p backtest.Progress) {
		share := float64(p.At.Sub(p.From)) / float64(p.To.Sub(p.From))
		done := int(share * width)
		left := "?"
		if share > 0 {
			left = (time.Duration(float64(time.Since(began))*(1/share-1)) / time.Second * time.Second).String()
		}
		fmt.Fprintf(out, "\r[%-*s] %3.0f %%  %s  %d samples, %d alerts, %s left \x1b[K", width, bar[:done], 100*share,
			p.At.UTC().Format("2006-01-02 15:04"), p.Samples, p.Firings, left)
		if !p.At.Add(10 * time.Minute).Before(p.To) {
			fmt.Fprint(out, "\r\x1b[K")
		}
	}
}

const bar = "=============================="
