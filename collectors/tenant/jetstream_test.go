package tenant

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/natstest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// jetStream is a stream on a real server, with a client that writes to it.
type jetStream struct {
	t      *testing.T
	server *natstest.Server
	conn   *nats.Conn
	js     jetstream.JetStream
}

func newJetStream(t *testing.T, conf jetstream.StreamConfig) *jetStream {
	t.Helper()
	j := &jetStream{t: t, server: natstest.Start(t, "../..", "")}
	conn, err := nats.Connect(j.server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	j.conn = conn
	if j.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	j.create(conf)
	return j
}

func (j *jetStream) create(conf jetstream.StreamConfig) {
	j.t.Helper()
	conf.Name, conf.Subjects = "REQUESTS", []string{"requests.>"}
	if _, err := j.js.CreateOrUpdateStream(j.t.Context(), conf); err != nil {
		j.t.Fatal(err)
	}
}

func (j *jetStream) source(more string) string {
	return "nats: {stream: REQUESTS, subject: requests, partitions: 4, url: " + j.server.URL() + more + "}"
}

// publish writes a request of each of so many tenants, into the partitions in turn.
func (j *jetStream) publish(n, partitions int) {
	j.t.Helper()
	for i := range n {
		_, err := j.js.Publish(j.t.Context(), fmt.Sprintf("requests.%d", i%partitions), []byte(request(i)))
		if err != nil {
			j.t.Fatal(err)
		}
	}
}

// Each message is counted once by one of the shards, whenever an exporter or the server ends.
func TestJetStreamIsCountedOnce(t *testing.T) {
	j := newJetStream(t, jetstream.StreamConfig{})
	j.publish(40, 4)
	all := newStreamed(t, j.source(""), collectors.Shard{})
	odd := newStreamed(t, j.source(""), collectors.Shard{Number: 1, Of: 2})
	all.wants(40)
	odd.wants(20)
	all.restart()
	odd.stop()
	j.publish(3, 2)
	odd.start()
	all.wants(43)
	odd.wants(21)

	j.server.Kill()
	testkit.Eventually(t, func() bool { return !all.running().status.Up.Load() }, "down with its server")
	if lag := all.running().lag.Lag(false, time.Now().Add(time.Minute)); lag < 30*time.Second {
		t.Errorf("a minute later it is behind by %s", lag)
	}
	j.server.Restart()
	testkit.Eventually(t, func() bool { return j.conn.IsConnected() }, "a connection")
	j.publish(8, 4)
	all.wants(51)
	odd.wants(25)
	testkit.Eventually(t, func() bool {
		return all.running().lag.Behind() == 0 && odd.running().lag.Behind() == 0
	}, "nothing left to read")

	// A producer that knows not what became of a message sends it again, after the time for which the server knows it.
	again := nats.NewMsg("requests.1")
	again.Data = []byte(request(1))
	again.Header.Set(jetstream.MsgIDHeader, "a")
	j.create(jetstream.StreamConfig{Duplicates: 100 * time.Millisecond})
	for stored := 0; stored < 2; { // the server forgets the first
		ack, err := j.js.PublishMsg(t.Context(), again)
		if err != nil {
			t.Fatal(err)
		}
		if !ack.Duplicate {
			stored++
		}
	}
	j.publish(4, 4)
	all.wants(56)
	odd.wants(28)
}

// What the stream deletes before it is counted is counted as missed; what is deleted of other shards is not.
func TestJetStreamDeletesTooEarly(t *testing.T) {
	j := newJetStream(t, jetstream.StreamConfig{MaxMsgs: 20, Discard: jetstream.DiscardOld})
	j.publish(10, 1)
	s := newStreamed(t, j.source(""), collectors.Shard{})
	odd := newStreamed(t, j.source(""), collectors.Shard{Number: 1, Of: 2})
	s.wants(10)
	s.stop()
	j.publish(15, 1)
	// The other shard moves on with messages that are not its own.
	testkit.Eventually(t, func() bool { return odd.position("nats:REQUESTS/requests/1") == 26 }, "it has moved on")
	j.publish(15, 1) // 40 altogether, of which the first 20 are gone
	s.start()
	s.wants(30)
	if got, _ := s.running().lag.Missed(); got != 10 {
		t.Errorf("%d messages were missed", got)
	}
	testkit.Eventually(t, func() bool { return odd.running().lag.Behind() == 0 }, "nothing for the other shard")
	if got, _ := odd.running().lag.Missed(); got != 0 {
		t.Errorf("the other shard missed %d messages", got)
	}

	if err := j.js.DeleteStream(t.Context(), "REQUESTS"); err != nil {
		t.Fatal(err)
	}
	s.logs("create the stream, or correct stream")
	j.create(jetstream.StreamConfig{})
	j.publish(5, 1)
	s.wants(35)
	s.logs("deleted and created anew")
}

// What cannot be read says why, and what to do.
func TestJetStreamThatCannotBeRead(t *testing.T) {
	server := natstest.Start(t, "../..", `authorization: {user: ops, password: "right-password"}`)
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "password"), "wrong-password\n")
	s := newStreamed(t, "nats: {stream: REQUESTS, url: "+server.URL()+", username: ops, password: {file: "+
		filepath.Join(dir, "password")+"}}", collectors.Shard{})
	s.logs("correct credentials, token, or username and password")
	testkit.WriteFile(t, filepath.Join(dir, "password"), "right-password\n")
	s.logs("create the stream, or correct stream")
	if text := s.log.String(); strings.Contains(text, "-password") || s.running().status.Up.Load() {
		t.Errorf("a password is in the log, or the source is up: %s", text)
	}
}
