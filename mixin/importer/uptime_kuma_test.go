package importer

import (
	"testing"
	"time"
)

// uptimeKumaExample has the shape of a backup of Uptime Kuma.
const uptimeKumaExample = `{
 "version": "1.23.13",
 "notificationList": [{"id": 1, "name": "mail"}],
 "monitorList": [
  {"id": 1, "name": "Shop", "type": "group", "active": true},
  {"id":2,"name": "Front page", "type": "http", "parent": 1, "url": "https://example.org/","method":"GET","interval":60,
   "retryInterval": 60, "maxretries": 0, "accepted_statuscodes": ["200-299"], "ignoreTls": false, "maxredirects": 10,
   "timeout": 48, "active": true, "upsideDown": false},
  {"id": 3, "name": "Api", "type": "keyword", "url": "https://example.org/api", "method": "POST", "body": "{}",
   "headers": "{\"Accept\": \"text/plain\", \"Authorization\": \"Bearer x\"}", "interval": 20, "keyword": "o.k",
   "accepted_statuscodes": ["200-299", "404", "odd"], "ignoreTls": true, "maxredirects":0,"active":true,"proxyId":3},
  {"id": 4, "name": "Database", "type": "port", "hostname": "db.example.org", "port": 5432,
   "interval": 60, "active": true},
  {"id": 5, "name": "Router", "type": "ping", "hostname": "192.0.2.1", "interval": 60, "active": true},
  {"id": 6, "name": "Name", "type": "dns", "hostname": "example.org", "dns_resolve_server": "1.1.1.1", "port": 53,
   "dns_resolve_type": "AAAA", "interval": 60, "active": true},
  {"id": 7, "name": "Nightly", "type": "push", "pushToken": "secret-token", "interval": 86400, "active": true},
  {"id":8,"name": "Query", "type": "json-query", "url": "https://example.org/x", "jsonPath":"a.b","expectedValue":"1",
   "interval": 60, "active": true},
  {"id": 9, "name": "Old", "type": "http", "url": "https://old.example.org", "active": false},
  {"id": 10, "name": "Rpc", "type": "grpc-keyword", "grpcUrl": "127.0.0.1:50051", "grpcEnableTls": false,
   "interval": 60, "active": true}
 ]
}
`

func TestImportUptimeKuma(t *testing.T) {
	part, err := convertUptimeKuma([]byte(uptimeKumaExample))
	if err != nil {
		t.Fatal(err)
	}
	p := accepted(t, part)
	want := [][4]string{
		{"Front-page", "Shop", "https://example.org/", "http_2xx"},
		{"Api", "Api", "https://example.org/api", "api"},
		{"Database", "Database", "db.example.org:5432", "tcp_connect"},
		{"Router", "Router", "192.0.2.1", "icmp"},
		{"Name", "Name", "1.1.1.1:53", "name"},
		{"Query", "Query", "https://example.org/x", "http_2xx"},
		{"Rpc", "Rpc", "127.0.0.1:50051", "rpc"},
	}
	checksAre(t, p, want)
	if c := p.Health.Checks[0]; c.Timeout.Std() != 48*time.Second {
		t.Errorf("%+v", c)
	}
	m, _ := p.Module("api")
	if len(m.HTTP.ValidStatusCodes) != 101 || m.HTTP.Headers["Accept"] != "text/plain" || len(m.HTTP.Headers) != 1 ||
		m.HTTP.FailIfBodyNotMatchesRegexp[0].String() != `o\.k` || m.HTTP.HTTPClientConfig.FollowRedirects {
		t.Errorf("%+v", m.HTTP)
	}
	tasks := p.Procedures().Expected
	if len(tasks) != 1 || tasks[0].Name != "nightly" || tasks[0].Interval.Std() != 24*time.Hour {
		t.Errorf("%+v", tasks)
	}
	noted(t, part, "line 3: notifications", "line 10: header Authorization of Api", `line 11: status codes "odd" of Api`,
		"line 11: proxyId of Api", "line 17: nightly: its job pings another address", "ping /ping/KEY/nightly",
		"line 18: query a.b of Query",
		"line 20: monitor Old is paused")
	if contains(part, "secret-token") || contains(part, "Bearer") {
		t.Error("a secret is in the policy")
	}
}

func TestImportUptimeKumaRefused(t *testing.T) {
	refused(t, convertUptimeKuma, uptimeKumaExample, map[string][3]string{
		"type":        {`"type": "port"`, `"type": "docker"`, `line 12: Database: nothing probes a monitor of type "docker"`},
		"upside down": {`"upsideDown": false`, `"upsideDown": true`, "line 6: Front-page: upside down"},
		"nothing":     {"monitorList", "monitors", "nothing was imported"},
		"no JSON":     {"{", "\t{:", "invalid backup of Uptime Kuma"},
	})
}

func FuzzImportUptimeKuma(f *testing.F) { fuzzed(f, convertUptimeKuma, uptimeKumaExample) }
