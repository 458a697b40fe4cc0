package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
)

// adapter knows one program that makes backups. Each has a file of its own, which registers it.
type adapter struct {
	name string
	// kind of a backup where there is none yet.
	kind string
	// check refuses a source that lacks what the adapter needs.
	check func(s *config.BackupSource) error
	// warning reports whether an exit code of a listing is a warning: what was printed holds nevertheless. Nil for never.
	warning func(code int) bool
	// list adds what the repositories hold to the listing.
	list func(ctx context.Context, q *query, to *listing) error
	// verify proves that what is there is whole; nil if the program cannot.
	verify func(ctx context.Context, q *query, v *verification) error
	// restore returns the arguments that restore the newest backup of a PostgreSQL server into a data directory
	// below a scratch directory; nil if the program cannot.
	restore func(s *config.BackupSource, scratch, data string) []string
}

var adapters = map[string]*adapter{}

func register(a adapter) struct{} {
	adapters[a.name] = &a
	return struct{}{}
}

// repositoryRE is what may become the label of a repository.
var repositoryRE = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// maxListing bounds the output of a program and a listing file.
const maxListing = 64 << 20

// query asks one source once.
type query struct {
	backup  *config.Backup
	source  *config.BackupSource
	adapter *adapter
	before  map[string]map[uint64]ahead // what earlier listings found to end in the future
}

func newQuery(b *config.Backup) (*query, error) {
	a, ok := adapters[b.Source.Program]
	if !ok {
		return nil, fmt.Errorf("unknown program %q: write one of %s", b.Source.Program, strings.Join(Programs(), ", "))
	}
	if a.check != nil {
		if err := a.check(&b.Source); err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return &query{backup: b, source: &b.Source, adapter: a}, nil
}

// list lists the source.
func (q *query) list(ctx context.Context, keep bool) (*listing, error) {
	to := newListing(q.backup.PerTenant != nil)
	to.keep, to.before = keep, q.before
	if err := q.adapter.list(ctx, q, to); err != nil {
		return nil, err
	}
	to.finish(q.adapter.kind)
	return to, nil
}

// output returns what the program prints, or what the source's file holds of it. What a program prints before it ends with
// a warning is returned with the warning in the listing.
func (q *query) output(ctx context.Context, to *listing, args ...string) ([]byte, error) {
	if q.source.File != "" {
		text, modified, err := readOutside(ctx, q.source.File, maxListing)
		to.asOf = modified
		return text, err
	}
	r, err := q.run(ctx, args...)
	if exit, ok := errors.AsType[*command.ExitError](err); ok && q.adapter.warning != nil && q.adapter.warning(exit.Code) {
		to.warning, err = exit.Error(), nil
	}
	to.stderr = r.Stderr
	return r.Stdout, err
}

// run runs the program with the source's environment. Secrets go into its environment, never its arguments.
func (q *query) run(ctx context.Context, args ...string) (command.Result, error) {
	c, err := q.command(ctx, args...)
	if err != nil {
		return command.Result{}, err
	}
	return command.Run(ctx, c)
}

func (q *query) command(ctx context.Context, args ...string) (command.Command, error) {
	name := []string{q.adapter.name}
	if len(q.source.Command) > 0 {
		name = q.source.Command
	}
	env, err := environment(ctx, q.source.Environment, q.source.Secrets)
	if err != nil {
		return command.Command{}, err
	}
	return command.Command{
		Path: name[0], Args: append(name[1:len(name):len(name)], args...), Env: env, MaxOutput: maxListing, Polite: true,
	}, nil
}

// withEnvironment returns the query with one more variable, unless it is empty.
func (q *query) withEnvironment(name, value string) *query {
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
	return short(strings.ToValidUTF8(lines[len(lines)-1], "?"))
}

// environment returns variables as a program gets them.
func environment(ctx context.Context, plain map[string]string, refs map[string]*config.SecretRef) ([]string, error) {
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

// readSecret reads a secret by name, as it is now; empty if the source has none of that name. The error holds no part of it.
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
