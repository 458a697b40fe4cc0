package procedure

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// slugRE is what a name in an address may be.
var slugRE = regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)

// Bounds of a ping's body. Its beginning is kept; what is too long is read for a while, so that the sender notices
// nothing.
const (
	maxDiscard  = 16 << 20
	bodyTimeout = 10 * time.Second
)

// Bounds of the times that a report brings along: a run that could not be reported is delivered later.
const (
	maxAhead = time.Minute
	maxOld   = 30 * 24 * time.Hour
)

// outcome is what became of a ping: an index into metric.PingResults.
type outcome int

const (
	accepted outcome = iota
	ignored
	refused
	invalid
	rateLimited
	unavailable
)

// Pings returns the handler of pings, for paths that begin with /ping/ or are those of an external endpoint of gatus.
func (c *Collector) Pings() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/ping/", func(w http.ResponseWriter, req *http.Request) { c.answer(w, req, c.ping) })
	mux.HandleFunc("POST /api/v1/endpoints/{key}/external",
		func(w http.ResponseWriter, req *http.Request) { c.answer(w, req, c.external) })
	return mux
}

// answer bounds how many pings are served at once, and counts what became of each.
func (c *Collector) answer(w http.ResponseWriter, req *http.Request,
	serve func(http.ResponseWriter, *http.Request) outcome,
) {
	if !c.limits.enter() {
		c.pings[unavailable].Add(1)
		unavailableAnswer(w)
		return
	}
	defer c.limits.leave()
	if c.starting() {
		c.pings[unavailable].Add(1)
		unavailableAnswer(w)
		return
	}
	c.pings[serve(w, req)].Add(1)
}

// starting reports whether it is not known yet which keys are right.
func (c *Collector) starting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.section != nil && !c.keys.known()
}

// ping serves the pinging API of healthchecks.io. A wrong key and an unknown name have one answer.
func (c *Collector) ping(w http.ResponseWriter, req *http.Request) outcome {
	h := w.Header()
	h.Set("Cache-Control", "max-age=0, no-cache, no-store, must-revalidate, private")
	h.Set("Access-Control-Allow-Origin", "*")
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		h.Set("Allow", "GET, HEAD, POST")
		http.Error(w, "send GET, HEAD or POST", http.StatusMethodNotAllowed)
		return invalid
	}
	t, badStatus, ok := parseTarget(strings.TrimPrefix(req.URL.EscapedPath(), "/ping/"))
	o, by := c.find(t)
	if claimed := req.URL.Query().Get("by"); !ok || o == nil || claimed != "" && claimed != by {
		return c.refuse(w, req)
	}
	e := event{procedure: o.Name, kind: t.kind, at: time.Now(), by: by}
	if badStatus || !e.read(req) {
		text := "invalid uuid format"
		if badStatus {
			text = "invalid url format"
		}
		http.Error(w, text, http.StatusBadRequest)
		return invalid
	}
	if o.PostOnly && req.Method != http.MethodPost {
		ok200(w)
		return ignored
	}
	return c.take(w, req, e)
}

// read reads what the query of a ping says: the run's id, and the times of a run that is reported later.
func (e *event) read(req *http.Request) bool {
	query := req.URL.Query()
	if rid := query.Get("rid"); query.Has("rid") {
		if e.rid = strings.ToLower(rid); !uuidRE.MatchString(e.rid) {
			return false
		}
	}
	if e.kind == started || e.kind == alive {
		return true
	}
	now := e.at
	for key, t := range map[string]*time.Time{"began": &e.began, "ended": &e.at} {
		if !query.Has(key) {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, query.Get(key))
		if err != nil || at.After(now.Add(maxAhead)) || now.Sub(at) > maxOld {
			return false
		}
		*t = earliest(at, now)
	}
	return !e.began.After(e.at)
}

// find returns the procedure that an address is about, nil if its key is wrong or its name unknown. Both take the same
// work. A task is reported with the key of a person who may sign it, and with no other.
func (c *Collector) find(t target) (o *watched, by string) {
	own, shared := c.keys.owner(t.key)
	person := c.keys.people.Owner(t.key)
	c.mu.Lock()
	defer c.mu.Unlock()
	name := t.name
	if name == "" {
		name = own
	}
	o = c.watched[name]
	switch {
	case o != nil && o.Task != nil:
		if t.name == "" || !o.Task.Permits(person) {
			return nil, ""
		}
		return o, person
	case t.name != "" && !shared:
		return nil, ""
	}
	return o, ""
}

