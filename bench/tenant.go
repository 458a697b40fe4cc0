package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

var _ = register("tenant-lines", tenantLines)

// Targets of tenant-lines. They are ratios of processor times of one run, which hold on any machine.
const (
	ofEncodingJSON = 0.2 // file to saved counters, of encoding/json decoding the same lines
	jsonOfCombined = 1.2 // a byte of JSON, of a byte of combined
)

// lineRounds is how often each thing is measured. They take turns, and the least of each counts.
const lineRounds = 5

// lineCosts are the least processor times of one format.
type lineCosts struct {
	path                 string
	size                 int64
	ours, floor          time.Duration
	perSecond, twoAtOnce float64
	ofJSON               time.Duration // encoding/json over the same lines; 0 for another format
}

// tenantLines measures the way from a file to saved counters, with everything on that the exporter does: full JSON,
// tenants, histograms, the log on the disk. In the same run it measures encoding/json decoding the same lines, and what
// no reader can do without: reading the file and finding its line ends with bytes.IndexByte.
func tenantLines(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "bench-tenant-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	formats := []string{"nginx-json", "combined"}
	all := map[string]*lineCosts{}
	for _, format := range formats {
		r.say("writing %d lines of %s", 2*benchLines, format)
		c := &lineCosts{}
		if c.path, c.size, err = logFile(dir, format+".log", format, benchLines, benchTenants, 1); err != nil {
			return err
		}
		if _, _, err = logFile(dir, "second-"+format+".log", format, benchLines, benchTenants, 2); err != nil {
			return err
		}
		all[format] = c
	}
	for round := range lineRounds {
		r.say("round %d of %d", round+1, lineRounds)
		for _, format := range formats {
			if err := all[format].measure(ctx, dir, format); err != nil {
				return err
			}
		}
	}
	for _, format := range formats {
		c := all[format]
		each := func(d time.Duration) float64 { return float64(d) / benchLines }
		if c.ofJSON > 0 {
			ratio := float64(c.ours) / float64(c.ofJSON)
			r.add(figure{
				name:  format + ", file to saved counters",
				value: each(c.ours), unit: "CPU-ns/line", against: "encoding/json decoding the same lines",
				ratio: ratio, target: target("<= %.1f of it", ofEncodingJSON), met: ratio <= ofEncodingJSON,
			})
		}
		r.add(figure{
			name:  format + ", file to saved counters",
			value: each(c.ours), unit: "CPU-ns/line", against: "bytes.IndexByte over the same file",
			ratio: float64(c.ours) / float64(c.floor),
		})
		r.add(figure{name: format + ", bytes of a line", value: float64(c.size) / benchLines, unit: "bytes"})
		r.add(figure{name: format +
			", two files at once", value: c.twoAtOnce, unit: "lines/s", against: "one file", ratio: c.twoAtOnce / c.perSecond})
	}
	perByte := func(format string) float64 { return float64(all[format].ours) / float64(all[format].size) }
	ratio := perByte(formats[0]) / perByte(formats[1])
	r.add(figure{
		name: formats[0] + ", a byte", value: perByte(formats[0]), unit: "CPU-ns", against: "a byte of " + formats[1],
		ratio: ratio, target: target("<= %.1f of it", jsonOfCombined), met: ratio <= jsonOfCombined,
	})
	return nil
}

// measure measures each thing once.
func (c *lineCosts) measure(ctx context.Context, dir, format string) error {
	least := func(d *time.Duration, next time.Duration) {
		if *d == 0 || next < *d {
			*d = next
		}
	}
	one, err := readLog(ctx, dir, format, c.path, benchLines)
	if err != nil {
		return err
	}
	least(&c.ours, one.cpu)
	c.perSecond = max(c.perSecond, benchLines/one.took.Seconds())
	both, err := readLog(ctx, dir, format, filepath.Join(dir, "*"+format+".log"), 2*benchLines)
	if err != nil {
		return err
	}
	c.twoAtOnce = max(c.twoAtOnce, 2*benchLines/both.took.Seconds())
	floor, err := cpuOfReading(c.path, findLineEnds)
	if err != nil {
		return err
	}
	least(&c.floor, floor)
	if format != "combined" {
		decoded, err := cpuOfReading(c.path, decodeLines)
		if err != nil {
			return err
		}
		least(&c.ofJSON, decoded)
	}
	return nil
}

