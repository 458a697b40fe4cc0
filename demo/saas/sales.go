package saas

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// saleEvery is how often a customer of the platform buys something while it is up.
const saleEvery = 5 * time.Second

// BusinessRole may read what the business sold, and nothing else.
const BusinessRole = "business"

// salesSchema has the sales of the same hours of the last four weeks, so that it is known what is usual, and what
// support and a survey know.
const salesSchema = `
	CREATE TABLE IF NOT EXISTS sales (created_at timestamptz NOT NULL, status text NOT NULL, amount numeric NOT NULL);
	CREATE INDEX IF NOT EXISTS sales_created_at ON sales (created_at);
	INSERT INTO sales SELECT at, 'paid', 10 + 5 * (extract(epoch FROM at)::bigint / 5 % 9)
		FROM generate_series(1, 4) AS week, generate_series(now() - week * interval '7 days' - interval '3 hours',
			now() - week * interval '7 days' + interval '3 hours', interval '5 seconds') AS at;
	CREATE TABLE IF NOT EXISTS tickets (tenant text NOT NULL, priority text NOT NULL, closed_at timestamptz);
	INSERT INTO tickets SELECT 'tenant-' || n, CASE WHEN n % 4 = 0 THEN 'urgent' ELSE 'normal' END, NULL
		FROM generate_series(1, 11) AS n;
	CREATE TABLE IF NOT EXISTS answers (score int NOT NULL);
	INSERT INTO answers VALUES (5), (4), (4), (5), (3), (5), (4);
	DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'business') THEN CREATE ROLE business LOGIN; END IF;
	END $$;
	GRANT SELECT ON sales, tickets, answers TO business`

// sell adds a sale; one of twelve is declined.
func sell(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `INSERT INTO sales SELECT now(), CASE WHEN random() < 1.0 / 12 THEN 'declined' ELSE 'paid' END,
		10 + 5 * floor(random() * 9)`)
	return err
}
