// Time ranges as Grafana writes them, and the intervals that follow from them.

const UNITS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, M: 2592e6, y: 31536e6, ms: 1 };

// duration reads 15s, 1m30s or 500ms as milliseconds, NaN for nothing that can be read.
export function duration(text) {
  const parts = [
    ...String(text)
      .trim()
      .matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwMy])/g),
  ];
  if (!parts.length || parts.map((p) => p[0]).join('') !== String(text).trim()) return NaN;
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNITS[unit], 0);
}

// durationText is the shortest way to write milliseconds, as Prometheus reads it.
export function durationText(ms) {
  for (const [unit, size] of [
    ['w', UNITS.w],
    ['d', UNITS.d],
    ['h', UNITS.h],
    ['m', UNITS.m],
    ['s', UNITS.s],
  ]) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

// instant reads now-6h, now/d, a number of milliseconds or an ISO time.
export function instant(text, up = false, now = Date.now()) {
  const t = String(text ?? '').trim();
  if (/^\d{10,}$/.test(t)) return Number(t);
  if (!t.startsWith('now')) return Date.parse(t);
  let at = new Date(now);
  for (const [, sign, n, unit] of t.slice(3).matchAll(/([-+/])(\d*)(ms|[smhdwMy])/g)) {
    if (sign === '/') at = floor(at, unit, up);
    else at = shift(at, (sign === '-' ? -1 : 1) * Number(n || 1), unit);
  }
  return at.getTime();
}

function shift(at, n, unit) {
  const d = new Date(at);
  if (unit === 'M') d.setMonth(d.getMonth() + n);
  else if (unit === 'y') d.setFullYear(d.getFullYear() + n);
  else if (unit === 'd' || unit === 'w') d.setDate(d.getDate() + n * (unit === 'w' ? 7 : 1));
  else d.setTime(d.getTime() + n * UNITS[unit]);
  return d;
}

function floor(at, unit, up) {
  const d = new Date(at);
  if (unit === 's' || unit === 'm' || unit === 'h') d.setTime(Math.floor(d / UNITS[unit]) * UNITS[unit]);
  else d.setHours(0, 0, 0, 0);
  if (unit === 'w') d.setDate(d.getDate() - ((d.getDay() + 6) % 7)); // weeks begin on Monday
  if (unit === 'M' || unit === 'y') d.setDate(1);
  if (unit === 'y') d.setMonth(0);
  return up ? new Date(shift(d, 1, unit) - 1) : d;
}

export function range(from, to, now = Date.now()) {
  let a = instant(from, false, now);
  let b = instant(to, true, now);
  if (!Number.isFinite(b)) b = now;
  if (!Number.isFinite(a) || a >= b) a = b - UNITS.h;
  return { from: a, to: b, raw: { from, to } };
}

// Steps are rounded as Grafana rounds them (packages/grafana-data, rangeutil.roundInterval): below the first number,
// the second.
const ROUND = [
  [10, 1],
  [15, 10],
  [35, 20],
  [75, 50],
  [150, 100],
  [350, 200],
  [750, 500],
  [1500, 1e3],
  [3500, 2e3],
  [7500, 5e3],
  [12500, 1e4],
  [17500, 15e3],
  [25e3, 2e4],
  [45e3, 3e4],
  [9e4, 6e4],
  [21e4, 12e4],
  [45e4, 3e5],
  [75e4, 6e5],
  [105e4, 9e5],
  [15e5, 12e5],
  [27e5, 18e5],
  [54e5, 36e5],
  [9e6, 72e5],
  [162e5, 108e5],
  [324e5, 216e5],
  [864e5, 432e5],
  [6048e5, 864e5],
  [18144e5, 6048e5],
  [36288e5, 2592e6],
];

export function roundInterval(ms) {
  return (ROUND.find(([limit]) => ms < limit) ?? [0, 31536e6])[1];
}

// What Grafana assumes where a data source names no interval of its scrapes.
export const SCRAPE = 15e3;
const MAX_POINTS = 11000; // that Prometheus returns of a series

// intervals returns the step of a query in milliseconds and the variables that depend on it, as Grafana's Prometheus
// data source does: $__rate_interval is the larger of $__interval + scrape interval and four scrape intervals.
export function intervals(time, maxDataPoints, minStep, factor = 1) {
  const span = time.to - time.from;
  const least = minStep > 0 ? minStep : SCRAPE;
  const interval = Math.max(roundInterval(span / Math.max(1, maxDataPoints)), least);
  const safe = Math.ceil(span / MAX_POINTS / 1000) * 1000;
  const step = Math.max(interval, safe) * (factor || 1);
  const rate = Math.max(step + least, 4 * least);
  const seconds = Math.round(span / 1000);
  return {
    step,
    vars: {
      __interval: durationText(step),
      __interval_ms: String(step),
      __rate_interval: durationText(rate),
      __rate_interval_ms: String(rate),
      __range: `${seconds}s`,
      __range_s: String(seconds),
      __range_ms: String(span),
      __from: String(time.from),
      __to: String(time.to),
    },
  };
}

const two = (n) => String(n).padStart(2, '0');

export function dateTime(ms, utc = false) {
  const d = new Date(utc ? ms + new Date(ms).getTimezoneOffset() * 6e4 : ms);
  return (
    `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ` +
    `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  );
}

// ago is how long something has lasted, in at most two units: 3 d 4 h.
export function ago(ms) {
  let rest = Math.max(0, Math.round(ms / 1000));
  const parts = [];
  for (const [unit, size] of [
    ['d', 86400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ]) {
    const n = Math.floor(rest / size);
    if (n > 0 || (parts.length === 0 && unit === 's')) parts.push(`${n} ${unit}`);
    else if (parts.length) break;
    rest -= n * size;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

export const RANGES = [
  ['now-5m', 'Last 5 minutes'],
  ['now-15m', 'Last 15 minutes'],
  ['now-30m', 'Last 30 minutes'],
  ['now-1h', 'Last 1 hour'],
  ['now-3h', 'Last 3 hours'],
  ['now-6h', 'Last 6 hours'],
  ['now-12h', 'Last 12 hours'],
  ['now-24h', 'Last 24 hours'],
  ['now-2d', 'Last 2 days'],
  ['now-7d', 'Last 7 days'],
  ['now-14d', 'Last 14 days'],
  ['now-30d', 'Last 30 days'],
  ['now-90d', 'Last 90 days'],
  ['now/d', 'Today so far'],
  ['now/w', 'This week so far'],
  ['now/M', 'This month so far'],
];

export function rangeText({ raw, from, to }) {
  const known = raw.to === 'now' && RANGES.find(([text]) => text === raw.from);
  if (known) return known[1];
  if (raw.to === 'now' && /^now-/.test(raw.from)) return `Last ${raw.from.slice(4)}`;
  const a = dateTime(from),
    b = dateTime(to);
  return `${a.slice(0, 16)} to ${a.slice(0, 10) === b.slice(0, 10) ? b.slice(11, 16) : b.slice(0, 16)}`;
}

export const REFRESHES = ['', '5s', '10s', '15s', '30s', '1m', '5m', '15m', '30m', '1h'];