// cpuOfReading returns the processor time of a way to read a file.
func cpuOfReading(path string, read func(*os.File) (lines int, err error)) (time.Duration, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	runtime.GC()
	before := cpuTime()
	lines, err := read(f)
	used := cpuTime() - before
	if err == nil && lines != benchLines {
		err = fmt.Errorf("%s: %d lines were read, %d are there", path, lines, benchLines)
	}
	return used, err
}

// findLineEnds reads a file in blocks as large as those of the exporter.
func findLineEnds(f *os.File) (lines int, err error) {
	block := make([]byte, 256<<10)
	for {
		n, err := f.Read(block)
		for rest := block[:n]; ; lines++ {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				break
			}
			rest = rest[i+1:]
		}
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
	}
}

// decodeLines decodes each line with encoding/json into the fields that are counted.
func decodeLines(f *os.File) (lines int, err error) {
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 256<<10), 1<<20)
	for in.Scan() {
		var line struct {
			Host        string  `json:"host"`
			Status      int     `json:"status"`
			RequestTime float64 `json:"request_time"`
			BytesSent   uint64  `json:"bytes_sent"`
			Msec        float64 `json:"msec"`
			URI         string  `json:"uri"`
			Agent       string  `json:"http_user_agent"`
			Address     string  `json:"remote_addr"`
		}
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			return lines, err
		}
		if line.Host == "" || line.Status == 0 {
			return lines, errors.New("a line has no host or no status")
		}
		lines++
	}
	return lines, in.Err()
}

// reading is what a run of the collector took.
type reading struct{ cpu, took time.Duration }

// benchPolicy is a policy with one source.
func benchPolicy(dir, source string) (*config.Policy, error) {
	name := filepath.Join(dir, "thorbis.yaml")
	text := `version: 1
channels: {deadman: none}
objectives: {latency: [{threshold: 300ms, ratio: 95%}, {threshold: 1s, ratio: 99%}]}
services: [{name: web, owner: sre}]
tenants:
  host: "{tenant}.thorbis.app"
  path: "/t/{tenant}/"
  limit: 1000000
  histogram: both
  sources: [` + source + `]
`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return config.Load(name)
}

// readLog lets the server's own collector read the files of a glob from their beginnings, with its state on the disk.
func readLog(ctx context.Context, dir, format, pattern string, lines uint64) (reading, error) {
	return readSource(ctx, dir, "file: \""+pattern+"\", format: "+format, lines)
}

// readSource is readLog for any source, by its keys.
func readSource(ctx context.Context, dir, source string, lines uint64) (reading, error) {
	storage, err := os.MkdirTemp(dir, "data-")
	if err != nil {
		return reading{}, err
	}
	defer func() { _ = os.RemoveAll(storage) }()
	sd, err := state.Open(storage)
	if err != nil {
		return reading{}, err
	}
	defer sd.Close() //nolint:errcheck // nothing of it is kept
	p, err := benchPolicy(dir, "{app_service: web, "+source+"}")
	if err != nil {
		return reading{}, err
	}
	c := tenant.New(tenant.Options{Logger: slog.New(slog.DiscardHandler), State: sd})
	if err := collectors.Apply(c, p); err != nil {
		return reading{}, err
	}
	runtime.GC()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	cpu, start := cpuTime(), time.Now()
	go func() { done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
	for c.Lines() < lines && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	used, took := cpuTime()-cpu, time.Since(start)
	cancel()
	err = <-done
	_ = c.Close()
	return reading{used, took}, err
}
