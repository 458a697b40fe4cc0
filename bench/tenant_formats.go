package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/config"
)

var _ = register("tenant-formats", tenantFormats)

// formatLines is how many lines each format has.
const formatLines = 200_000

// request is what a line of every format says.
type request struct {
	at         time.Time
	tenant     uint64
	order      int
	address    int
	status     int
	seconds    float64
	size       int
	identifier uint64
}

func (r *request) host() string { return fmt.Sprintf("tenant-%d.thorbis.app", r.tenant) }
func (r *request) uri() string {
	return fmt.Sprintf("/t/tenant-%d/orders/%d/items?page=%d", r.tenant, r.order, r.order%50)
}
func (r *request) client() string { return fmt.Sprintf("203.0.113.%d", r.address) }
func (r *request) ms() int        { return int(1000 * r.seconds) }

const (
	agent   = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	clfTime = "02/Jan/2006:15:04:05 -0700"
)

// common writes what nginx's and Apache's formats begin with.
func (r *request) common() string {
	return fmt.Sprintf(`%s - - [%s] "GET %s HTTP/1.1" %d %d "https://%s/orders" "%s"`, r.client(), r.at.Format(clfTime),
		r.uri(), r.status, r.size, r.host(), agent)
}

// lineFormat writes requests as a program with its usual fields does.
type lineFormat struct {
	header string // the first line
	source string // more keys of a source, after a comma
	fields map[string]string
	write  func(w io.Writer, r *request)
}

const byPath = ", tenant_by: path"

// keys returns the keys of a source, each after a comma.
func (f lineFormat) keys() string {
	if f.fields == nil {
		return f.source
	}
	var all []string
	for _, field := range slices.Sorted(maps.Keys(f.fields)) {
		all = append(all, field+": "+f.fields[field])
	}
	return f.source + ", fields: {" + strings.Join(all, ", ") + "}"
}

