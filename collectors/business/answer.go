package business

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/thorbis/thorbis_exporter/internal/postgres"
)

// Columns of answers.
const (
	columnMinute       = "minute"
	columnResult       = "result"
	columnTransactions = "transactions"
	columnValue        = "value"
	columnTenant       = "tenant"
	columnClass        = "class"
)

// maxText bounds a word of an answer; a longer one is not known to anybody.
const maxText = 200

// number reads a number of a row. NULL is none, as sum() of nothing returns.
func number(row postgres.Row, column string) (float64, error) {
	v, ok := row[column]
	if !ok {
		return 0, missing(column)
	}
	var n float64
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int16:
		n = float64(v)
	case int32:
		n = float64(v)
	case int64:
		n = float64(v)
	case float32:
		n = float64(v)
	case float64:
		n = v
	case pgtype.Numeric:
		f, err := v.Float64Value()
		if err != nil {
			return 0, fmt.Errorf("column %s: %w", column, err)
		}
		n = f.Float64
	default:
		return 0, fmt.Errorf("column %s has no number: cast it, as in %s::float8", column, column)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("column %s is not a finite number", column)
	}
	return n, nil
}

func missing(column string) error {
	return fmt.Errorf("column %s is missing: name it in the query, as in SELECT count(*) AS %s", column, column)
}

// count reads a whole number that is not negative.
func count(row postgres.Row, column string) (int64, error) {
	n, err := number(row, column)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > 1<<53 || n != math.Trunc(n) {
		return 0, fmt.Errorf("column %s is not a whole number from 0 on", column)
	}
	return int64(n), nil
}

// text reads a word; empty without the column or for NULL.
func text(row postgres.Row, column string) (string, error) {
	switch v := row[column].(type) {
	case nil:
		return "", nil
	case bool:
		return fmt.Sprint(v), nil
	case string:
		if len(v) > maxText {
			v = v[:maxText]
		}
		return v, nil
	}
	return "", fmt.Errorf("column %s has no text: cast it, as in %s::text", column, column)
}

// minute reads a time. One without a zone would be read as UTC, which it need not be.
func minute(row postgres.Row) (time.Time, error) {
	v, ok := row[columnMinute]
	if !ok {
		return time.Time{}, missing(columnMinute)
	}
	t, ok := v.(time.Time)
	if !ok {
		return time.Time{}, errors.New("column minute is not a timestamptz: write date_trunc('minute', created_at) of one, " +
			"or AT TIME ZONE the zone in which it is")
	}
	return t.Truncate(time.Minute), nil
}
