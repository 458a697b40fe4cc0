// Formats numbers by Grafana's units. Each format takes a number and decimals and returns {text, prefix, suffix}.
import { dateTime } from './time.js';

// fixed rounds as Grafana does: without given decimals to about three significant digits.
export function fixed(value, decimals) {
  if (value === null || value === undefined) return '';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return decimals ? value.toFixed(decimals) : '0';
  const places = Math.max(0, Math.min(20, decimals ?? autoDecimals(value)));
  const rounded = Math.round(value * 10 ** places) / 10 ** places;
  const text = String(rounded);
  if (text.includes('e') || rounded === 0) return decimals ? rounded.toFixed(decimals) : text;
  return rounded.toFixed(places);
}

function autoDecimals(value) {
  if (value % 1 === 0) return 0;
  const log = Math.floor(Math.log10(Math.abs(value)));
  let places = 1 - log;
  if (Math.abs(value) / 10 ** -places > 2.25) places++;
  return Math.max(0, places);
}

function scaled(factor, names, start = 0) {
  return (value, decimals) => {
    if (!Number.isFinite(value)) return { text: fixed(value) };
    const power = value === 0 ? 0 : Math.floor(Math.log(Math.abs(value)) / Math.log(factor) + 1e-9);
    const i = Math.max(0, Math.min(names.length - 1, start + power));
    return { text: fixed(value / factor ** (i - start), decimals), suffix: names[i] };
  };
}

const SI = ['f', 'p', 'n', 'µ', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const si = (unit, offset = 0) =>
  scaled(
    1000,
    SI.map((p) => ` ${p}${unit}`),
    5 + offset,
  );
const decimal = (unit, offset = 0) =>
  scaled(
    1000,
    ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z'].map((p) => ` ${p}${unit}`),
    offset,
  );
const binary = (unit, offset = 0) =>
  scaled(
    1024,
    ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi'].map((p) => ` ${p}${unit}`),
    offset,
  );
const short = scaled(1000, ['', ' K', ' Mil', ' Bil', ' Tri', ' Quadr', ' Quint']);
const count = (unit) => {
  const scale = scaled(1000, ['', 'K', 'M', 'B', 'T']);
  return (value, decimals) => {
    const { text, suffix } = scale(value, decimals);
    return { text, suffix: `${suffix ?? ''} ${unit}` };
  };
};
const plain = (suffix) => (value, decimals) => ({ text: fixed(value, decimals), suffix });
const currency = (symbol) => {
  const scale = scaled(1000, ['', 'K', 'M', 'B', 'T']);
  return (value, decimals) => ({ ...scale(value, decimals), prefix: symbol });
};

// Durations climb from unit to unit; each is given in seconds.
const CLIMB = [
  ['ns', 1e-9],
  ['µs', 1e-6],
  ['ms', 1e-3],
  ['s', 1],
  ['min', 60],
  ['hour', 3600],
  ['day', 86400],
  ['week', 604800],
  ['year', 31536000],
];

function climbing(seconds) {
  return (value, decimals) => {
    if (!Number.isFinite(value)) return { text: fixed(value) };
    const size = Math.abs(value * seconds);
    const base = CLIMB.findIndex(([, s]) => s === seconds);
    let i = CLIMB.findLastIndex(([, s]) => size >= s * (1 - 1e-12));
    if (size === 0) i = base;
    const [name, each] = CLIMB[Math.max(0, i)];
    const text = fixed((value * seconds) / each, decimals);
    return { text, suffix: ` ${name}${each >= 60 && Number(text) !== 1 ? 's' : ''}` };
  };
}

// clock writes seconds as 1 day, 2 hours, in as many parts as decimals ask for.
function clock(unit) {
  return (value, decimals) => {
    if (!Number.isFinite(value)) return { text: fixed(value) };
    let rest = Math.abs(value * unit);
    if (rest < 1) return climbing(1)(value * unit, decimals);
    const parts = [];
    for (const [name, each] of CLIMB.slice(3).reverse()) {
      const n = Math.floor(rest / each);
      if (n > 0) parts.push(`${n} ${name === 'min' ? 'minute' : name === 's' ? 'second' : name}${n === 1 ? '' : 's'}`);
      rest -= n * each;
    }
    return { text: parts.slice(0, (decimals ?? 0) + 1).join(', '), suffix: value < 0 ? ' ago' : '' };
  };
}

// hms writes seconds as 01:02:03, after days where there are any.
function hms(unit, days) {
  return (value) => {
    if (!Number.isFinite(value)) return { text: fixed(value) };
    let s = Math.abs(Math.round(value * unit));
    const d = days ? Math.floor(s / 86400) : 0;
    s -= d * 86400;
    const text = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60]
      .map((n) => String(n).padStart(2, '0'))
      .join(':');
    return { text: `${value < 0 ? '-' : ''}${d ? `${d} d ` : ''}${text}` };
  };
}

