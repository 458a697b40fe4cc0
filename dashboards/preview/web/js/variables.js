// The variables of a dashboard: what they offer, what is chosen, and how it stands in the URL.
import { ask } from './api.js';
import { duration, durationText, roundInterval } from './time.js';
import { interpolate } from './interpolate.js';
import { number } from './frames.js';

export const ALL = '$__all';

const list = (text) =>
  [...String(text ?? '').matchAll(/(?:\\.|[^,\\])+/g)]
    .map((m) => m[0].replaceAll('\\,', ',').trim())
    .filter(Boolean)
    .map((t) => {
      const m = /^(.+?)\s+:\s+(.+)$/.exec(t);
      return m ? { text: m[1], value: m[2] } : { text: t, value: t };
    });
const option = (v) => ({ text: v, value: v });

// The functions that a query may call, as Grafana's Prometheus data source has them.
export const queries = {
  label_values: async (args, time) => {
    const label = args.at(-1);
    const match = args.length > 1 ? args.slice(0, -1).join(',') : undefined;
    const { data } = await ask(`label/${encodeURIComponent(label)}/values`, { 'match[]': match, ...bounds(time) });
    return data.map(option);
  },
  label_names: async (args, time) => {
    const { data } = await ask('labels', { 'match[]': args[0] || undefined, ...bounds(time) });
    return data.map(option);
  },
  metrics: async ([regex], time) => {
    const { data } = await ask('label/__name__/values', bounds(time));
    return data.filter((n) => new RegExp(regex || '').test(n)).map(option);
  },
  query_result: async (args, time) => {
    const { data } = await ask('query', { query: args.join(','), time: time.to / 1000 });
    const rows = data.resultType === 'scalar' ? [{ metric: {}, value: data.result }] : data.result;
    return rows.map((r) => {
      const { __name__: name = '', ...labels } = r.metric;
      const inner = Object.entries(labels)
        .map(([k, v]) => `${k}="${v}"`)
        .join(',');
      return option(`${name}{${inner}} ${number(r.value[1])} ${r.value[0] * 1000}`);
    });
  },
};

const bounds = (time) => ({ start: Math.floor(time.from / 1000), end: Math.ceil(time.to / 1000) });

// parts splits the arguments of a function at commas outside braces, quotes and parentheses.
function parts(text) {
  const out = [''];
  let depth = 0;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quote) {
      if (c === '\\') out[out.length - 1] += text[i++];
      else if (c === quote) quote = '';
    } else if ('"\'`'.includes(c)) quote = c;
    else if ('({['.includes(c)) depth++;
    else if (')}]'.includes(c)) depth--;
    else if (c === ',' && depth === 0) {
      out.push('');
      continue;
    }
    out[out.length - 1] += text[i] ?? '';
  }
  return out.map((t) => t.trim());
}

// filtered applies the regular expression of a variable: a group, or groups named text and value, replace the whole.
function filtered(options, regex) {
  if (!regex) return options;
  const m = /^\/(.*)\/([a-z]*)$/s.exec(regex);
  const re = m ? new RegExp(m[1], m[2].replace('g', '')) : new RegExp(`^(?:${regex})$`);
  return options.flatMap(({ value }) => {
    const hit = re.exec(value);
    if (!hit) return [];
    const { text, value: v } = hit.groups ?? {};
    const plain = v ?? text ?? hit[1] ?? value;
    return [{ text: text ?? plain, value: plain }];
  });
}