// lineFormats has every format of a file but those of receivers, which tenant-receive measures.
var lineFormats = map[string]lineFormat{
	"nginx-json": {write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `{"time":"%s","msec":%d.%03d,"remote_addr":"%s","host":"%s","method":"GET","uri":"%s","status":%d,`+
			`"request_time":%.3f,"upstream_response_time":"%.3f","bytes_sent":%d,"request_id":"%032x",`+
			`"http_referer":"https://%s/orders","http_user_agent":"%s"}`, r.at.Format(time.RFC3339), r.at.Unix(),
			r.at.Nanosecond()/1e6, r.client(), r.host(), r.uri(), r.status, r.seconds, r.seconds*0.9, r.size, r.identifier,
			r.host(), agent)
	}},
	"nginx-main": {source: byPath, write: func(w io.Writer, r *request) { fmt.Fprintf(w, `%s "-"`, r.common()) }},
	"combined": {write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `%s "%s" %.3f`, r.common(), r.host(), r.seconds)
	}},
	"apache-vhost": {write: func(w io.Writer, r *request) { fmt.Fprintf(w, `%s:443 %s`, r.host(), r.common()) }},
	"ingress-nginx": {source: byPath, write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `%s 473 %.3f [default-web-80] [] 10.244.0.5:8080 %d %.3f %d %032x`, r.common(), r.seconds, r.size,
			r.seconds, r.status, r.identifier)
	}},
	"haproxy": {fields: map[string]string{"host": "capture.1"}, write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `%s:33317 [%s] https~ app/web1 0/0/1/%d/%d %d %d - - ---- 9/9/2/1/0 0/0 {%s} "GET %s HTTP/1.1"`,
			r.client(), r.at.Format("02/Jan/2006:15:04:05.000"), r.ms(), r.ms(), r.status, r.size, r.host(), r.uri())
	}},
	"haproxy-json": {write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `{"time":%d,"client_address":"%s","host":"%s","uri":"%s","status":%d,"duration":%d,"bytes":%d,`+
			`"termination_state":"----"}`, r.at.UnixMilli(), r.client(), r.host(), r.uri(), r.status, r.ms(), r.size)
	}},
	"caddy": {write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `{"level":"info","ts":%.6f,"logger":"http.log.access","msg":"handled request","request":{`+
			`"remote_ip":"%s","remote_port":"33317","client_ip":"%s","proto":"HTTP/2.0","method":"GET","host":"%s",`+
			`"uri":"%s","headers":{"User-Agent":["%s"],"Accept":["*/*"]},"tls":{"resumed":false,"version":772,`+
			`"cipher_suite":4865,"proto":"h2","server_name":"%s"}},"bytes_read":0,"user_id":"","duration":%.9f,"size":%d,`+
			`"status":%d,"resp_headers":{"Server":["Caddy"],"Content-Type":["application/json"]}}`,
			float64(r.at.UnixMicro())/1e6, r.client(), r.client(), r.host(), r.uri(), agent, r.host(), r.seconds, r.size,
			r.status)
	}},
	"traefik": {write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `{"ClientAddr":"%[1]s:33317","ClientHost":"%[1]s","ClientPort":"33317","ClientUsername":"-",`+
			`"DownstreamContentSize":%[2]d,"DownstreamStatus":%[3]d,"Duration":%[4]d,"OriginContentSize":%[2]d,`+
			`"OriginDuration":%[4]d,"OriginStatus":%[3]d,"Overhead":81234,"RequestAddr":"%[5]s","RequestContentSize":0,`+
			`"RequestCount":%[8]d,"RequestHost":"%[5]s","RequestMethod":"GET","RequestPath":"%[6]s","RequestPort":"-",`+
			`"RequestProtocol":"HTTP/2.0","RequestScheme":"https","RetryAttempts":0,"RouterName":"web@docker",`+
			`"ServiceAddr":"10.0.0.5:80","ServiceName":"web@docker","StartLocal":"%[7]s","StartUTC":"%[7]s",`+
			`"entryPointName":"websecure","level":"info","msg":"","time":"%[7]s"}`, r.client(), r.size, r.status,
			int64(r.seconds*1e9), r.host(), r.uri(), r.at.UTC().Format(time.RFC3339Nano), r.order)
	}},
	"traefik-clf": {source: byPath, write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `%s %d "web@docker" "http://10.0.0.5:80" %dms`, r.common(), r.order, r.ms())
	}},
	"envoy": {write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `{"authority":"%s","bytes_received":0,"bytes_sent":%d,"connection_termination_details":null,`+
			`"downstream_local_address":"10.0.45.184:8000","downstream_remote_address":"%s:46520","duration":%d,`+
			`"method":"GET","path":"%s","protocol":"HTTP/2","request_id":"%032x","requested_server_name":null,`+
			`"response_code":%d,"response_code_details":"via_upstream","response_flags":"-","route_name":"default",`+
			`"start_time":"%s","upstream_cluster":"outbound|8000||web","upstream_host":"10.44.1.27:80",`+
			`"upstream_service_time":"%d","user_agent":"%s","x_forwarded_for":"%s"}`, r.host(), r.size, r.client(), r.ms(),
			r.uri(), r.identifier, r.status, r.at.UTC().Format("2006-01-02T15:04:05.000Z"), r.ms(), agent, r.client())
	}},
	"envoy-text": {write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `[%s] "GET %s HTTP/1.1" %d - via_upstream - "-" 0 %d %d %d "-" "%s" "%032x" "%s" "10.44.1.27:80" `+
			`outbound|8000||web 10.44.1.23:37652 10.0.45.184:8000 %s:46520 - default`,
			r.at.UTC().Format("2006-01-02T15:04:05.000Z"), r.uri(), r.status, r.size, r.ms(), r.ms(), agent, r.identifier,
			r.host(), r.client())
	}},
	"aws-alb": {write: func(w io.Writer, r *request) {
		at := r.at.UTC().Format("2006-01-02T15:04:05.000000Z")
		fmt.Fprintf(w, `h2 %s app/web/50dc6c495c0c9188 %s:2817 10.0.0.1:80 0.001 %.3f 0.000 %d %d 80 %d `+
			`"GET https://%s:443%s HTTP/2.0" "%s" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.3 `+
			`arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/web/73e2d6bc24d8a067 `+
			`"Root=1-%08x-1d84f3d73c47ec4e58577259" "%s" "arn:aws:acm:us-east-2:123456789012:certificate/1" 0 %s "forward" `+
			`"-" "-" "10.0.0.1:80" "%d" "-" "-" TID_123456`, at, r.client(), r.seconds, r.status, r.status, r.size, r.host(),
			r.uri(), agent, r.identifier>>32, r.host(), at, r.status)
	}},
	"cloudfront": {
		header: "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) " +
			"cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes " +
			"time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version",
		write: func(w io.Writer, r *request) {
			fmt.Fprintf(w, "%s\tFRA2-C1\t%d\t%s\tGET\td111111abcdef8.cloudfront.net\t/t/tenant-%d/orders/%d/items\t%d\t-\t"+
				"Mozilla/5.0%%20(X11;%%20Linux%%20x86_64)%%20AppleWebKit/537.36\tpage=1\t-\tMiss\t%032x==\t%s\thttps\t23\t%.3f\t"+
				"-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tMiss\tHTTP/2.0", r.at.UTC().Format("2006-01-02\t15:04:05"), r.size,
				r.client(), r.tenant, r.order, r.status, r.identifier, r.host(), r.seconds)
		},
	},
	"google-lb": {write: func(w io.Writer, r *request) {
		fmt.Fprintf(w, `{"insertId":"%012x","jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.`+
			`LoadBalancerLogEntry","statusDetails":"response_sent_by_backend"},"httpRequest":{"requestMethod":"GET",`+
			`"requestUrl":"https://%s%s","requestSize":"80","status":%d,"responseSize":"%d","userAgent":"%s",`+
			`"remoteIp":"%s","serverIp":"10.0.0.5","latency":"%.6fs"},"resource":{"type":"http_load_balancer","labels":{`+
			`"backend_service_name":"web","forwarding_rule_name":"https","project_id":"p","zone":"global"}},`+
			`"timestamp":"%s","severity":"INFO","logName":"projects/p/logs/requests"}`, r.identifier, r.host(), r.uri(),
			r.status, r.size, agent, r.client(), r.seconds, r.at.UTC().Format("2006-01-02T15:04:05.000000Z"))
	}},
	"iis": {
		header: "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) " +
			"cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes time-taken",
		write: func(w io.Writer, r *request) {
			fmt.Fprintf(w, "%s 10.0.0.5 GET /t/tenant-%d/orders/%d/items page=1 443 - %s Mozilla/5.0+(X11;+Linux+x86_64)+"+
				"AppleWebKit/537.36 - %s %d 0 0 %d %d", r.at.UTC().Format("2006-01-02 15:04:05"), r.tenant, r.order,
				r.client(), r.host(), r.status, r.size, r.ms())
		},
	},
	"json": {
		fields: map[string]string{"host": "vhost", "status": "code", "duration": "took", "bytes": "sent", "time": "at"},
		write: func(w io.Writer, r *request) {
			fmt.Fprintf(w, `{"at":"%s","vhost":"%s","path":"%s","code":%d,"took":%.3f,"sent":%d,"client":"%s","agent":"%s"}`,
				r.at.UTC().Format(time.RFC3339Nano), r.host(), r.uri(), r.status, r.seconds, r.size, r.client(), agent)
		},
	},
}

