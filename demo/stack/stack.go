// Package stack runs the whole system on one machine: a platform to break, the exporter, Prometheus and
// Alertmanager with the generated bundle, and the receiver of the pages. The demonstration and the
// end-to-end tests share it.
package stack

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/pager"
	"github.com/thorbis/thorbis_exporter/demo/saas"
)

//go:embed thorbis.yaml
var policyTemplate string

//go:embed prometheus.yml
var prometheusTemplate string

// RoutingKey is the key that the demonstration's pages to PagerDuty carry. It opens nothing.
const RoutingKey = "demonstration-routing-key"

// SecondaryRoutingKey is the key of those who are paged when an incident stays unacknowledged.
const SecondaryRoutingKey = "demonstration-routing-key-of-the-secondary"

// readyTime is how long one part may take until it is ready.
const readyTime = time.Minute

// Options say what to run and where.
type Options struct {
	Bin string // holds thorbis_exporter, thorbis_mixin and tools/
	// Alertmanager is its program below Bin/tools, alertmanager if empty. Events lets it record its events, which the
	// oldest that is supported cannot, and the exporters read them.
	Alertmanager string
	Events       bool
	Addresses    Addresses
	Progress     io.Writer
	Pages        io.Writer // where the receiver prints
	// Features are features of Prometheus that are switched on, and Classic keeps native histograms from it.
	Features []string
	Classic  bool
	// Traffic is how many requests a second the platform's users make; 0 leaves it to the health checks. One
	// exporter counts them: the log is one. With OwnTraffic the caller writes the log, AccessLog, itself.
	Traffic    float64
	OwnTraffic bool
	// Tenants is how many tenants the platform has, at least 4 in two tiers. With more there are three tiers, and now and
	// then one of them is noisy or slow, and where PostgreSQL is installed the platform has a server and a replica.
	Tenants int
	// History gives Prometheus the records of two weeks before. It needs Traffic.
	History bool
	// Console is a page on which Prometheus is queried: ConsoleThanos, or none if empty.
	Console string
	// Rulers has a pair of Thanos rulers evaluate the rules, over two Prometheus: see Replica.
	Rulers bool

	// Interval is that of the checks. Secondary and Manager are the delays of the escalation's layers for a P1.
	Interval, Secondary, Manager time.Duration
}

func (o Options) manyTenants() bool { return o.Tenants > len(fewTenants) }

// requests reports whether there is a log of requests.
func (o Options) requests() bool { return o.Traffic > 0 || o.OwnTraffic }

// Stack is a running system.
type Stack struct {
	Addresses
	SaaS  *saas.Platform
	Pager *pager.Receiver
	Dir   string // configuration, data and logs; removed by Stop
	// Replicas are empty but with Options.Rulers, which have no Prometheus of the stack.
	Replicas []*Replica

	options      Options
	disk         string // the block device below Dir, empty where there is none
	servers      []*http.Server
	prometheus   *process
	alertmanager *process
	preview      *process
	console      *process
	sidecar      *process // of the console
	exporters    []*process
	database     *database // nil where there is none
	stopPlatform []func()  // what the platform does by itself
	unavailable  map[saas.Mode]string
}

