package database

import (
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxListed bounds the databases that a server is asked for. Those beyond the policy's bound are added up.
const maxListed = 10_000

// fold adds up the databases beyond the first so many under one name.
func fold(list []postgres.Database, most int) []postgres.Database {
	if len(list) <= most {
		return list
	}
	other := postgres.Database{Name: metric.DatabaseOther}
	for _, d := range list[most:] {
		other.Size += max(d.Size, 0)
		other.Connections += d.Connections
		other.Commits += d.Commits
		other.Rollbacks += d.Rollbacks
		other.BlocksRead += d.BlocksRead
		other.BlocksHit += d.BlocksHit
		other.ReadTime += d.ReadTime
		other.WriteTime += d.WriteTime
		other.TempBytes += d.TempBytes
		other.Deadlocks += d.Deadlocks
	}
	return append(list[:most:most], other)
}

// exposer adds the series of one server to a snapshot.
type exposer struct {
	*collectors.Snapshot
	server string
}

func (e exposer) add(m *metric.Metric, v float64, more ...string) {
	e.Add(m, v, collectors.NewLabels(m.Labels, append([]string{e.server}, more...)...))
}

func (e exposer) flag(m *metric.Metric, set bool) {
	v := 0.0
	if set {
		v = 1
	}
	e.add(m, v)
}

func (e exposer) time(m *metric.Metric, t time.Time, more ...string) {
	v := 0.0
	if !t.IsZero() {
		v = float64(t.UnixMilli()) / 1000
	}
	e.add(m, v, more...)
}

// snapshot makes series of what the server said.
func (a answers) snapshot(s *server) *collectors.Snapshot {
	// The counters are the server's own. They began with its statistics, at a time that the server does not report.
	e := exposer{collectors.NewSnapshot(170+12*len(a.databases)+16*len(a.io), time.Time{}), s.Name}
	if !a.unknown {
		e.flag(metric.PostgresUp, a.up)
	}
	if s.WAL.Mountpoint != "" {
		e.add(metric.PostgresWALFilesystem, 1, s.WAL.Host, s.WAL.Mountpoint)
	}
	if a.version > 0 {
		e.add(metric.PostgresVersion, float64(a.version))
	}
	if v := a.server; a.up {
		if v.Started != nil {
			e.time(metric.PostgresStarted, *v.Started)
		}
		if v.Recovery != nil {
			e.flag(metric.PostgresRecovery, *v.Recovery)
		}
		ifKnown(e, metric.PostgresMaxConnections, v.Permitted)
		ifKnown(e, metric.PostgresConnections, v.Connections)
		e.ifDuration(metric.PostgresOldestTransaction, v.OldestTransaction)
	}
	for _, d := range a.databases {
		e.database(d)
	}
	for _, io := range a.io {
		e.io(metric.PostgresIOOperations, io, io.Counts)
		e.io(metric.PostgresIOBytes, io, io.Bytes)
		e.io(metric.PostgresIOSeconds, io, io.Seconds)
	}
	e.wal(a.wal)
	e.replication(a.replication)
	e.statements(a.statements)
	e.upkeep(a.upkeep)
	e.ages(a.ages, a.freezeAges)
	if v := a.checkpoints; v != nil {
		e.add(metric.PostgresCheckpoints, float64(v.Timed), "timed")
		e.add(metric.PostgresCheckpoints, float64(v.Requested), "requested")
		e.add(metric.PostgresCheckpointSeconds, v.WriteSeconds, metric.OperationWrite)
		e.add(metric.PostgresCheckpointSeconds, v.SyncSeconds, metric.OperationSync)
		e.add(metric.PostgresBuffersWritten, float64(v.ByCheckpoint), "checkpointer")
		e.add(metric.PostgresBuffersWritten, float64(v.ByBackground), "background writer")
		if v.ByBackend != nil {
			e.add(metric.PostgresBuffersWritten, float64(*v.ByBackend), "backend")
		}
	}
	return e.Snapshot
}

func (e exposer) wal(v postgres.WAL) {
	ifKnown(e, metric.PostgresWALBytes, v.Written)
	ifKnown(e, metric.PostgresWALSize, v.Size)
	if v.Archives != nil {
		e.flag(metric.PostgresWALArchiving, *v.Archives)
	}
	ifKnown(e, metric.PostgresWALUnarchived, v.Unarchived)
	if a := v.Archiver; a != nil {
		e.add(metric.PostgresWALArchived, float64(a.Archived), metric.ResultSuccess)
		e.add(metric.PostgresWALArchived, float64(a.Failed), metric.ResultFailure)
		e.time(metric.PostgresWALLastArchived, a.LastArchived, metric.ResultSuccess)
		e.time(metric.PostgresWALLastArchived, a.LastFailure, metric.ResultFailure)
	}
}

func (e exposer) replication(v postgres.Replication) {
	e.ifDuration(metric.PostgresReplicationLag, v.Lag)
	ifKnown(e, metric.PostgresReplicas, v.Replicas)
	ifKnown(e, metric.PostgresReplicaBehind, v.Behind)
	ifKnown(e, metric.PostgresSlotRetained, v.Retained)
	for status, n := range v.Slots {
		e.add(metric.PostgresSlots, float64(n), status)
	}
}

// ifKnown adds a number that the server answered.
func ifKnown[T int | int64](e exposer, m *metric.Metric, v *T) {
	if v != nil {
		e.add(m, float64(*v))
	}
}

func (e exposer) ifDuration(m *metric.Metric, v *time.Duration) {
	if v != nil {
		e.add(m, v.Seconds())
	}
}

func (e exposer) database(d postgres.Database) {
	name := strings.ToValidUTF8(d.Name, "�")
	if d.Size >= 0 {
		e.add(metric.PostgresDatabaseSize, float64(d.Size), name)
	}
	e.add(metric.PostgresTransactions, float64(d.Commits), name, metric.ResultCommit)
	e.add(metric.PostgresTransactions, float64(d.Rollbacks), name, metric.ResultRollback)
	e.add(metric.PostgresBlocksRead, float64(d.BlocksRead), name)
	e.add(metric.PostgresBlocksHit, float64(d.BlocksHit), name)
	e.add(metric.PostgresReadSeconds, d.ReadTime, name)
	e.add(metric.PostgresWriteSeconds, d.WriteTime, name)
	e.add(metric.PostgresTempBytes, float64(d.TempBytes), name)
	e.add(metric.PostgresDeadlocks, float64(d.Deadlocks), name)
}

func (e exposer) io(m *metric.Metric, io postgres.IO, values map[string]float64) {
	for operation, v := range values {
		e.add(m, v, io.Object, io.Context, operation)
	}
}
