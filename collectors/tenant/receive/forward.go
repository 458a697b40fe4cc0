package receive

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
)

// forward writes the requests of a body to a stream instead of counting them, each as it was written and those of one
// tenant to one partition. Messages of requests that all have ids have one by what they hold: a post that is sent
// again, to whichever receiver, becomes the same messages. Requests without ids may well be equal and no copies.
func (r *Receiver) forward(req *http.Request, body io.Reader) error {
	partitions, err := r.Forward.Partitions(req.Context())
	if err != nil {
		r.Logger.Warn("A post cannot be forwarded", "source", r.Name, "err", err)
		return errUnavailable
	}
	var all []stream.Outgoing
	err = collectors.Guard(func() (err error) {
		all, err = r.divide(body, partitions)
		return err
	})
	switch {
	case err != nil && collectors.ReasonOf(err) == collectors.ReasonPanic:
		collectors.LogPanic(r.Logger, err)
		return errUnavailable
	case err != nil:
		return err
	}
	if err := r.Forward.Write(req.Context(), all); err != nil {
		r.Logger.Warn("A post cannot be forwarded", "source", r.Name, "err", err)
		return errUnavailable
	}
	return nil
}

// divide divides the requests of a body into messages.
func (r *Receiver) divide(body io.Reader, partitions int) ([]stream.Outgoing, error) {
	b := batches.Get().(*batch)
	defer batches.Put(b)
	*b = batch{events: b.events[:0], ids: b.ids[:0]}
	w := takeWindow(body)
	defer w.free()
	decoder := <-r.decoders
	defer func() { r.decoders <- decoder }()
	parts := map[int]*part{}
	var all []stream.Outgoing
	scratch := make([]byte, 0, 304)
	err := b.decode(decoder, w, func(raw []byte) error {
		n := int(xxhash.Sum64(r.Count.Rule.TenantOf(&b.event, scratch)) % uint64(partitions))
		p := parts[n]
		if p == nil {
			p = &part{partition: n}
			parts[n] = p
		}
		if p.Len()+len(raw) >= stream.MaxOutgoing && p.Len() > 0 {
			all = append(all, p.message())
		}
		p.anonymous = p.anonymous || len(b.event.ID) == 0
		for _, c := range raw { // a line break can only lie between what JSON is made of
			if c == '\n' || c == '\r' {
				c = ' '
			}
			p.WriteByte(c)
		}
		p.WriteByte('\n')
		return nil
	})
	r.sample(b)
	if err == nil && b.records > 0 && b.outcomes[decode.Syntax] == b.records {
		err = errInvalid
	}
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Sorted(maps.Keys(parts)) {
		if parts[n].Len() > 0 {
			all = append(all, parts[n].message())
		}
	}
	if slices.ContainsFunc(all, func(m stream.Outgoing) bool { return len(m.Value) > stream.MaxOutgoing }) {
		return nil, errTooLarge
	}
	return all, nil
}

// part is what a body has of a partition.
type part struct {
	bytes.Buffer
	partition int
	anonymous bool // a request in it has no id
}

// message takes what there is.
func (p *part) message() stream.Outgoing {
	m := stream.Outgoing{Partition: p.partition, Value: bytes.Clone(p.Bytes())}
	if !p.anonymous {
		m.ID = fmt.Sprintf("%d-%d-%x", p.partition, len(m.Value), sha256.Sum256(m.Value))
	}
	p.Reset()
	p.anonymous = false
	return m
}