// Start runs everything and returns when all parts are ready and Prometheus scrapes them. What was
// started before an error is stopped.
func Start(ctx context.Context, o Options) (*Stack, error) {
	bin, err := filepath.Abs(o.Bin) // the programs run in a directory of their own
	if err != nil {
		return nil, err
	}
	o.Bin = bin
	o.Alertmanager = cmp.Or(o.Alertmanager, "alertmanager")
	o.Interval = cmp.Or(o.Interval, 30*time.Second)
	o.Secondary, o.Manager = cmp.Or(o.Secondary, 2*time.Minute), cmp.Or(o.Manager, 5*time.Minute)
	programs := []string{"thorbis_exporter", "thorbis_mixin", "tools/prometheus", "tools/" + o.Alertmanager}
	if o.Console != "" && o.Console != ConsoleThanos {
		return nil, fmt.Errorf("unknown console %q: %s is the only one", o.Console, ConsoleThanos)
	}
	if o.Rulers || o.Console != "" {
		programs = append(programs, thanosProgram)
	}
	for _, program := range programs {
		if _, err := os.Stat(filepath.Join(o.Bin, program)); err != nil {
			return nil, fmt.Errorf("%s is not built; run make build tools: %w", program, err)
		}
	}
	if err := vacant(o.Addresses); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "thorbis-demo-")
	if err != nil {
		return nil, err
	}
	s := &Stack{Addresses: o.Addresses, Dir: dir, options: o, exporters: make([]*process, len(o.Addresses.Exporters))}
	disk, noDisk := diskBelow(dir)
	if noDisk == nil {
		s.disk = disk
	} else {
		s.unavailable = map[saas.Mode]string{saas.Disk: noDisk.Error()}
	}
	if err := s.start(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	s.say("the platform and the receiver of its pages")
	if err := s.startPlatform(); err != nil {
		return err
	}
	if s.options.manyTenants() {
		s.startDatabase(ctx)
	}
	s.say("generating rules and routes from the policy")
	if err := s.configure(ctx); err != nil {
		return err
	}
	s.background("no backups any more", s.runBackups)
	s.background("no scans any more", s.runScans)
	s.background("the disk is not used any more", s.runDisk)
	s.say("Alertmanager")
	if err := s.startAlertmanager(); err != nil {
		return err
	}
	for i := range s.exporters {
		s.say("exporter %d", i+1)
		if err := s.StartExporter(ctx, i); err != nil {
			return err
		}
	}
	if s.options.History {
		s.say("two weeks of history")
		if err := s.writeHistory(ctx); err != nil {
			return err
		}
	}
	if err := s.ready(ctx, s.alertmanager, "http://"+s.Alertmanager+"/-/ready"); err != nil {
		return err
	}
	if s.options.Rulers {
		return s.startReplicas(ctx)
	}
	s.say("Prometheus")
	if err := s.startPrometheus(); err != nil {
		return err
	}
	if err := s.ready(ctx, s.prometheus, "http://"+s.Prometheus+"/-/ready"); err != nil {
		return err
	}
	if err := s.startPreview(ctx); err != nil {
		return err
	}
	if err := s.startConsole(ctx); err != nil {
		return err
	}
	s.say("waiting for the first scrape of every part")
	return s.awaitScrapes(ctx, s.prometheus, s.Prometheus)
}

// vacant returns an error if an address is taken: it names the part and the cure.
func vacant(a Addresses) error {
	for _, address := range append([]string{
		a.SaaS, a.SaaSTLS, a.Control, a.Pager, a.Preview, a.Console, a.Prometheus, a.Alertmanager,
	}, a.Exporters...) {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("%s is taken; is another demonstration running? Stop what listens there, "+
				"or set THORBIS_DEMO_PORT to the first of some free ports: %w", address, err)
		}
		l.Close()
	}
	return nil
}

func (s *Stack) startPlatform() error {
	platform, err := saas.Start(saas.Config{
		Listen: s.Addresses.SaaS, ListenTLS: s.SaaSTLS, Tenants: names(tenants(s.options.Tenants)),
		Unavailable: s.unavailable,
	})
	if err != nil {
		return err
	}
	s.SaaS = platform
	s.Pager = pager.New(s.options.Pages)
	if err := s.serve(s.Addresses.Pager, s.Pager); err != nil {
		return err
	}
	if s.options.Traffic > 0 {
		s.background("no traffic any more", func(ctx context.Context) error {
			return platform.Traffic(ctx, saas.Traffic{
				Log: s.AccessLog(), PerSecond: s.options.Traffic, Seed: seed, Episodes: s.options.manyTenants(),
			})
		})
	}
	for _, dir := range []string{backupDir, "scratch", "backup-results", "canary"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, dir), 0o700); err != nil {
			return err
		}
	}
	if err := platform.Backup(filepath.Join(s.Dir, backupDir)); err != nil {
		return err
	}
	return s.serve(s.Control, platform.Control())
}

