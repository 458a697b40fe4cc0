package decode

import "bytes"

// status reads a status that is a number or a string of one. What says "no answer" (0, 000, -, an empty
// string) is 0.
func (d *JSON) status(f field) (status int, ok bool) {
	if k := d.v.kinds[f]; k != text && k != number {
		return 0, false
	}
	if n, ok := d.v.decimal(f); ok && n.fraction == 0 && n.mantissa <= 1<<20 {
		return int(n.mantissa), true
	}
	raw := d.v.raw[f]
	if len(raw) == 3 {
		a, b, c := raw[0]-'0', raw[1]-'0', raw[2]-'0'
		if a <= 9 && b <= 9 && c <= 9 {
			return int(a)*100 + int(b)*10 + int(c), true
		}
	}
	if len(raw) == 0 || string(raw) == "-" {
		return 0, true
	}
	n, ok := whole(raw)
	if !ok || n > 1<<20 {
		return 0, false
	}
	return int(n), true
}

func (d *JSON) first(f, g field) []byte {
	if s := d.v.str(f); len(s) > 0 {
		return s
	}
	return d.v.str(g)
}

func (d *JSON) bytes(f field) (uint64, bool) {
	if k := d.v.kinds[f]; k != text && k != number {
		return 0, false
	}
	if n, ok := d.v.decimal(f); ok {
		return n.scaled(0), true
	}
	n, ok := scaled(d.v.raw[f], 0)
	return n, ok
}

func (d *JSON) time(f field) int64 {
	switch d.v.kinds[f] {
	case number: // in milliseconds or finer: no two are alike
		if n, ok := d.v.decimal(f); ok {
			return int64(n.scaled(epochScale(int(n.whole))))
		}
		t, _ := epoch(d.v.raw[f])
		return t
	case text:
		return d.clock.parse(d.v.raw[f])
	}
	return 0
}

// finishGeneric serves every format whose fields mean what they say.
func finishGeneric(d *JSON, e *Event) Verdict {
	var ok bool
	if e.Status, ok = d.status(fStatus); !ok {
		return NoStatus
	}
	v := &d.v
	e.Host, e.Tenant, e.ID = d.first(fHost, fHost2), v.str(fTenant), v.str(fID)
	if v.kinds[fTenant] == number {
		e.Tenant = v.raw[fTenant]
	}
	uri := d.first(fPath, fPath2)
	if d.path {
		e.Path = pathOf(uri)
	}
	e.Probe = isProbe(d.first(fAgent, fAgent2), uri) || len(v.str(fProbe)) > 1
	if n, ok := v.decimal(fDuration); ok {
		e.Duration = int64(n.scaled(int(d.unit)))
	} else if k := v.kinds[fDuration]; k == text || k == number {
		e.Duration = duration(v.raw[fDuration], d.unit)
	}
	if e.Bytes, ok = d.bytes(fBytes); !ok {
		e.Bytes, _ = d.bytes(fBytes2)
	}
	for _, f := range [3]field{fTime, fTime2, fTime3} {
		if e.Time = d.time(f); e.Time != 0 {
			break
		}
	}
	return Counted
}

// finishCaddy leaves out what the server's other loggers write into the same stream.
func finishCaddy(d *JSON, e *Event) Verdict {
	if logger := d.v.str(fSource); logger != nil && !bytes.HasPrefix(logger, []byte("http.log.access")) {
		return NoRequest
	}
	verdict := finishGeneric(d, e)
	e.Probe = e.Probe || d.agentList()
	return verdict
}

// agentList recognises our checks in a User-Agent that is a list of strings.
func (d *JSON) agentList() bool {
	raw := d.v.raw[fAgent]
	if d.v.kinds[fAgent] != other || len(raw) < 2 || raw[0] != '[' {
		return false
	}
	i := skipSpace(raw, 1)
	return raw[i] == '"' && bytes.HasPrefix(raw[i+1:], probeAgent)
}

// finishEnvoy tells a client that went away (499, as nginx has it) from a failure: both have the code 0.
func finishEnvoy(d *JSON, e *Event) Verdict {
	verdict := finishGeneric(d, e)
	if flags := d.v.str(fFlags); e.Status == 0 && verdict == Counted && flags != nil {
		for flag := range bytes.SplitSeq(flags, []byte(",")) {
			if string(flag) == "DC" || string(flag) == "DownstreamConnectionTermination" {
				e.Status = 499
			}
		}
	}
	return verdict
}

// finishVercel keeps the one record of a request that tells how it ended.
func finishVercel(d *JSON, e *Event) Verdict {
	v := &d.v
	e.Host, e.ID = d.first(fHost, fHost2), v.str(fID)
	uri := v.str(fPath)
	if d.path {
		e.Path = pathOf(uri)
	}
	e.Probe = isProbe(v.str(fAgent), uri) || d.agentList()
	if e.Time = d.time(fProxyTime); e.Time == 0 {
		e.Time = d.time(fTime)
	}
	e.Bytes, _ = d.bytes(fBytes)
	if string(v.raw[fProxyStatus]) == "-1" && (v.kinds[fProxyStatus] == number || v.kinds[fProxyStatus] == text) {
		return Revalidation
	}
	if v.kinds[fProxyStatus] == absent {
		// The function crashed and nobody answered; anything else without the proxy's word is a line of output.
		if k := v.kinds[fStatus]; (k == number || k == text) && string(v.raw[fStatus]) == "-1" {
			e.Status = 0
			return Counted
		}
		return NoRequest
	}
	var ok bool
	if e.Status, ok = d.status(fProxyStatus); !ok {
		return NoStatus
	}
	return Counted
}

// finishCloudflare keeps what clients asked for.
func finishCloudflare(d *JSON, e *Event) Verdict {
	v := &d.v
	if string(v.str(fContent)) == "tests" && v.kinds[fStatus] == absent {
		return Test
	}
	if source := v.str(fSource); len(source) > 0 && string(source) != "eyeball" {
		return Subrequest
	}
	verdict := finishGeneric(d, e)
	if verdict != Counted {
		return verdict
	}
	if end := d.time(fEnd); precise(v.raw[fTime]) && precise(v.raw[fEnd]) && end >= e.Time && e.Time != 0 {
		e.Duration = end - e.Time
	}
	return Counted
}

// precise reports whether a timestamp is finer than a second: nanoseconds, or RFC 3339 with a fraction.
// From whole seconds no latency can be told.
func precise(b []byte) bool {
	return len(b) >= 19 && b[0]-'0' <= 9 && (b[4] != '-' || b[19%len(b)] == '.')
}
