package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
)

var _ = register("tenant-streams", tenantStreams)

const (
	streamLines      = 300_000
	streamPartitions = 64
)

// kafkaPort makes this program a cluster of kfake that listens on the port, for the cost of a broker must not count as
// that of its client.
const kafkaPort = "THORBIS_BENCH_KAFKA"

// tenantStreams measures the way from a stream to saved counters beside that from a file, with the same lines: one line
// a message, and fifty, as senders batch them.
func tenantStreams(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "bench-tenant-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path, _, err := logFile(dir, "access.log", "nginx-json", streamLines, benchTenants, 1)
	if err != nil {
		return err
	}
	sources := map[string]string{"file": "file: \"" + path + "\""}
	order := []string{"file"}
	for _, engine := range []func(context.Context, string) (*logEngine, error){jetStreamEngine, kafkaEngine} {
		e, err := engine(ctx, dir)
		if err != nil {
			return err
		}
		defer e.stop()
		for _, size := range []int{1, 50} {
			name := fmt.Sprintf("%s, %d a message", e.name, size)
			r.say("writing %d lines to %s", streamLines, name)
			topic := "requests" + strconv.Itoa(size)
			if err := e.write(ctx, path, topic, size); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			sources[name] = e.source(topic)
			order = append(order, name)
		}
	}
	least := map[string]time.Duration{}
	for round := range lineRounds {
		r.say("round %d of %d", round+1, lineRounds)
		for _, name := range order {
			one, err := readSource(ctx, dir, "format: nginx-json, "+sources[name], streamLines)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if old, ok := least[name]; !ok || one.cpu < old {
				least[name] = one.cpu
			}
		}
	}
	for _, name := range order {
		f := figure{name: name, value: streamLines / least[name].Seconds(), unit: "lines/CPU-s"}
		if name != "file" {
			f.against, f.ratio = "file", float64(least["file"])/float64(least[name])
		}
		r.add(f)
	}
	return nil
}

// logEngine is a server in a process of its own.
type logEngine struct {
	name   string
	stop   func()
	put    func(ctx context.Context, topic string, partition int, value []byte) error
	flush  func(ctx context.Context) error
	create func(ctx context.Context, topic string) error
	source func(topic string) string
}

// write writes the lines of a file, so many a message, to the partitions in turn.
func (e *logEngine) write(ctx context.Context, path, topic string, size int) error {
	if e.create != nil {
		if err := e.create(ctx, topic); err != nil {
			return err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var message []byte
	in, lines, messages := bufio.NewScanner(f), 0, 0
	for in.Scan() {
		message = append(append(message, in.Bytes()...), '\n')
		if lines++; lines%size == 0 {
			if err := e.put(ctx, topic, messages%streamPartitions, message); err != nil {
				return err
			}
			message, messages = nil, messages+1
		}
	}
	return errors.Join(in.Err(), e.flush(ctx))
}

func jetStreamEngine(_ context.Context, dir string) (*logEngine, error) {
	address, err := loopback.FreeAddress()
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "nats.conf")
	text := "listen: " + address + "\njetstream: {store_dir: " + filepath.Join(dir, "nats") + "}\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	server, err := launch(dir, bin("tools/nats-server"), "-c", conf)
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect("nats://"+address, nats.RetryOnFailedConnect(true), nats.MaxReconnects(200),
		nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		server.stop()
		return nil, err
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		server.stop()
		return nil, err
	}
	return &logEngine{
		name: "NATS JetStream",
		stop: func() { conn.Close(); server.stop() },
		create: func(ctx context.Context, topic string) error {
			_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: topic, Subjects: []string{topic + ".>"}})
			return err
		},
		put: func(_ context.Context, topic string, partition int, value []byte) error {
			_, err := js.PublishAsync(topic+"."+strconv.Itoa(partition), value)
			return err
		},
		flush: func(ctx context.Context) error {
			select {
			case <-js.PublishAsyncComplete():
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		source: func(topic string) string {
			return fmt.Sprintf("nats: {url: nats://%s, stream: %s, subject: %[2]s, partitions: %d}", address, topic,
				streamPartitions)
		},
	}, nil
}

func kafkaEngine(ctx context.Context, _ string) (*logEngine, error) {
	address, err := loopback.FreeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), kafkaPort+"="+port)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		return nil, err
	}
	stop := func() { _ = server.Process.Kill(); _ = server.Wait() }
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(50_000))
	if err != nil {
		stop()
		return nil, err
	}
	for client.Ping(ctx) != nil && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	var failed error
	return &logEngine{
		name: "Kafka's protocol (kfake)",
		stop: func() { client.Close(); stop() },
		put: func(ctx context.Context, topic string, partition int, value []byte) error {
			client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(partition), Value: value},
				func(_ *kgo.Record, err error) { failed = errors.Join(failed, err) })
			return nil
		},
		flush: func(ctx context.Context) error { return errors.Join(client.Flush(ctx), failed) },
		source: func(topic string) string {
			return fmt.Sprintf("kafka: {brokers: [%s], topic: %s}", strings.TrimSpace(address), topic)
		},
	}, nil
}

// serveKafka is the other process.
func serveKafka(ctx context.Context, port string) error {
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(n),
		kfake.SeedTopics(streamPartitions, "requests1", "requests50"))
	if err != nil {
		return err
	}
	defer cluster.Close()
	<-ctx.Done()
	return nil
}
