// Calculations that make one value of many.

const finite = (values) => values.filter((v) => typeof v === 'number' && !Number.isNaN(v));
const sum = (values) => values.reduce((a, b) => a + b, 0);
const present = (values) => values.filter((v) => v !== null && v !== undefined && !Number.isNaN(v));
const orNull = (v) => (v === undefined || Number.isNaN(v) ? null : v);
const of = (f) => (values) => {
  const numbers = finite(values);
  return numbers.length ? f(numbers) : null;
};

function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((p / 100) * sorted.length) - 1))];
}

function variance(v) {
  const mean = sum(v) / v.length;
  return sum(v.map((x) => (x - mean) ** 2)) / v.length;
}

const increase = (v) => v.slice(1).reduce((total, x, i) => total + (x >= v[i] ? x - v[i] : x), 0);

export const calcs = {
  lastNotNull: { label: 'Last *', run: (v) => orNull(present(v).at(-1)) },
  last: { label: 'Last', run: (v) => orNull(v.at(-1)) },
  firstNotNull: { label: 'First *', run: (v) => orNull(present(v)[0]) },
  first: { label: 'First', run: (v) => orNull(v[0]) },
  min: { label: 'Min', run: of((v) => Math.min(...v)) },
  max: { label: 'Max', run: of((v) => Math.max(...v)) },
  mean: { label: 'Mean', run: of((v) => sum(v) / v.length) },
  median: { label: 'Median', run: of((v) => percentile(v, 50)) },
  sum: { label: 'Total', run: of(sum) },
  count: { label: 'Count', unit: 'none', run: (v) => v.length },
  countAll: { label: 'Count', unit: 'none', run: (v) => v.length },
  range: { label: 'Range', run: of((v) => Math.max(...v) - Math.min(...v)) },
  delta: { label: 'Delta', run: of(increase) },
  diff: { label: 'Difference', run: of((v) => v.at(-1) - v[0]) },
  diffperc: { label: 'Difference %', unit: 'percentunit', run: of((v) => (v.at(-1) - v[0]) / v[0]) },
  step: {
    label: 'Step',
    run: of((v) =>
      Math.min(
        ...v
          .slice(1)
          .map((x, i) => Math.abs(x - v[i]))
          .filter((d) => d > 0),
      ),
    ),
  },
  distinctCount: { label: 'Distinct', unit: 'none', run: (v) => new Set(present(v)).size },
  variance: { label: 'Variance', run: of(variance) },
  stdDev: { label: 'StdDev', run: of((v) => Math.sqrt(variance(v))) },
  logmin: { label: 'Min (above zero)', run: of((v) => orNull(Math.min(...v.filter((x) => x > 0)))) },
  allIsZero: { label: 'All zero', run: (v) => v.every((x) => x === 0) },
  allIsNull: { label: 'All null', run: (v) => v.every((x) => x === null) },
  changeCount: {
    label: 'Change count',
    unit: 'none',
    run: (v) => present(v).filter((x, i, a) => i && x !== a[i - 1]).length,
  },
};
for (const p of [1, 5, 10, 25, 75, 90, 95, 99]) {
  calcs[`p${p}`] = { label: `${p}th %`, run: of((v) => percentile(v, p)) };
}

// grouped is Map.groupBy, which telephones of 2023 lack.
export function grouped(list, keyOf) {
  const groups = new Map();
  for (const item of list) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

export function reduce(calc, values) {
  return (calcs[calc] ?? calcs.lastNotNull).run(values);
}