// take reads the body of a ping and saves the report.
func (c *Collector) take(w http.ResponseWriter, req *http.Request, e event) outcome {
	h := w.Header()
	if !c.limits.procedure(e.procedure) {
		h.Set("Retry-After", "60")
		http.Error(w, "rate limit exceeded", http.StatusTooManyRequests)
		return rateLimited
	}
	h.Set("Ping-Body-Limit", strconv.Itoa(maxOutput))
	e.output = c.body(w, req)
	if err := c.submit(req.Context(), e); err != nil {
		unavailableAnswer(w)
		return unavailable
	}
	if e.kind == failed {
		c.logger.Warn("A procedure reported a failure", "procedure", e.procedure, "output", lastLine(e.output))
	}
	ok200(w)
	return accepted
}

// body reads the beginning of a body as text. What cannot be read is left out: the ping counts.
func (*Collector) body(w http.ResponseWriter, req *http.Request) string {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	text, _ := io.ReadAll(io.LimitReader(req.Body, maxOutput))
	if n, err := io.Copy(io.Discard, io.LimitReader(req.Body, maxDiscard)); err != nil || n == maxDiscard {
		w.Header().Set("Connection", "close")
	} else {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the connection waits for its next request
	}
	return clean(string(text))
}

// clean returns a text without what is no text, and without secrets.
func clean(text string) string {
	return secret.Mask(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}

// maxLine bounds the line of output that is logged.
const maxLine = 200

// lastLine returns the last line of a text that is not empty, cut.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	text = strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "..."
	}
	return text
}

// refuse answers a ping whose key or name is unknown. Its body is not read.
func (c *Collector) refuse(w http.ResponseWriter, req *http.Request) outcome {
	w.Header().Set("Connection", "close")
	if !c.limits.refusal(req) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests", http.StatusTooManyRequests)
		return refused
	}
	http.Error(w, "not found", http.StatusNotFound)
	return refused
}

func ok200(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "OK")
}

func unavailableAnswer(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, collectors.ErrUnsaved.Error(), http.StatusServiceUnavailable)
}

// external serves the push of an external endpoint of gatus. The key in its address is made of the service and the
// name; the token is a ping key or the procedure's own UUID.
func (c *Collector) external(w http.ResponseWriter, req *http.Request) outcome {
	token, bearer := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	o := c.findExternal(req.PathValue("key"), token)
	if !bearer || o == nil {
		return c.refuse(w, req)
	}
	query := req.URL.Query()
	success, err := strconv.ParseBool(query.Get("success"))
	e := event{procedure: o.Name, kind: succeeded, at: time.Now()}
	if err == nil && query.Has("duration") {
		if e.took, err = time.ParseDuration(query.Get("duration")); err == nil && (e.took < 0 || e.took > maxOld) {
			err = errors.New("invalid duration")
		}
	}
	if err != nil {
		http.Error(w, "write success=true or success=false, and a duration like 10s", http.StatusBadRequest)
		return invalid
	}
	if !success {
		e.kind = failed
	}
	if !c.limits.procedure(o.Name) {
		http.Error(w, "rate limit exceeded", http.StatusTooManyRequests)
		return rateLimited
	}
	if e.output = clean(query.Get("error")); len(e.output) > maxOutput {
		e.output = strings.ToValidUTF8(e.output[:maxOutput], "")
	}
	if err := c.submit(req.Context(), e); err != nil {
		unavailableAnswer(w)
		return unavailable
	}
	return accepted
}

// findExternal returns the procedure of a key of gatus: group_name, where the group is the service, or nothing.
func (c *Collector) findExternal(key, token string) *watched {
	own, shared := c.keys.owner(token)
	c.mu.Lock()
	defer c.mu.Unlock()
	var found *watched
	for _, o := range c.watched {
		if o.Task != nil { // only a person reports it
			continue
		}
		if key != gatusKey("", o.Name) && key != gatusKey(o.AppService, o.Name) {
			continue
		}
		if found != nil { // gatus writes a_b and a-b alike
			return nil
		}
		found = o
	}
	if found == nil || !shared && own != found.Name {
		return nil
	}
	return found
}

// gatusReplacer writes the key of an endpoint as gatus does.
var gatusReplacer = strings.NewReplacer("/", "-", "_", "-", ",", "-", ".", "-", "#", "-", "+", "-", "&", "-", " ", "-")

func gatusKey(group, name string) string {
	return gatusReplacer.Replace(strings.ToLower(group)) + "_" + gatusReplacer.Replace(strings.ToLower(name))
}