// formatCost is the least processor time of a format's lines.
type formatCost struct {
	name, path string
	size       int64
	lines      uint64 // the header too
	cpu        time.Duration
}

// tenantFormats measures the way from a file to saved counters for every format, with the same requests in each. They
// take turns in one run, and the least of each counts.
func tenantFormats(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "bench-formats-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var all []*formatCost
	r.say("writing %d lines of each format", formatLines)
	for _, f := range config.LogFormats {
		if f.Name == "vercel" || f.Name == "cloudflare" {
			continue
		}
		c := &formatCost{name: f.Name, path: filepath.Join(dir, f.Name+".log"), lines: formatLines}
		if lineFormats[f.Name].write == nil {
			return fmt.Errorf("the format %s has no lines to measure: write them into bench/tenant_formats.go", f.Name)
		}
		if lineFormats[f.Name].header != "" {
			c.lines++
		}
		if c.size, err = writeFormat(c.path, lineFormats[f.Name]); err != nil {
			return err
		}
		if err := c.check(); err != nil {
			return err
		}
		all = append(all, c)
	}
	for round := range lineRounds {
		r.say("round %d of %d", round+1, lineRounds)
		for _, c := range all {
			took, err := readSource(ctx, dir, "file: \""+c.path+"\", format: "+c.name+lineFormats[c.name].keys(), c.lines)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if c.cpu == 0 || took.cpu < c.cpu {
				c.cpu = took.cpu
			}
		}
	}
	var combined time.Duration
	for _, c := range all {
		if c.name == "combined" {
			combined = c.cpu
		}
	}
	slices.SortFunc(all, func(a, b *formatCost) int { return cmp.Compare(a.cpu, b.cpu) })
	for _, c := range all {
		r.add(figure{
			name:  fmt.Sprintf("%s, %d bytes a line", c.name, c.size/formatLines),
			value: formatLines / c.cpu.Seconds(), unit: "lines/CPU-s", against: "combined, the same requests",
			ratio: float64(combined) / float64(c.cpu),
		})
	}
	return nil
}

