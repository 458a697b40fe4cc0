package saas

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// mostConnections is how many connections the platform opens at most; idleConnections of them stay open.
	mostConnections, idleConnections = 40, 6
	// reportEvery is how often a report sorts all orders, for which it needs temporary files.
	reportEvery = 10 * time.Second
	// keepOrders is how long the platform keeps an order.
	keepOrders = 10 * time.Minute
)

// schema is what the platform keeps in its database, with as many orders as make it worth looking at.
const schema = `
	CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
	CREATE TABLE IF NOT EXISTS orders
		(id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), note text NOT NULL);
	CREATE INDEX IF NOT EXISTS orders_at ON orders (at);
	INSERT INTO orders (note) SELECT repeat(md5(n::text), 4) FROM generate_series(1, 20000) AS n`

const (
	insertOrder = `INSERT INTO orders (note) SELECT repeat(md5(max(id)::text), 4) FROM orders`
	sortOrders  = `SET work_mem = '64kB';
		SELECT count(*) FROM (SELECT note FROM orders ORDER BY note OFFSET 0) AS sorted;
		RESET work_mem`
)

// Database is the database of the platform, and how many orders a second it takes.
type Database struct {
	DSN       string
	PerSecond float64
}

// ordersOf keeps the connections of the platform to its database.
type ordersOf struct {
	Database
	platform *Platform

	mu   sync.Mutex
	idle []*pgx.Conn
}

// UseDatabase takes orders until ctx ends: none while no request reaches the platform. While it is slow, each keeps its
// connection for as long as its request takes. It returns an error if the database cannot be prepared, and goes on if
// it fails later.
func (p *Platform) UseDatabase(ctx context.Context, d Database) error {
	o := &ordersOf{Database: d, platform: p}
	if err := o.with(ctx, func(c *pgx.Conn) error {
		if _, err := c.Exec(ctx, schema); err != nil {
			return err
		}
		_, err := c.Exec(ctx, salesSchema)
		return err
	}); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer o.close()
	defer running.Wait()
	places := make(chan struct{}, mostConnections)
	begin := func(do func(context.Context, *pgx.Conn) error) {
		select {
		case places <- struct{}{}:
		default:
			return // as many as there may be wait already
		}
		running.Go(func() {
			defer func() { <-places }()
			_ = o.with(ctx, func(c *pgx.Conn) error { return do(ctx, c) }) // what fails is on the dashboard
		})
	}
	tick := time.NewTicker(trafficTick)
	defer tick.Stop()
	reported, sold, due, n := time.Now(), time.Now(), 0.0, 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if mode := p.Mode(); mode == Refuse || mode == Hang || mode == Error {
			continue
		}
		for due += d.PerSecond * trafficTick.Seconds(); due >= 1; due-- {
			n++
			begin(o.order(n))
		}
		if time.Since(sold) >= saleEvery {
			sold = time.Now()
			begin(sell)
		}
		if time.Since(reported) >= reportEvery {
			reported = time.Now()
			begin(report)
		}
	}
}

// order takes one order; the customer of every fiftieth changes his mind.
func (o *ordersOf) order(n int) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		tx, err := c.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after a commit
		if _, err := tx.Exec(ctx, insertOrder); err != nil {
			return err
		}
		if o.platform.Mode() == Slow {
			select {
			case <-ctx.Done():
			case <-time.After(slowness):
			}
		}
		if n%50 == 0 {
			return tx.Rollback(ctx)
		}
		return tx.Commit(ctx)
	}
}

// report sorts what is kept with little memory, and removes what is old.
func report(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, sortOrders)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, "DELETE FROM orders WHERE at < now() - $1::interval", keepOrders)
	return err
}

// with lends a connection, a new one if all are lent. One whose use failed is closed.
func (o *ordersOf) with(ctx context.Context, use func(*pgx.Conn) error) error {
	o.mu.Lock()
	var c *pgx.Conn
	if n := len(o.idle); n > 0 {
		c, o.idle = o.idle[n-1], o.idle[:n-1]
	}
	o.mu.Unlock()
	if c == nil {
		var err error
		if c, err = pgx.Connect(ctx, o.DSN); err != nil {
			return err
		}
	}
	err := use(c)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || len(o.idle) >= idleConnections {
		return errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	o.idle = append(o.idle, c)
	return nil
}

// close closes all connections.
func (o *ordersOf) close() {
	for _, c := range o.idle {
		_ = c.Close(context.Background())
	}
}
