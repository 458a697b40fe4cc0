package business

import (
	"context"
	"errors"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
)

// replicaPause is how long a replica is left alone that could not be asked.
const replicaPause = time.Minute

// database is asked one query at a time, over one connection that is kept. Its replica is asked first.
type database struct {
	sources []postgres.Source // the replica, if there is one, then the database itself
	place   chan struct{}     // holds whoever asks; the fields below are his
	open    *postgres.Connection
	of      int // of which source the connection is
	rest    time.Time
}

func newDatabase(d *config.BusinessDatabase) *database {
	timeout := d.Timeout.Std()
	all := []postgres.Source{{File: d.DSNFile, Env: d.DSNEnv, Timeout: timeout}}
	if !d.Replica.IsZero() {
		all = append([]postgres.Source{{File: d.Replica.DSNFile, Env: d.Replica.DSNEnv, Timeout: timeout}}, all...)
	}
	return &database{sources: all, place: make(chan struct{}, 1)}
}

// ask puts a query to the first source that can be asked. begin is called before each attempt: what an earlier one
// returned does not count.
func (d *database) ask(ctx context.Context, sql string, args []any, most int, begin func(),
	each func(postgres.Row) error,
) error {
	select {
	case d.place <- struct{}{}:
		defer func() { <-d.place }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if d.open != nil && d.of > 0 && time.Now().After(d.rest) {
		d.drop() // the replica may be there again
	}
	var last error
	for _, i := range d.order() {
		begin()
		err := d.askOne(ctx, i, d.sources[i], sql, args, most, each)
		failure, ok := errors.AsType[*postgres.QueryError](err)
		if err == nil || ctx.Err() != nil || ok && failure.Fault != postgres.FaultUnreachable {
			return err
		}
		if i < len(d.sources)-1 {
			d.rest = time.Now().Add(replicaPause)
		}
		last = err
	}
	return last
}

// order returns which source is asked first: the replica, but for a while after it could not be.
func (d *database) order() []int {
	switch {
	case len(d.sources) == 1:
		return []int{0}
	case time.Now().Before(d.rest):
		return []int{1, 0}
	}
	return []int{0, 1}
}

// askOne asks one source; over a connection that was cut since the last time, once more over a new one.
func (d *database) askOne(ctx context.Context, i int, source postgres.Source, sql string, args []any, most int,
	each func(postgres.Row) error,
) error {
	kept := d.open != nil && d.of == i && !d.open.Closed()
	if !kept {
		d.drop()
		open, err := postgres.Connect(ctx, source)
		if err != nil {
			return &postgres.QueryError{Fault: postgres.FaultUnreachable, Err: err}
		}
		d.open, d.of = open, i
	}
	got := 0
	err := d.open.Query(ctx, sql, args, most, func(r postgres.Row) error {
		got++
		return each(r)
	})
	if d.open.Closed() {
		d.drop()
		failure, ok := errors.AsType[*postgres.QueryError](err)
		if kept && got == 0 && ok && failure.Fault == postgres.FaultUnreachable && ctx.Err() == nil {
			return d.askOne(ctx, i, source, sql, args, most, each)
		}
	}
	return err
}

func (d *database) drop() {
	if d.open != nil {
		d.open.Close()
		d.open = nil
	}
}

// close closes the connection once no query is asked any more.
func (d *database) close() {
	d.place <- struct{}{}
	defer func() { <-d.place }()
	d.drop()
}
