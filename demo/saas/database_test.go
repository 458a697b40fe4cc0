package saas

import (
	"context"
	"strconv"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// Orders come in while the platform is in good health, keep more connections while it is slow, and release them while
// nothing reaches it.
func TestDatabaseFollowsThePlatform(t *testing.T) {
	server := postgrestest.Start(t, "max_connections=60")
	p := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- p.UseDatabase(ctx, Database{DSN: server.DSN("postgres", "postgres"), PerSecond: 100})
	}()
	number := func(query string) int {
		n, err := strconv.Atoi(server.Query(t, "postgres", query))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const committed = "SELECT count(*) FROM orders WHERE id > 20000"
	testkit.Eventually(t, func() bool {
		return server.Query(t, "postgres", "SELECT to_regclass('orders') IS NOT NULL") == "t" && number(committed) > 0
	}, "orders come in")

	if err := p.Break(Slow); err != nil {
		t.Fatal(err)
	}
	const connections = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
	testkit.Eventually(t, func() bool { return number(connections) > idleConnections+1 }, "orders keep connections")

	if err := p.Break(Refuse); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() bool { return number(connections) <= idleConnections+1 }, "connections are closed")

	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	testkit.Eventually(t, func() bool { return number(connections) == 1 }, "only the one that asks is connected")
}

func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	p := start(t)
	nowhere := Database{DSN: "host=" + t.TempDir() + " user=postgres", PerSecond: 1}
	if err := p.UseDatabase(t.Context(), nowhere); err == nil {
		t.Error("a database that does not exist returned without an error")
	}
}
