package stack

import (
	"context"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
)

// thanosProgram is below the directory of programs.
const thanosProgram = "tools/thanos"

// startThanos starts a component of Thanos and returns when it is ready. What it listens on besides its page is free
// until then.
func (s *Stack) startThanos(ctx context.Context, name, component, address, store string, flags ...string) (
	*process, error,
) {
	p, err := start(s.Dir, name, s.program(thanosProgram), append([]string{
		component, "--http-address=" + address, "--grpc-address=" + store,
		"--http-grace-period=1s", "--grpc-grace-period=1s",
	}, flags...)...)
	if err != nil {
		return nil, err
	}
	return p, s.ready(ctx, p, "http://"+address+"/-/ready")
}

// startSidecar starts what lets Queriers read a Prometheus. It asks every 5 s whether that still runs: until it has
// noticed that it does not, Queriers ask it in vain.
func (s *Stack) startSidecar(ctx context.Context, name, prometheus, store string) (*process, error) {
	address, err := loopback.FreeAddress()
	if err != nil {
		return nil, err
	}
	return s.startThanos(ctx, name, "sidecar", address, store,
		"--prometheus.url=http://"+prometheus, "--prometheus.get_config_interval=5s")
}
