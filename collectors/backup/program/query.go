package program

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
)

// repositoryRE matches the names that may become the label of a repository.
var repositoryRE = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// maxListing bounds the output of a program and a listing file.
const maxListing = 64 << 20

// Query lists and verifies the backups of one source.
type Query struct {
	backup  *config.Backup
	source  *config.BackupSource
	program *Program
}

// NewQuery returns a query of a backup's source, or an error if its program is unknown or refuses the source.
func NewQuery(b *config.Backup) (*Query, error) {
	p := Find(b.Source.Program)
	if p == nil {
		return nil, fmt.Errorf("unknown program %q: write one of %s", b.Source.Program, strings.Join(Names(), ", "))
	}
	if p.Check != nil {
		if err := p.Check(&b.Source); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return &Query{backup: b, source: &b.Source, program: p}, nil
}

// List lists the source. known are the ends in the future that earlier listings found.
func (q *Query) List(ctx context.Context, known Future) (*Listing, error) {
	return q.list(ctx, known, false)
}

// list lists the source; keep keeps every backup, for a command that prints them.
func (q *Query) list(ctx context.Context, known Future, keep bool) (*Listing, error) {
	to := NewListing(q.backup.PerTenant != nil)
	to.keep, to.Known = keep, known
	if err := q.program.List(ctx, q, to); err != nil {
		return nil, err
	}
	to.Finish(q.program.Kind)
	return to, nil
}

// Verify has the program verify its backups, and passes its findings to v. The program must have a Verify.
func (q *Query) Verify(ctx context.Context, v Verification) error { return q.program.Verify(ctx, q, v) }

// Restore returns the command that restores the newest backup of a PostgreSQL server into a data directory below a
// scratch directory, nil if the program cannot.
func (q *Query) Restore(ctx context.Context) (func(scratch, data string) command.Command, error) {
	if q.program.Restore == nil {
		return nil, nil
	}
	base, err := q.command(ctx)
	if err != nil {
		return nil, err
	}
	return func(scratch, data string) command.Command {
		c := base
		c.Args = append(slices.Clip(c.Args), q.program.Restore(q.source, scratch, data)...)
		return c
	}, nil
}

// output returns the output of the program, or the content of the source's file. If the program ends with a warning,
// its output is returned and the warning is in the listing.
func (q *Query) output(ctx context.Context, to *Listing, args ...string) ([]byte, error) {
	if q.source.File != "" {
		text, modified, err := document.Read(ctx, q.source.File, maxListing)
		to.AsOf = modified
		return text, err
	}
	r, err := q.run(ctx, args...)
	if exit, ok := errors.AsType[*command.ExitError](err); ok && q.program.Warning != nil && q.program.Warning(exit.Code) {
		to.Warning, err = exit.Error(), nil
	}
	to.stderr = r.Stderr
	return r.Stdout, err
}

// run runs the program with the source's environment. Secrets go into its environment, never its arguments.
func (q *Query) run(ctx context.Context, args ...string) (command.Result, error) {
	c, err := q.command(ctx, args...)
	if err != nil {
		return command.Result{}, err
	}
	return command.Run(ctx, c)
}

func (q *Query) command(ctx context.Context, args ...string) (command.Command, error) {
	name := []string{q.program.Name}
	if len(q.source.Command) > 0 {
		name = q.source.Command
	}
	env, err := Environment(ctx, q.source.Environment, q.source.Secrets)
	if err != nil {
		return command.Command{}, err
	}
	return command.Command{
		Path: name[0], Args: append(name[1:len(name):len(name)], args...), Env: env, MaxOutput: maxListing, Polite: true,
	}, nil
}

// withEnvironment returns the query with one more variable, unless it is empty.
func (q *Query) withEnvironment(name, value string) *Query {
	if value == "" {
		return q
	}
	source, next := *q.source, *q
	source.Environment = maps.Clone(source.Environment)
	if source.Environment == nil {
		source.Environment = map[string]string{}
	}
	source.Environment[name] = value
	next.source = &source
	return &next
}

// lastLine is the last line of a program's output that holds something.
func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return document.Short(strings.ToValidUTF8(lines[len(lines)-1], "?"))
}

// Environment returns variables and secrets in the form of a program's environment.
func Environment(ctx context.Context, plain map[string]string, refs map[string]*config.SecretRef) ([]string, error) {
	var env []string
	for name, value := range plain {
		env = append(env, name+"="+value)
	}
	for name := range refs {
		value, err := readSecret(ctx, refs, name)
		if err != nil {
			return nil, err
		}
		env = append(env, name+"="+value)
	}
	return env, nil
}

// readSecret reads a secret by name, as it is now; empty if the source has none of that name. The error holds no part
// of it.
func readSecret(ctx context.Context, refs map[string]*config.SecretRef, name string) (string, error) {
	ref, ok := refs[name]
	if !ok {
		return "", nil
	}
	value, err := ref.Read(ctx)
	if err != nil {
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	return value, nil
}