// background does something until Stop, and says why if it ends before.
func (s *Stack) background(ended string, do func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.say("%s: %v", ended, err)
		}
	}()
	s.stopPlatform = append(s.stopPlatform, func() { cancel(); <-done })
}

// seed makes the traffic of every demonstration the same.
const seed = 1

// AccessLog is the file in which the platform's users leave their traces, in nginx's JSON.
func (s *Stack) AccessLog() string { return filepath.Join(s.Dir, "access.json") }

func (s *Stack) serve(address string, h http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(l) }()
	return nil
}

func (s *Stack) program(name string) string { return filepath.Join(s.options.Bin, name) }

func (s *Stack) say(format string, args ...any) {
	fmt.Fprintf(s.options.Progress, "start  "+format+"\n", args...)
}

// note reports what happens after the start.
func (s *Stack) note(format string, args ...any) {
	fmt.Fprintf(s.options.Progress, "note   "+format+"\n", args...)
}

// StartExporter starts an exporter, or starts it again on the storage that it left.
func (s *Stack) StartExporter(ctx context.Context, i int) error {
	name := fmt.Sprintf("exporter-%d", i+1)
	args := []string{
		"--config.file=" + filepath.Join(s.Dir, "thorbis.yaml"), "--web.listen-address=" + s.Exporters[i],
		"--web.enable-lifecycle", "--storage.path=" + filepath.Join(s.Dir, name+"-data"),
		"--collector.backup",
	}
	if i > 0 {
		args = append(args, "--no-collector.tenant")
	}
	p, err := start(s.Dir, name, s.program("thorbis_exporter"), args...)
	if err != nil {
		return err
	}
	s.exporters[i] = p
	return s.ready(ctx, p, "http://"+s.Exporters[i]+"/-/ready")
}

// KillExporter ends an exporter without a chance to say goodbye, as kill -9 does.
func (s *Stack) KillExporter(i int) { s.exporters[i].kill() }

// Ended reports a part that ended by itself.
func (s *Stack) Ended() error {
	for _, p := range s.processes() {
		if p != nil {
			if err := p.exited(); err != nil {
				return err
			}
		}
	}
	return nil
}

// processes returns all programs in the order in which they are stopped, nil for those that do not run.
func (s *Stack) processes() []*process {
	all := []*process{s.preview, s.console, s.sidecar}
	for _, r := range s.Replicas {
		all = append(all, r.ruler, r.querier, r.sidecar, r.prometheus)
	}
	return append(append(all, s.prometheus, s.alertmanager), s.exporters...)
}

// Stop stops everything that was started, and removes its files.
func (s *Stack) Stop() {
	for _, p := range s.processes() {
		if p != nil {
			p.stop()
		}
	}
	for _, stop := range s.stopPlatform {
		stop()
	}
	if s.database != nil {
		s.database.stop()
	}
	for _, server := range s.servers {
		_ = server.Close()
	}
	if s.SaaS != nil {
		s.SaaS.Close()
	}
	_ = os.RemoveAll(s.Dir)
}

func (s *Stack) ready(ctx context.Context, p *process, url string) error {
	return s.wait(ctx, p, p.name+" does not become ready", func() error {
		_, err := get(ctx, url)
		return err
	})
}

// wait polls until a condition holds, the program ends, or readyTime is over.
func (s *Stack) wait(ctx context.Context, p *process, what string, condition func() error) error {
	deadline := time.Now().Add(readyTime)
	for {
		err := condition()
		if err == nil {
			return nil
		}
		if ended := p.exited(); ended != nil {
			return ended
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s within %s: %w; its log ends:\n%s", what, readyTime, err, p.tail())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return text, err
}
