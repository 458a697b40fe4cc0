package procedure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// Bounds of the files that report runs.
const (
	maxResult  = 1 << 20
	maxResults = 1000 // read in a round
)

// resultVersion is the version of the form of a result.
const resultVersion = 1

// Result is the content of a result file: what the command run could not deliver, or what a verification or restore
// test of a backup has found, whose other fields are ignored.
type Result struct {
	Version   int       `json:"version"`
	Procedure string    `json:"procedure,omitempty"`
	RID       string    `json:"rid,omitempty"`
	Started   time.Time `json:"started,omitzero"`
	Finished  time.Time `json:"finished"`
	Success   bool      `json:"success"`
	Status    int       `json:"exit_status,omitempty"`
	Output    string    `json:"output,omitempty"`
}

// event returns the report that a result is.
func (r *Result) event(procedure string) event {
	e := event{procedure: procedure, kind: failed, rid: r.RID, at: r.Finished, began: r.Started, output: clean(r.Output)}
	if r.Success {
		e.kind, e.output = succeeded, ""
	}
	return e
}

// parseResult reads a result that can be one.
func parseResult(text []byte, now time.Time) (*Result, error) {
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("invalid result: %w", err)
	}
	switch {
	case r.Version != resultVersion:
		return nil, fmt.Errorf("invalid result: version %d, want %d", r.Version, resultVersion)
	case r.Finished.IsZero() || r.Finished.After(now.Add(maxAhead)):
		return nil, errors.New("invalid result: finished is missing or in the future")
	case r.Started.After(r.Finished):
		return nil, errors.New("invalid result: it has finished before it started")
	case r.RID != "" && !uuidRE.MatchString(r.RID):
		return nil, errors.New("invalid result: rid is not a UUID")
	}
	if len(r.Output) > maxOutput {
		r.Output = strings.ToValidUTF8(r.Output[len(r.Output)-maxOutput:], "")
	}
	r.Finished = earliest(r.Finished, now)
	return &r, nil
}

// ReadResult reads a result file of the command run.
func ReadResult(ctx context.Context, name string) (*Result, error) {
	text, err := regularfile.Read(ctx, name, maxResult)
	if err != nil {
		return nil, err
	}
	r, err := parseResult(text, time.Now())
	if err == nil && (r.RID == "" || r.Procedure == "") {
		err = errors.New("invalid result: rid or procedure is missing")
	}
	return r, err
}

// follow watches the files and the collectors that prove runs.
func (c *Collector) follow(g *collectors.Group, section *config.Procedures, all map[string]*watched) {
	var files []*watched
	for _, w := range all {
		if w.File != "" || w.result != "" || w.Collector != "" || w.Dates != nil || w.Runbooks != "" {
			files = append(files, w)
		}
	}
	if len(files) > 0 {
		g.Poll(collectors.Poll{
			Part: "files", Interval: c.interval, Timeout: readTimeout,
			Round: func(ctx context.Context) error { return c.readFiles(ctx, files) },
		})
	}
	if section.Results != "" {
		g.Poll(collectors.Poll{
			Part: "results", Interval: c.interval, Timeout: readTimeout,
			Round: func(ctx context.Context) error { return c.readResults(ctx, section.Results) },
		})
	}
}

// readFiles reports what has changed since the last round. A file that is missing is a run that was not made.
func (c *Collector) readFiles(ctx context.Context, files []*watched) error {
	var errs []error
	for _, w := range files {
		e, err := c.proof(ctx, w)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && !e.at.IsZero() && c.isNews(e) {
			err = c.submit(ctx, e)
			c.files[0].Add(1)
		}
		if err != nil {
			c.files[1].Add(1)
			errs = append(errs, fmt.Errorf("procedure %s: %w", w.Name, err))
		}
	}
	return errors.Join(errs...)
}

// isNews reports whether a report of a state has not been seen yet.
func (c *Collector) isNews(e event) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.records[e.procedure]
	return r != nil && e.at.After(r.Seen)
}

// proof returns the newest run of a procedure that is not reported by pings.
func (c *Collector) proof(ctx context.Context, w *watched) (event, error) {
	now := time.Now()
	e := event{procedure: w.Name, kind: succeeded, seen: true}
	switch {
	case w.Collector != "":
		at, runs := c.rounds(w.Collector)
		if !runs {
			return event{}, fmt.Errorf("collector %s does not run here", w.Collector)
		}
		e.at = at
	case w.File != "":
		info, err := regularfile.Stat(ctx, w.File)
		if err != nil {
			return event{}, err
		}
		e.at = earliest(info.ModTime(), now)
	case w.Dates != nil:
		at, err := datesProof(ctx, w.Dates, now)
		if err != nil {
			return event{}, err
		}
		e.at = at
	case w.Runbooks != "":
		at, each, err := runbooksProof(ctx, w.Runbooks, now)
		if each != nil {
			c.mu.Lock()
			c.runbooks[w.Name] = each
			c.mu.Unlock()
		}
		if err != nil {
			return event{}, err
		}
		e.at = at
	default:
		text, err := regularfile.Read(ctx, w.result, maxResult)
		if err != nil {
			return event{}, err
		}
		r, err := parseResult(text, now)
		if err != nil {
			return event{}, fmt.Errorf("%s: %w", w.result, err)
		}
		e = r.event(w.Name)
		e.rid, e.seen = "", true
	}
	return e, nil
}

// readResults takes the results that the command run has left in a directory: each is deleted when it is saved.
func (c *Collector) readResults(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	read := 0
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".json") || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if read++; read > maxResults || ctx.Err() != nil {
			break
		}
		if err := c.takeResult(ctx, filepath.Join(dir, entry.Name())); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (c *Collector) takeResult(ctx context.Context, name string) error {
	r, err := ReadResult(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was delivered by its owner meanwhile
	}
	if err != nil {
		c.files[1].Add(1)
		return fmt.Errorf("%s: %w", name, err)
	}
	c.mu.Lock()
	known := c.watched[r.Procedure] != nil
	c.mu.Unlock()
	if !known {
		c.files[1].Add(1)
		return fmt.Errorf("%s: unknown procedure %q", name, r.Procedure)
	}
	if err := c.submit(ctx, r.event(r.Procedure)); err != nil {
		return err
	}
	c.files[0].Add(1)
	return os.Remove(name) // one that remains is recognised by its id
}