const natural = (a, b) => a.text.localeCompare(b.text, 'en', { numeric: true });
const numeric = (a, b) => (parseFloat(a.text.replace(/^\D*/, '')) || 0) - (parseFloat(b.text.replace(/^\D*/, '')) || 0);
const plainOrder = (a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
const ORDERS = [
  null,
  plainOrder,
  plainOrder,
  numeric,
  numeric,
  (a, b) => plainOrder({ text: a.text.toLowerCase() }, { text: b.text.toLowerCase() }),
  null,
  natural,
  natural,
];
const DESCENDING = new Set([2, 4, 6, 8]);

function sorted(options, how) {
  const order = how === 6 ? ORDERS[5] : ORDERS[how];
  if (!order) return options;
  return options.sort(DESCENDING.has(how) ? (a, b) => order(b, a) : order);
}

// kinds load the options of a variable.
export const kinds = {
  query: async (v, set, time) => {
    const text = set.text(typeof v.query === 'object' ? (v.query.query ?? '') : (v.query ?? v.definition));
    const m = /^\s*(\w+)\s*\((.*)\)\s*$/s.exec(text);
    const run = queries[m?.[1]];
    if (!run) throw new Error(`the query "${text}" is not supported`);
    const seen = new Set();
    const options = filtered(await run(parts(m[2]), time), v.regex && set.text(v.regex, 'regex')).filter(
      (o) => !seen.has(o.value) && seen.add(o.value),
    );
    return sorted(options, v.sort ?? 0);
  },
  custom: (v) => list(v.query),
  interval: (v, set, time) => {
    const options = list(v.query);
    if (!v.auto) return options;
    const step = Math.max(
      roundInterval((time.to - time.from) / (v.auto_count || 30)),
      duration(v.auto_min || '10s') || 0,
    );
    v.autoValue = durationText(step);
    return [{ text: 'auto', value: `$__auto_interval_${v.name}` }, ...options];
  },
  datasource: () => [{ text: 'Prometheus', value: 'prometheus' }],
  constant: (v) => [option(String(v.query ?? ''))],
  textbox: (v) => [option(String(v.current?.value ?? v.query ?? ''))],
  switch: (v) => [option(v.enabledValue ?? 'true'), option(v.disabledValue ?? 'false')],
};

export class Variables {
  constructor(definitions, params) {
    this.list = (definitions ?? []).map((d) => ({ ...d, options: [], chosen: [], error: null }));
    this.params = params;
  }

  get(name) {
    return this.list.find((v) => v.name === name);
  }

  // load fills all variables in their order, for one may stand in the query of a later one.
  async load(time, changedOnly = false) {
    for (const v of this.list) {
      if (changedOnly && v.loaded && v.type !== 'query' && v.type !== 'interval') continue;
      try {
        if (!kinds[v.type]) throw new Error(`variables of type "${v.type}" are not supported`);
        v.options = await kinds[v.type](v, this, time);
        v.error = null;
      } catch (e) {
        v.options = [];
        v.error = e.message;
      }
      this.settle(v);
      v.loaded = true;
    }
  }

  // settle keeps what is chosen as far as it is still offered.
  settle(v) {
    const offered = new Set(v.options.map((o) => o.value));
    const fits = (value) =>
      offered.has(value) ||
      (value === ALL && v.includeAll) ||
      v.type === 'textbox' ||
      v.type === 'constant' ||
      (v.allowCustomValue !== false && v.type === 'custom');
    const wanted = v.loaded ? v.chosen : this.params.has(`var-${v.name}`) ? this.fromURL(v) : this.fromCurrent(v);
    v.chosen = wanted.filter(fits);
    // What a link asks for and Prometheus does not know is kept: its panels are empty, and others would mislead.
    if (!v.chosen.length && !v.loaded && this.params.has(`var-${v.name}`)) v.chosen = wanted;
    if (!v.chosen.length) v.chosen = v.includeAll ? [ALL] : v.options.slice(0, 1).map((o) => o.value);
    if (!v.multi) v.chosen = v.chosen.slice(0, 1);
  }

  fromURL(v) {
    return this.params
      .getAll(`var-${v.name}`)
      .map((x) => (x === 'All' && v.includeAll ? ALL : x))
      .filter((x) => x !== '');
  }

  fromCurrent(v) {
    return [v.current?.value ?? []]
      .flat()
      .map(String)
      .filter((x) => x !== '');
  }

  choose(v, values) {
    v.chosen = values.length ? values : v.includeAll ? [ALL] : v.chosen;
  }

  values(v) {
    if (v.chosen.includes(ALL)) return v.options.map((o) => o.value);
    return v.chosen.map((x) => (x === `$__auto_interval_${v.name}` ? v.autoValue : x));
  }

  shown(v) {
    if (v.chosen.includes(ALL)) return 'All';
    return v.chosen.map((x) => v.options.find((o) => o.value === x)?.text ?? x).join(' + ');
  }

  // lookup is for interpolate.
  lookup(name) {
    const v = this.get(name);
    if (!v) return undefined;
    const all = v.chosen.includes(ALL);
    const values = this.values(v);
    return {
      values: values.length ? values : [''],
      text: this.shown(v),
      variable: v,
      chosen: v.chosen,
      raw: all && v.allValue ? v.allValue : undefined,
    };
  }

  text(text, format = 'prometheus') {
    return interpolate(text, (name) => this.lookup(name) ?? (name === '__range' ? '1h' : undefined), format);
  }

  // search is what is chosen as the query of a URL.
  search(scoped = {}) {
    const params = new URLSearchParams();
    for (const v of this.list) {
      if (v.skipUrlSync || v.type === 'constant') continue;
      const one = scoped[v.name];
      for (const value of one ? one.values : v.chosen) params.append(`var-${v.name}`, value);
    }
    return params.toString();
  }
}
