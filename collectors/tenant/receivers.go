package tenant

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// posts counts the posts to a receiver in the order of metric.PostResults.
type posts [6]atomic.Uint64

func init() {
	if len(metric.PostResults) != len(posts{}) {
		panic("results of posts and their counters differ")
	}
}

// receiver makes the receiver of a source. While its secret cannot be read it refuses everything, and reports it.
func (c *Collector) receiver(r *running) (*receive.Receiver, error) {
	ref := config.SecretRef{File: r.config.SecretFile}
	read := func(ctx context.Context) ([]byte, error) {
		value, err := ref.Read(ctx)
		r.noteSecret(err)
		return []byte(strings.TrimSpace(value)), err
	}
	_, r.secret = ref.Read(context.Background()) // so that a missing one shows before the first post
	return receive.New(receive.Config{
		Name: r.config.Name,
		Kind: r.config.Receive, Format: r.reader.Format, Secret: read, Header: r.config.SecretHeader, Verify: r.config.Verify,
		Count: r.reader.Count,
		Store: c.store.Load(), Aggregators: c.posting, Logger: r.reader.Logger, Status: &r.status.Status,
		Forward: c.writer(r.config),
		Posts:   func(result receive.Result) { r.status.posts[result].Add(1) }, InFlight: &r.status.inFlight,
	})
}

// writer returns what a receiver forwards with, nil for none. One whose stream the policy keeps is kept.
func (c *Collector) writer(conf *config.Source) stream.Writer {
	f := conf.Forward
	if f == nil {
		return nil
	}
	if s := c.current.Load(); s != nil {
		for _, r := range s.sources {
			if r.config.Name == conf.Name && r.config.Receive == conf.Receive && reflect.DeepEqual(r.config.Forward, f) {
				return s.receivers[conf.Receive].Forward
			}
		}
	}
	if f.Kafka != nil {
		return stream.KafkaWriter(f.Kafka)
	}
	return stream.NATSWriter(f.NATS)
}

// leave closes what the receivers of another setup forward with, when no post can be under way any more.
func (s *setup) leave(next *setup) {
	for _, r := range s.receivers {
		kept := slices.ContainsFunc(slices.Collect(maps.Values(next.receivers)),
			func(other *receive.Receiver) bool { return other.Forward == r.Forward })
		if r.Forward != nil && !kept {
			time.AfterFunc(stream.WriteTime+receive.MaxWait, r.Forward.Close)
		}
	}
}

// noteSecret records whether the secret of a receiver can be read.
func (r *running) noteSecret(err error) {
	if was := r.status.Up.Swap(err == nil); err != nil {
		r.status.Errors.Add(1)
		if was {
			r.reader.Logger.Error("A receiver refuses everything: its secret cannot be read", "err", err)
		}
	}
}

// Receivers serves /api/v1/receive/{kind}, and nothing else.
func (c *Collector) Receivers() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/receive/{kind}", func(w http.ResponseWriter, r *http.Request) {
		s := c.current.Load()
		if s == nil {
			unavailable(w, "no policy is in force yet")
			return
		}
		receiver := s.receivers[r.PathValue("kind")]
		if receiver == nil {
			http.NotFound(w, r)
			return
		}
		if !s.names.known {
			unavailable(w, "the tenants are not known yet")
			return
		}
		receiver.ServeHTTP(w, r)
	})
	return mux
}

func unavailable(w http.ResponseWriter, text string) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, text, http.StatusServiceUnavailable)
}
