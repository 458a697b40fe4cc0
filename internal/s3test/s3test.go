// Package s3test is a server with as much of the S3 API as a listing asks for, for tests and benchmarks: pages
// of ListObjectsV2 made up as they are asked for, so that a hundred thousand objects take no memory.
package s3test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Object is one object of a bucket.
type Object struct {
	Key      string
	Modified time.Time
	Size     int64
}

// Server serves one bucket.
type Server struct {
	*httptest.Server
	// Bucket is the bucket's name; AccessKey must appear in the signature of a request.
	Bucket, AccessKey string
	// Len and At are the objects, in ascending order of their keys.
	Len int
	At  func(i int) Object
	// Broken, if set, answers instead.
	Broken http.HandlerFunc
	Pages  atomic.Int64
}

// New starts a server with objects. Close ends it.
func New(bucket, accessKey string, objects []Object) *Server {
	sort.Slice(objects, func(i, j int) bool { return objects[i].Key < objects[j].Key })
	return NewFunc(bucket, accessKey, len(objects), func(i int) Object { return objects[i] })
}

// NewFunc starts a server whose objects are made up.
func NewFunc(bucket, accessKey string, n int, at func(i int) Object) *Server {
	s := &Server{Bucket: bucket, AccessKey: accessKey, Len: n, At: at}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case s.Broken != nil:
		s.Broken(w, r)
	case !strings.Contains(r.Header.Get("Authorization"), "Credential="+s.AccessKey+"/"):
		refuse(w, http.StatusForbidden, "InvalidAccessKeyId")
	case strings.Trim(r.URL.Path, "/") != s.Bucket:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case q.Get("list-type") != "2":
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	default:
		s.page(w, q.Get("prefix"), q.Get("continuation-token"))
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>no</Message></Error>`, code)
}

const pageSize = 1000

func (s *Server) page(w http.ResponseWriter, prefix, token string) {
	s.Pages.Add(1)
	from, _ := strconv.Atoi(token)
	var b strings.Builder
	count, i := 0, from
	for ; i < s.Len && count < pageSize; i++ {
		o := s.At(i)
		if !strings.HasPrefix(o.Key, prefix) {
			continue
		}
		count++
		fmt.Fprintf(
			&b, `<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>&quot;x&quot;</ETag><Size>%d</`+
				`Size><StorageClass>STANDARD</StorageClass></Contents>`,
			o.Key, o.Modified.UTC().Format("2006-01-02T15:04:05.000Z"), o.Size)
	}
	next := ""
	if i < s.Len {
		next = "<NextContinuationToken>" + strconv.Itoa(i) + "</NextContinuationToken>"
	}
	fmt.Fprintf(
		w, `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/`+
			`"><Name>%s</Name><Prefix>%s</Prefix><KeyCount>%d</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>%v</`+
			`IsTruncated>%s%s</ListBucketResult>`,
		s.Bucket, prefix, count, i < s.Len, next, b.String())
}
