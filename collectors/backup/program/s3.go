package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// objectStorage lists the objects of a bucket with the API of Amazon S3.
var objectStorage = Program{
	Name: "s3", Kind: metric.KindFull,
	Check: func(s *config.BackupSource) error {
		if s.Repository == "" || s.Pattern == "" {
			return errors.New(
				"missing repository or pattern: write the bucket and a pattern, " +
					"such as repository: backups, path: db/, pattern: \"*.dump.zst\"")
		}
		if u, err := url.Parse(s3Endpoint(s)); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("invalid endpoint %q: write it like https://s3.eu-central-1.amazonaws.com", s.Endpoint)
		}
		_, err := newPattern(s.Pattern)
		return err
	},
	List: listS3,
}

// Bounds of one request to object storage. A page of a thousand keys of the longest kind takes about 2 MiB.
const (
	maxS3Body  = 16 << 20
	s3Attempts = 3
)

func s3Endpoint(s *config.BackupSource) string {
	return cmp.Or(s.Endpoint, "https://s3.amazonaws.com")
}

func (q *Query) s3(ctx context.Context) (*minio.Client, error) {
	var values [3]string
	for i, name := range []string{"access_key", "secret_key", "session_token"} {
		value, err := readSecret(ctx, q.source.Secrets, name)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	u, err := url.Parse(s3Endpoint(q.source))
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(u.Scheme == "https")
	if err != nil {
		return nil, err
	}
	return minio.New(u.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(values[0], values[1], values[2]),
		Secure:     u.Scheme == "https",
		Region:     cmp.Or(q.source.Region, "us-east-1"),
		Transport:  boundedTransport{transport},
		MaxRetries: s3Attempts,
	})
}

// boundedTransport cuts off answers that are larger than any page can be.
type boundedTransport struct{ http.RoundTripper }

func (b boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &boundedBody{response.Body, maxS3Body}
	}
	return response, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, document.ErrTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// listS3 walks the prefix page by page and keeps no object: there is no way to ask for the newest. Objects
// with one {backup} in common are one backup; a marker shows that it is complete.
func listS3(ctx context.Context, q *Query, to *Listing) error {
	p, err := newPattern(q.source.Pattern)
	if err != nil {
		return err
	}
	client, err := q.s3(ctx)
	if err != nil {
		return err
	}
	if err := to.AddRepository(Repository{Name: DefaultRepository}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the walk when we leave it early
	b := newBundles(q.source.Marker, p.backup > 0)
	for object := range client.ListObjectsIter(ctx, q.source.Repository, minio.ListObjectsOptions{
		Prefix:    q.source.Path,
		Recursive: true,
	}) {
		if object.Err != nil {
			return s3Error(object.Err)
		}
		name := strings.TrimPrefix(object.Key, q.source.Path)
		if err := b.mark(name); err != nil {
			return err
		}
		tenant, group, ok := p.match(name)
		if !ok {
			continue
		}
		i := NewItem()
		i.ID, i.Kind, i.Tenant, i.Stop, i.Size, i.Stored = name, metric.KindFull, tenant, object.LastModified.UTC(),
			object.Size, object.Size
		if !b.holds() {
			err = to.Add(i)
		} else {
			i.ID = cmp.Or(group, name)
			err = b.add(i)
		}
		if err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return b.flush(to)
}

// bundles collects objects until the listing ends, for backups that consist of several or have a marker.
type bundles struct {
	marker  string
	group   bool
	markers map[string]bool
	items   map[string]Item
}

func newBundles(marker string, group bool) *bundles {
	return &bundles{marker: marker, group: group, markers: map[string]bool{}, items: map[string]Item{}}
}

func (b *bundles) holds() bool { return b.marker != "" || b.group }

// mark remembers an object that may be a marker.
func (b *bundles) mark(name string) error {
	if b.marker == "" {
		return nil
	}
	before, after, ok := strings.Cut(b.marker, "{name}")
	if !ok {
		before, after = "", "/"+b.marker
	}
	if strings.HasPrefix(name, before) && strings.HasSuffix(name, after) {
		if len(b.markers) >= maxItems {
			return fmt.Errorf("%w: more than %d markers", document.ErrTooLarge, maxItems)
		}
		b.markers[name] = true
	}
	return nil
}

func (b *bundles) add(i Item) error {
	old, ok := b.items[i.ID]
	if !ok {
		if len(b.items) >= maxItems {
			return fmt.Errorf("%w: more than %d backups", document.ErrTooLarge, maxItems)
		}
		b.items[i.ID] = i
		return nil
	}
	old.Size += i.Size
	old.Stored += i.Stored
	if i.Stop.After(old.Stop) {
		old.Stop = i.Stop
	}
	b.items[i.ID] = old
	return nil
}

func (b *bundles) flush(to *Listing) error {
	for _, i := range b.items {
		if b.marker != "" && !b.markers[marked(b.marker, i.ID)] {
			i.status = failed
		}
		if err := to.Add(i); err != nil {
			return err
		}
	}
	return nil
}

// s3Error classifies the errors of object storage. An answer with status 200 may hold anything but a listing.
func s3Error(err error) error {
	var answer minio.ErrorResponse
	switch {
	case errors.Is(err, document.ErrTooLarge):
		return err
	case errors.As(err, &answer) && answer.Code != "":
		kind := errNetwork
		switch {
		case slices.Contains([]string{
			"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken",
			"AccountProblem",
		}, answer.Code):
			kind = errAuth
		case answer.Code == "NoSuchBucket":
			kind = errNoBucket
		}
		return fmt.Errorf("%w: %s: %s", kind, answer.Code, document.Short(answer.Message))
	case strings.Contains(err.Error(), "XML") || strings.Contains(err.Error(), "EOF"):
		return fmt.Errorf("%w: %s", document.ErrMalformed, document.Short(err.Error()))
	}
	return err
}