// check reads the first lines: a line that is rejected, or whose duration or host is not read, would be cheap.
func (c *formatCost) check() error {
	sample, err := source.FirstLines(c.path)
	if err != nil {
		return err
	}
	f := lineFormats[c.name]
	o := decode.Options{Format: c.name, Fields: f.fields, DurationUnit: "s", Path: f.source == byPath}
	t, err := source.Try(sample, o)
	requests := len(sample)
	if f.header != "" {
		requests--
	}
	timed := c.name != "nginx-main" && c.name != "apache-vhost"
	switch {
	case err != nil:
		return err
	case t.Counted != requests, t.Times != requests, timed && t.Durations != requests:
		return fmt.Errorf("%s: of %d requests %+v were read", c.name, requests, t)
	case f.source != byPath && t.Hosts != requests:
		return fmt.Errorf("%s: of %d requests %d have a host", c.name, requests, t.Hosts)
	}
	return nil
}

// writeFormat writes requests of a format, the same each time, and returns the size of the file.
func writeFormat(path string, f lineFormat) (int64, error) {
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	if f.header != "" {
		fmt.Fprintln(w, f.header)
	}
	random := rand.New(rand.NewSource(1)) // it must be the same each time
	zipf := rand.NewZipf(random, benchZipf, 1, benchTenants-1)
	statuses := []int{200, 200, 200, 200, 200, 200, 201, 204, 301, 304, 404, 502}
	at := time.Now().Add(-time.Minute)
	for range formatLines {
		at = at.Add(50 * time.Microsecond)
		f.write(w, &request{
			at: at, tenant: zipf.Uint64(), order: random.Intn(1e6), address: random.Intn(256),
			status: statuses[random.Intn(len(statuses))], seconds: 0.06 * math.Exp(random.NormFloat64()),
			size: 200 + random.Intn(40_000), identifier: random.Uint64(),
		})
		if err := w.WriteByte('\n'); err != nil {
			return 0, err
		}
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
