package decode

import "fmt"

// format describes one kind of request log. Each is a literal in a file of its own, and formats lists them.
type format struct {
	name string
	// keys are where a record, which is a JSON object, has its fields. A source's own fields come first.
	keys layout
	// keysVary reports whether a source can name keys of its own.
	keysVary bool
	// durations reports whether records can hold durations.
	durations bool
	// unit is the unit of durations; with unitVaries a source can name another one.
	unit       unit
	unitVaries bool
	// read makes an event of a record's values. Most formats have readFields.
	read func(*JSON, *Event) Outcome
	// aborted interprets a status of 0, by which the format marks requests without an answer. Without it such a request
	// counts as one that the server did not answer.
	aborted func(*values, *Event) Outcome
	// line makes an event of a line of text, where records are not JSON objects.
	line func(*textLine, []byte, *Event) Outcome
	// notice recognises lines of the program's own log that isTextNotice does not, nil if there are none.
	notice func([]byte) bool
	// captures reports whether a source chooses, by their places, which captured headers of requests are fields.
	captures bool
	// headed reports whether a line of a file names the columns of the records after it.
	headed bool
	// unproven reports whether no address in a record proves that a health check of ours sent the request.
	unproven bool
	// decoder returns the decoder of a format that has neither.
	decoder func(Options) Decoder
}

// formats are the kinds of request logs that can be read. config.LogFormats has the same names; a test compares the
// two.
var formats = []*format{
	&nginxJSON, &nginxMain, &combinedLog, &apacheVhost, &ingressNginx, &haproxy, &haproxyJSON, &caddy, &traefik,
	&traefikCLF, &envoy, &envoyText, &awsALB, &cloudfront, &googleLB, &iis, &vercel, &cloudflare, &customJSON,
}

func formatOf(name string) (*format, error) {
	for _, f := range formats {
		if f.name == name {
			return f, nil
		}
	}
	return nil, fmt.Errorf("unknown format %q", name)
}

// New returns a decoder.
func New(o Options) (Decoder, error) {
	f, err := formatOf(o.Format)
	if err != nil {
		return nil, err
	}
	switch {
	case f.decoder != nil:
		return f.decoder(o), nil
	case f.line != nil:
		return newTextLine(f, o)
	}
	return newJSON(f, o), nil
}

// NewJSON returns a decoder of a format whose records are JSON objects.
func NewJSON(o Options) (*JSON, error) {
	f, err := formatOf(o.Format)
	if err != nil {
		return nil, err
	}
	if f.read == nil {
		return nil, fmt.Errorf("the records of format %q are not JSON objects", o.Format)
	}
	return newJSON(f, o), nil
}