// fromNow is how far a time in milliseconds is away, as moment.js words it.
export function fromNow(ms, now = Date.now()) {
  const s = Math.abs(ms - now) / 1000;
  const steps = [
    [44.5, 'a few seconds'],
    [90, 'a minute'],
    [44.5 * 60, '# minutes', 60],
    [90 * 60, 'an hour'],
    [21.5 * 3600, '# hours', 3600],
    [36 * 3600, 'a day'],
    [25.5 * 86400, '# days', 86400],
    [45 * 86400, 'a month'],
    [320 * 86400, '# months', 30.44 * 86400],
    [548 * 86400, 'a year'],
    [Infinity, '# years', 365.25 * 86400],
  ];
  const [, words, each] = steps.find(([limit]) => s < limit);
  const text = words.replace('#', Math.round(s / each));
  return ms > now ? `in ${text}` : `${text} ago`;
}

const boolean = (yes, no) => (value) => ({ text: value ? yes : no });
const date = (f) => (value) => ({ text: Number.isFinite(value) ? f(value) : '' });

export const units = {
  none: plain(),
  short,
  string: plain(),
  locale: (v, d) => ({
    text: Number.isFinite(v) ? v.toLocaleString('en-US', { maximumFractionDigits: d ?? 3 }) : fixed(v),
  }),
  sci: (v, d) => ({ text: Number.isFinite(v) ? v.toExponential(d ?? undefined) : fixed(v) }),
  percent: plain('%'),
  percentunit: (v, d) => ({ text: fixed(v * 100, d), suffix: '%' }),
  ns: climbing(1e-9),
  µs: climbing(1e-6),
  ms: climbing(1e-3),
  s: climbing(1),
  m: climbing(60),
  h: climbing(3600),
  d: climbing(86400),
  dtdurations: clock(1),
  dtdurationms: clock(1e-3),
  dthms: hms(1, false),
  dtdhms: hms(1, true),
  clocks: hms(1, true),
  clockms: hms(1e-3, true),
  timeticks: clock(0.01),
  bytes: binary('B'),
  kbytes: binary('B', 1),
  mbytes: binary('B', 2),
  gbytes: binary('B', 3),
  tbytes: binary('B', 4),
  decbytes: decimal('B'),
  deckbytes: decimal('B', 1),
  decmbytes: decimal('B', 2),
  decgbytes: decimal('B', 3),
  bits: binary('b'),
  decbits: decimal('b'),
  binBps: binary('B/s'),
  Bps: decimal('B/s'),
  binbps: binary('b/s'),
  bps: decimal('b/s'),
  pps: si('p/s'),
  KiBs: binary('B/s', 1),
  MiBs: binary('B/s', 2),
  KBs: decimal('B/s', 1),
  MBs: decimal('B/s', 2),
  cps: count('c/s'),
  ops: count('ops/s'),
  reqps: count('req/s'),
  rps: count('rd/s'),
  wps: count('wr/s'),
  iops: count('io/s'),
  eps: count('evt/s'),
  mps: count('msg/s'),
  recps: count('rec/s'),
  rowsps: count('rows/s'),
  cpm: count('c/m'),
  opm: count('ops/m'),
  reqpm: count('req/m'),
  rpm: count('rd/m'),
  wpm: count('wr/m'),
  hertz: si('Hz'),
  celsius: plain(' °C'),
  watt: si('W'),
  volt: si('V'),
  currencyUSD: currency('$'),
  currencyEUR: currency('€'),
  currencyGBP: currency('£'),
  bool: boolean('True', 'False'),
  bool_yes_no: boolean('Yes', 'No'),
  bool_on_off: boolean('On', 'Off'),
  dateTimeAsIso: date((v) => dateTime(v)),
  dateTimeAsSystem: date((v) => dateTime(v)),
  dateTimeAsLocal: date((v) => dateTime(v)),
  dateTimeAsUS: date((v) => dateTime(v)),
  dateTimeAsIsoNoDateIfToday: date((v) => {
    const text = dateTime(v);
    return text.slice(0, 10) === dateTime(Date.now()).slice(0, 10) ? text.slice(11) : text;
  }),
  dateTimeFromNow: date((v) => fromNow(v)),
};

// formatter returns the format of a unit; "suffix: per day", "prefix:", "si:", "count:", "currency:" and "time:" are
// written with what they want. An unknown unit stands behind the number, as in Grafana.
export function formatter(unit) {
  if (!unit) return units.none;
  if (units[unit]) return units[unit];
  const i = unit.indexOf(':');
  const rest = unit.slice(i + 1);
  switch (i > 0 ? unit.slice(0, i) : '') {
    case 'suffix':
      return plain(` ${rest.trim()}`);
    case 'prefix':
      return (v, d) => ({ text: fixed(v, d), prefix: rest });
    case 'si':
      return si(rest);
    case 'count':
      return count(rest);
    case 'currency':
      return currency(rest);
    case 'time':
      return date((v) => dateTime(v));
    default:
      return plain(` ${unit}`);
  }
}

export const isTime = (unit) => /^dateTime|^time:/.test(unit ?? '');
export const isBinary = (unit) => /^[kmgt]?bytes$|^bin|^bits$|iBs$/.test(unit ?? '');
