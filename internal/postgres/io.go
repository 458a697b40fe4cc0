package postgres

import (
	"context"
	"strings"
)

// Versions from which PostgreSQL reports input and output.
const (
	versionIO      = 160000 // pg_stat_io
	versionIOBytes = 180000 // bytes of its own; its counts are of requests that may span several blocks
)

// IO is what PostgreSQL itself asked the operating system for, over all kinds of processes. Reads may have
// been served by the page cache, so these are no operations of a disk.
type IO struct {
	Object  string // relation, temp relation, wal
	Context string // normal, vacuum, bulkread, bulkwrite, init
	// By operation: read, write, extend, writeback, fsync, hit, eviction, reuse. A combination that is
	// impossible is absent.
	Counts  map[string]float64
	Bytes   map[string]float64 // read, write, extend
	Seconds map[string]float64 // read, write, extend, writeback, fsync; 0 unless the server times them
}

// ioColumns are pg_stat_io's columns, by operation.
var (
	ioCounts = []struct{ operation, column string }{
		{"read", "reads"},
		{"write", "writes"},
		{"extend", "extends"},
		{"writeback", "writebacks"},
		{"fsync", "fsyncs"},
		{"hit", "hits"},
		{"eviction", "evictions"},
		{"reuse", "reuses"},
	}
	ioSeconds = []struct{ operation, column string }{
		{"read", "read_time"},
		{"write", "write_time"},
		{"extend", "extend_time"},
		{"writeback", "writeback_time"},
		{"fsync", "fsync_time"},
	}
	ioBytes = []struct{ operation, columnSince18, count string }{
		{"read", "read_bytes", "reads"},
		{"write", "write_bytes", "writes"},
		{"extend", "extend_bytes", "extends"},
	}
)

// ioQuery is what a server of the version is asked, empty if it cannot be. The sum of nothing but NULLs is
// NULL: a combination that cannot be, not one that has not been.
func ioQuery(version int) string {
	if version < versionIO {
		return ""
	}
	columns := []string{"object", "context"}
	for _, c := range ioCounts {
		columns = append(columns, "sum("+c.column+")::float8")
	}
	for _, c := range ioBytes {
		if version >= versionIOBytes {
			columns = append(columns, "sum("+c.columnSince18+")::float8")
		} else {
			columns = append(columns, "sum("+c.count+" * op_bytes)::float8")
		}
	}
	for _, c := range ioSeconds {
		columns = append(columns, "(sum("+c.column+") / 1000)::float8")
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM pg_stat_io GROUP BY object, context ORDER BY object, context"
}

// IO queries input and output. A server before 16 reports none.
func (c *Connection) IO(ctx context.Context) ([]IO, error) {
	sql := ioQuery(c.Version)
	if sql == "" {
		return nil, nil
	}
	var list []IO
	q := c.questions(ctx)
	q.try("input and output", func() error {
		var err error
		list, err = c.io(ctx, sql)
		return err
	})
	return list, q.err()
}

func (c *Connection) io(ctx context.Context, sql string) ([]IO, error) {
	var list []IO
	err := c.rows(ctx, sql, nil, func(scan func(...any) error) error {
		io := IO{Counts: map[string]float64{}, Bytes: map[string]float64{}, Seconds: map[string]float64{}}
		values := make([]*float64, len(ioCounts)+len(ioBytes)+len(ioSeconds))
		into := []any{&io.Object, &io.Context}
		for i := range values {
			into = append(into, &values[i])
		}
		if err := scan(into...); err != nil {
			return err
		}
		set := func(m map[string]float64, operation string, v *float64) {
			if v != nil {
				m[operation] = *v
			}
		}
		for i, column := range ioCounts {
			set(io.Counts, column.operation, values[i])
		}
		for i, column := range ioBytes {
			set(io.Bytes, column.operation, values[len(ioCounts)+i])
		}
		for i, column := range ioSeconds {
			set(io.Seconds, column.operation, values[len(ioCounts)+len(ioBytes)+i])
		}
		list = append(list, io)
		return nil
	})
	return list, err
}
