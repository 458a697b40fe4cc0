package metric

// What becomes of the partitions of a stream that are an exporter's: the closed set of LabelState of
// TenantStreamPartitions.
const (
	PartitionsRead   = "read"
	PartitionsUnread = "unread"
)

// Sources of request logs that are streams of a log engine, as /metrics shows them.
var (
	TenantStreamLag = define(Metric{
		Name: "thorbis_tenant_stream_lag_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help:   "Time since every message of the stream that there was had been counted and saved; 0 while all are.",
		Labels: sourceLabels,
	})
	TenantStreamUncounted = define(Metric{
		Name: "thorbis_tenant_stream_lag_messages", Type: Gauge, Across: Sum,
		Help:   "Messages in the exporter's partitions of the stream that are not yet counted and saved.",
		Labels: sourceLabels,
	})
	TenantStreamMissed = define(Metric{
		Name: "thorbis_tenant_stream_missed_messages_total", Type: Counter, Across: Sum,
		Help: "Messages that the engine had deleted before they were counted, or as many of other partitions " +
			"where it does not say whose they were. Kept across restarts.",
		Labels: sourceLabels,
	})
	TenantStreamLastMissed = define(Metric{
		Name: "thorbis_tenant_stream_last_missed_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help: "Unix time at which it was last found that the engine had deleted messages before they were counted, " +
			"0 if never. Kept across restarts.",
		Labels: sourceLabels,
	})
	TenantStreamShards = define(Metric{
		Name: "thorbis_tenant_stream_shards", Type: Gauge, Across: Sum, Expected: true,
		Help: "How many shards share the partitions of the stream, as the exporter of the shard was started; nothing from " +
			"one all of whose partitions have moved to others.",
		Labels: append(sourceLabels[:2:2], LabelShard),
	})
	TenantStreamPartitions = define(Metric{
		Name: "thorbis_tenant_stream_partitions", Type: Gauge, Across: Sum,
		Help: "Partitions of the stream that are the exporter's by state: " + PartitionsRead + ", or " + PartitionsUnread +
			", for another shard has counted them and their positions are not here.",
		Labels: append(sourceLabels[:2:2], LabelState),
	})
)
