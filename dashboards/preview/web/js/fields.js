// Applies the configuration of fields: defaults, overrides, names, and how a value is shown.
import { formatter, isTime } from './units.js';
import { color, ofValue } from './colors.js';

// baseName is how transformations and overrides call a field.
export function baseName(x, f) {
  return x.config.displayName ?? x.config.displayNameFromDS ?? (x.name === 'Value' && f?.name ? f.name : x.name);
}

const pattern = (text) => {
  const m = /^\/(.*)\/([a-z]*)$/s.exec(text);
  return m ? new RegExp(m[1], m[2]) : new RegExp(text);
};

export const matchers = {
  byName: (name) => (x, f) => baseName(x, f) === name || x.name === name,
  byNames: (o) => (x, f) => (o.names ?? []).includes(baseName(x, f)) !== (o.mode === 'exclude'),
  byRegexp: (text) => (x, f) => pattern(text).test(baseName(x, f)),
  byType: (type) => (x) => x.type === type,
  byTypes: (types) => (x) => [types].flat().includes(x.type),
  byFrameRefID: (ref) => (_, f) => f.refId === ref,
};

// What an override may change; the rest is named as not supported.
export const properties = [
  'unit',
  'decimals',
  'min',
  'max',
  'displayName',
  'color',
  'thresholds',
  'mappings',
  'noValue',
  'links',
  'description',
  'filterable',
];

// DEFAULT are the thresholds of a panel that names none.
const DEFAULT = { mode: 'absolute', steps: [{ color: 'green' }, { value: 80, color: 'red' }] };

// configure returns frames whose fields carry the panel's configuration, and the names of unknown parts of it.
export function configure(frames, fieldConfig = {}, problems = []) {
  const { defaults = {}, overrides = [] } = fieldConfig;
  let index = 0;
  const all = frames.map((f) => ({
    ...f,
    fields: f.fields.map((x) => {
      const config = {
        thresholds: DEFAULT,
        ...defaults,
        ...x.config,
        custom: { ...defaults.custom, ...x.config.custom },
      };
      for (const { matcher, properties: changes = [] } of overrides) {
        if (!matchers[matcher?.id]) {
          problems.push(`override "${matcher?.id}" is not supported`);
          continue;
        }
        if (!matchers[matcher.id](matcher.options)(x, f)) continue;
        for (const { id, value } of changes) set(config, id, value, problems);
      }
      const configured = { ...x, config, frame: f };
      if (x.type === 'number') configured.index = index++;
      return configured;
    }),
  }));
  for (const f of all) for (const x of f.fields) x.label = shownName(x, f);
  const [min, max] = extent(all);
  for (const f of all) {
    for (const x of f.fields) {
      x.min = x.config.min ?? (x.config.fieldMinMax ? extent([{ fields: [x] }])[0] : min);
      x.max = x.config.max ?? (x.config.fieldMinMax ? extent([{ fields: [x] }])[1] : max);
    }
  }
  return all;
}

function set(config, id, value, problems) {
  if (id.startsWith('custom.')) {
    const path = id.slice(7).split('.');
    let at = config.custom;
    for (const part of path.slice(0, -1)) at = at[part] = { ...at[part] };
    at[path.at(-1)] = value;
  } else if (properties.includes(id)) config[id] = value;
  else problems.push(`property "${id}" is not supported`);
}

function shownName(x, f) {
  const name = x.config.displayName;
  if (!name?.includes('$')) return baseName(x, f);
  return name
    .replace(/\$\{__field\.labels\.([^}]+)\}|\$\{__field\.labels\["([^"]+)"\]\}/g, (_, a, b) => x.labels[a ?? b] ?? '')
    .replace(/\$\{__field\.(?:name|displayName)\}|\$\{__series\.name\}/g, () => x.config.displayNameFromDS ?? x.name);
}

function extent(frames) {
  let [min, max] = [Infinity, -Infinity];
  for (const f of frames) {
    for (const x of f.fields) {
      if (x.type !== 'number') continue;
      for (const v of x.values) {
        if (!Number.isFinite(v)) continue;
        if (v < min) min = v;
        if (v > max) max = v;
      }
    }
  }
  return [Number.isFinite(min) ? min : 0, Number.isFinite(max) ? max : 100];
}

const SPECIAL = {
  null: (v) => v === null || v === undefined,
  nan: Number.isNaN,
  true: (v) => v === true,
  false: (v) => v === false,
  'null+nan': (v) => v === null || v === undefined || Number.isNaN(v),
  empty: (v) => v === '',
};

export const mappings = {
  value: (o, v) => o[String(v)],
  range: ({ from, to, result }, v) =>
    typeof v === 'number' && v >= (from ?? -Infinity) && v <= (to ?? Infinity) ? result : undefined,
  regex: ({ pattern: text, result }, v) => {
    const m = v === null || v === undefined ? null : pattern(text).exec(String(v));
    return (
      m && { ...result, text: result.text === undefined ? undefined : String(v).replace(pattern(text), result.text) }
    );
  },
  special: ({ match, result }, v) => (SPECIAL[match]?.(v) ? result : undefined),
};

// mapped returns the first mapping's result for a value: {text, color, icon, index}.
export function mapped(config, value) {
  for (const m of config.mappings ?? []) {
    const result = mappings[m.type]?.(m.options ?? {}, value);
    if (result) return result;
  }
  return undefined;
}

// display returns how a value is shown: {text, prefix, suffix, color, numeric, missing}.
export function display(x, value, decimals = x.config.decimals) {
  const { config } = x;
  const numeric = typeof value === 'number' ? value : Number.NaN;
  const byColor = () => ofValue(config, numeric, x.index ?? 0, x.label, x.min, x.max);
  const map = mapped(config, value);
  if (map) {
    return {
      text: map.text ?? raw(x, value, decimals).text,
      ...(map.text === undefined ? raw(x, value, decimals) : {}),
      color: map.color ? color(map.color) : byColor(),
      numeric,
      mapping: map,
    };
  }
  if (value === null || value === undefined || (Number.isNaN(value) && typeof value === 'number')) {
    return { text: config.noValue ?? (Number.isNaN(value) ? 'NaN' : '-'), color: byColor(), numeric, missing: true };
  }
  return { ...raw(x, value, decimals), color: byColor(), numeric };
}

function raw(x, value, decimals) {
  if (x.type === 'time' && !isTime(x.config.unit)) return formatter('dateTimeAsIso')(value);
  if (typeof value !== 'number') return { text: String(value ?? '') };
  return formatter(x.config.unit)(value, decimals ?? undefined);
}

export const plainText = (d) => `${d.prefix ?? ''}${d.text}${d.suffix ?? ''}`;
