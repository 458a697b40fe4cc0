package decode

import "bytes"

// awsALB is the access log of AWS' Application Load Balancer ("Access logs for your Application Load Balancer"):
//
//	type time elb client:port target:port request_processing_time target_processing_time response_processing_time
//	  elb_status_code target_status_code received_bytes sent_bytes "request" "user_agent" ...
//
// The host is that of the request's URL. The URL is logged as the client sent it, quotes included. A duration is the
// sum of the three times, which end when the response begins; it is missing where one of them is -1. The status 460 is
// a client that left before the response, 0 a connection that ended without one.
var awsALB = format{name: "aws-alb", line: readALB, durations: true, unit: seconds}

// albClientLeft is the status of a request whose client closed the connection before the response.
const albClientLeft = 460

func readALB(d *textLine, b []byte, e *Event) Outcome {
	var words [12][]byte
	for i := range words {
		words[i], b = word(b)
	}
	if len(b) < 2 || b[0] != '"' {
		return Syntax
	}
	if e.Time = d.clock.parse(words[1]); e.Time == 0 {
		return Syntax
	}
	var ok bool
	if e.Status, ok = statusOf(words[8]); !ok {
		return NoStatus
	}
	if e.Bytes, ok = whole(words[11]); !ok {
		return Syntax
	}
	switch string(words[0]) {
	case "http", "https", "h2", "grpc", "grpcs", "ws", "wss":
	default:
		return Syntax
	}
	if e.Status == albClientLeft {
		e.Status = clientClosed
	}
	e.Duration = 0
	for _, text := range words[5:8] {
		took, ok := scaled(text, int(seconds))
		if !ok {
			e.Duration = -1
			break
		}
		e.Duration = min(e.Duration+int64(min(took, maxScaled/4)), maxScaled)
	}
	_, b = word(b[1:])
	url, b := word(b)
	host, uri := splitURL(url)
	e.Host = host
	d.setURI(uri, e)
	var agent []byte
	if i := bytes.Index(b, []byte(`" "`)); i >= 0 {
		agent, _, _ = quoted(b[i+2:])
	}
	e.Probe = d.isProbe(agent, uri, words[3], nil)
	return Counted
}
