package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// states is the family of commands on what an exporter has saved, while no exporter runs with it.
type states struct {
	*flags
	path       *string
	source     string
	partitions partitions
	again      bool
	file       string
	format     string
	run        map[string]func(ctx context.Context, stderr io.Writer) error
}

func newStates(app *kingpin.Application, f *flags, path *string) *states {
	s := &states{flags: f, path: path, run: map[string]func(context.Context, io.Writer) error{}}
	family := app.Command("state", "List and move the partitions of streams that the state in --storage.path has "+
		"positions in, while no exporter runs with it.")
	list := family.Command("partitions", "List the partitions and the positions in them.")
	list.Flag("format", "text or json.").Default("text").EnumVar(&s.format, "text", "json")
	s.run[list.FullCommand()] = s.list
	export := family.Command("export", "Write the positions in some partitions to a file, for another exporter "+
		"to import; what was counted of them stays here.")
	export.Flag("source", "Source whose partitions they are; needed if several sources read streams.").StringVar(&s.source)
	export.Flag("partition", "Number of a partition, or those of a shard, such as 4/8; repeatable.").Required().
		SetValue(&s.partitions)
	export.Flag("again", "Also write what was exported before: only if that file is lost and was never imported.").
		BoolVar(&s.again)
	export.Arg("file", "The file to write; it must not exist.").Required().StringVar(&s.file)
	s.run[export.FullCommand()] = s.export
	imports := family.Command("import", "Add the positions in a file that an export wrote.")
	imports.Arg("file", "The file to read.").Required().StringVar(&s.file)
	s.run[imports.FullCommand()] = s.imports
	return s
}

// partitions are those that a repeatable flag names.
type partitions struct {
	numbers []int
	shards  []collectors.Shard
}

// Set implements flag.Value.
func (p *partitions) Set(text string) error {
	if strings.Contains(text, "/") {
		shard, err := collectors.ParseShard(text)
		p.shards = append(p.shards, shard)
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return fmt.Errorf("invalid partition %q: write its number, or those of a shard like 4/8", text)
	}
	p.numbers = append(p.numbers, n)
	return nil
}

// IsCumulative makes the flag repeatable.
func (p *partitions) IsCumulative() bool { return true }

func (p *partitions) String() string { return "" }

func (p *partitions) owns(n int) bool {
	return slices.Contains(p.numbers, n) ||
		slices.ContainsFunc(p.shards, func(s collectors.Shard) bool { return s.Owns(n) })
}

// open reads the saved state. A new one is made only if create is set.
func (s *states) open(stderr io.Writer, create bool) (st *store.Store, closeState func() error, err error) {
	if *s.path == "" {
		return nil, nil, errors.New("--storage.path is empty: name the directory of the exporter's state")
	}
	if _, err := os.Stat(*s.path); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, nil, fmt.Errorf("unknown directory %s: write the --storage.path of the exporter", *s.path)
	}
	dir, err := state.Open(*s.path)
	if err != nil {
		return nil, nil, err
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if st, err = store.Open(store.Options{Logger: logger, State: dir, Intact: true}); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", *s.path, err), dir.Close())
	}
	return st, func() error { return errors.Join(st.Close(), dir.Close()) }, nil
}

// listed is a stream as state partitions prints it.
type listed struct {
	Source     string                    `json:"source"`
	AppService string                    `json:"app_service"`
	Stream     string                    `json:"stream"`
	Partitions int                       `json:"partitions"`
	Positions  []stream.ExportedPosition `json:"positions"`
	Exported   []int                     `json:"exported"`
}

func (s *states) list(_ context.Context, stderr io.Writer) (err error) {
	st, closeState, err := s.open(stderr, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeState()) }()
	held := stream.HeldIn(st)
	if s.format == "json" {
		all := []listed{}
		for _, h := range held {
			one := listed{h.Source, h.AppService, h.Stream, h.Partitions, h.Positions, h.Exported}
			one.Positions = append([]stream.ExportedPosition{}, one.Positions...)
			one.Exported = append([]int{}, one.Exported...)
			all = append(all, one)
		}
		return writeJSON(s.stdout, all)
	}
	w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SOURCE\tSTREAM\tPARTITION\tNEXT MESSAGE\tLAST WRITTEN")
	for _, h := range held {
		of := fmt.Sprintf("%s\t%s\t", h.Source, h.Stream)
		for _, p := range h.Positions {
			written := "-"
			if !p.Written.IsZero() {
				written = p.Written.Format(time.RFC3339)
			}
			_, _ = fmt.Fprintf(w, "%s%d of %d\t%d\t%s\n", of, p.Partition, h.Partitions, p.Next, written)
		}
		for _, n := range h.Exported {
			_, _ = fmt.Fprintf(w, "%s%d of %d\texported\t\n", of, n, h.Partitions)
		}
	}
	return w.Flush()
}

// chosen is the stream that an export is about.
func (s *states) chosen(st *store.Store) (*stream.Held, error) {
	held := stream.HeldIn(st)
	if len(held) == 0 {
		return nil, fmt.Errorf("the state in %s has no position in a stream", *s.path)
	}
	var names []string
	var chosen []*stream.Held
	for _, h := range held {
		names = append(names, h.Source)
		if s.source == "" || h.Source == s.source {
			chosen = append(chosen, h)
		}
	}
	switch {
	case len(chosen) == 1:
		return chosen[0], nil
	case len(chosen) > 1:
		return nil, fmt.Errorf("several streams have positions: name one by --source: %s", strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("unknown source %q: %s", s.source, config.Suggest(s.source, names))
}

// export writes the file under another name first: the state changes only when all of it is on the disk.
func (s *states) export(_ context.Context, stderr io.Writer) (err error) {
	st, closeState, err := s.open(stderr, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeState()) }()
	h, err := s.chosen(st)
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.file); err == nil {
		return fmt.Errorf("%s exists: write another name", s.file)
	}
	part := s.file + ".part"
	count := 0
	if err := h.Export(st, s.partitions.owns, s.again, func(e *stream.Export) error {
		count = len(e.Positions)
		text, err := e.Write()
		if err != nil {
			return err
		}
		return writeSynced(part, text)
	}); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err := errors.Join(os.Rename(part, s.file), syncDirectory(filepath.Dir(s.file))); err != nil {
		return fmt.Errorf("the export is in %s: %w", part, err)
	}
	_, _ = fmt.Fprintf(s.stdout,
		"%d partitions of %s are in %s and no longer counted with the state in %s: import it once\n",
		count, h.Stream, s.file, *s.path)
	return nil
}

func writeSynced(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return cmp.Or(err, f.Sync(), f.Close())
}

func syncDirectory(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s *states) imports(ctx context.Context, stderr io.Writer) (err error) {
	text, err := regularfile.Read(ctx, s.file, stream.MaxExportBytes)
	if err != nil {
		return err
	}
	e, err := stream.ReadExport(text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	st, closeState, err := s.open(stderr, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeState()) }()
	if err := e.Import(st); err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	_, _ = fmt.Fprintf(s.stdout, "%d partitions of %s are counted with the state in %s from now on\n",
		len(e.Positions), e.Stream, *s.path)
	return nil
}
