package tenant

import (
	"bytes"
	"io"
	"net/http"
	"os"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
)

// maxSecret bounds a secret's file.
const maxSecret = 64 << 10

// receiver makes the receiver of a source. Without its secret it refuses everything, and says so.
func (c *Collector) receiver(r *running) (*receive.Receiver, error) {
	secret, err := readSecret(r.config.SecretFile)
	r.status.Up.Store(err == nil)
	if err != nil {
		r.status.Errors.Add(1)
		r.reader.Logger.Error("A receiver refuses everything: its secret cannot be read", "err", err)
	}
	return receive.New(receive.Config{
		Name: r.config.Name, Kind: r.config.Receive, Format: r.reader.Format, Secret: secret, Header: r.config.SecretHeader, Verify: r.config.Verify,
		Count: r.reader.Count, Book: c.book.Load(), Tables: c.posting, Logger: r.reader.Logger, Status: &r.status.Status,
		Posts: func(result receive.Result) { r.status.posts[result].Add(1) }, Memory: &r.status.memory,
	})
}

func readSecret(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	return bytes.TrimSpace(b), err
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
