// Transformations of frames, as Grafana's of the same names.
import { calcs, grouped, reduce } from './reduce.js';
import { field, frame } from './frames.js';
import { baseName } from './fields.js';

const copy = (f) => ({ ...f, config: { ...f.config } });
const keep = (f, fields) => frame(fields, { refId: f.refId, name: f.name });
const pattern = (text) => {
  const m = /^\/(.*)\/([a-z]*)$/s.exec(text ?? '');
  return m ? new RegExp(m[1], m[2]) : new RegExp(text ?? '');
};
const selects = (o) => (name) =>
  (o?.names?.includes(name) ?? false) || (o?.pattern ? pattern(o.pattern).test(name) : false);

function filterFieldsByName(frames, { include, exclude }) {
  const wanted = include && (include.names || include.pattern) ? selects(include) : () => true;
  const unwanted = exclude ? selects(exclude) : () => false;
  return frames
    .map((f) =>
      keep(
        f,
        f.fields.filter((x) => wanted(baseName(x, f)) && !unwanted(baseName(x, f))),
      ),
    )
    .filter((f) => f.fields.length);
}

// merge makes one table of all; rows with the same values in all shared columns become one row.
function merge(frames) {
  if (frames.length <= 1) return frames;
  const columns = new Map(); // name -> {field, in: frames that have it}
  frames.forEach((f) =>
    f.fields.forEach((x) => {
      const name = baseName(x, f);
      if (!columns.has(name)) columns.set(name, { x, seen: 0 });
      columns.get(name).seen++;
    }),
  );
  const keys = [...columns].filter(([, c]) => c.seen === frames.length).map(([name]) => name);
  const rows = [];
  const byKey = new Map();
  for (const f of frames) {
    const names = f.fields.map((x) => baseName(x, f));
    for (let i = 0; i < f.length; i++) {
      const row = Object.fromEntries(f.fields.map((x, j) => [names[j], x.values[i]]));
      const key = JSON.stringify(keys.map((k) => row[k]));
      const same = byKey.get(key) ?? byKey.set(key, []).get(key);
      const at =
        keys.length && same.find((r) => names.every((n) => r[n] === undefined || r[n] === null || r[n] === row[n]));
      if (at) Object.assign(at, row);
      else (same.push(row), rows.push(row));
    }
  }
  return [frame([...columns].map(([name, { x }]) => ({ ...copy(x), values: rows.map((r) => r[name] ?? null) })))];
}

function organize(frames, { renameByName = {}, indexByName = {}, excludeByName = {}, includeByName = {} }) {
  const included = Object.keys(includeByName).length ? (n) => includeByName[n] : () => true;
  return frames.map((f) => {
    const order = (x) => indexByName[baseName(x, f)] ?? Infinity;
    const fields = f.fields
      .filter((x) => !excludeByName[baseName(x, f)] && included(baseName(x, f)))
      .map((x, i) => [x, i])
      .sort(([a, i], [b, j]) => (order(a) === order(b) ? i - j : order(a) - order(b)))
      .map(([x]) => {
        const name = renameByName[baseName(x, f)];
        return name ? { ...x, config: { ...x.config, displayName: name } } : x;
      });
    return keep(f, fields);
  });
}

function labelsToFields(frames, { mode, keepLabels, valueLabel }) {
  if (mode === 'rows') return frames;
  return merge(
    frames.map((f) => {
      const labels = Object.assign({}, ...f.fields.map((x) => x.labels));
      const names = Object.keys(labels).filter((l) => l !== valueLabel && (!keepLabels || keepLabels.includes(l)));
      return keep(f, [
        ...f.fields.filter((x) => x.type === 'time'),
        ...names.map((l) => field(l, 'string', new Array(f.length).fill(labels[l]))),
        ...f.fields
          .filter((x) => x.type !== 'time')
          .map((x) => ({
            ...x,
            name: x.labels[valueLabel] ?? (x.name === 'Value' ? (labels.__name__ ?? x.name) : x.name),
            labels: {},
            config: { ...x.config, displayNameFromDS: undefined },
          })),
      ]);
    }),
  );
}

function joinByField(frames, { byField, mode = 'outer' }) {
  if (frames.length < 2) return frames;
  const isKey = byField ? (x, f) => baseName(x, f) === byField : (x) => x.type === 'time';
  const joined = frames.map((f) => ({ f, key: f.fields.find((x) => isKey(x, f)) })).filter((j) => j.key);
  const values = [...new Set(joined.flatMap((j) => j.key.values))].filter(
    (v) => mode !== 'inner' || joined.every((j) => j.key.values.includes(v)),
  );
  if (joined[0]?.key.type !== 'string') values.sort((a, b) => a - b);
  return joined.length
    ? [
        frame([
          { ...joined[0].key, values },
          ...joined.flatMap(({ f, key }) => {
            const at = new Map(key.values.map((v, i) => [v, i]));
            return f.fields
              .filter((x) => x !== key)
              .map((x) => ({ ...x, values: values.map((v) => (at.has(v) ? x.values[at.get(v)] : null)) }));
          }),
        ]),
      ]
    : frames;
}

function reduceFields(frames, { reducers = ['max'], mode, labelsToFields: labels, includeTimeField }) {
  if (mode === 'reduceFields') {
    return frames.map((f) =>
      keep(
        f,
        f.fields
          .filter((x) => includeTimeField || x.type !== 'time')
          .flatMap((x) =>
            reducers.map((r) => ({
              ...x,
              values: [reduce(r, x.values)],
              config: {
                ...x.config,
                displayName: reducers.length > 1 ? `${baseName(x, f)} ${calcs[r]?.label}` : x.config.displayName,
              },
            })),
          ),
      ),
    );
  }
  const all = frames.flatMap((f) => f.fields.filter((x) => x.type !== 'time').map((x) => [x, f]));
  const names = labels ? [...new Set(all.flatMap(([x]) => Object.keys(x.labels)))].sort() : [];
  return [
    frame([
      field(
        'Field',
        'string',
        all.map(([x, f]) => baseName(x, f)),
      ),
      ...names.map((l) =>
        field(
          l,
          'string',
          all.map(([x]) => x.labels[l] ?? ''),
        ),
      ),
      ...reducers.map((r) =>
        field(
          calcs[r]?.label ?? r,
          'number',
          all.map(([x]) => reduce(r, x.values)),
        ),
      ),
    ]),
  ];
}

function groupBy(frames, { fields = {} }) {
  return frames.map((f) => {
    const of = (x) => fields[baseName(x, f)];
    const keys = f.fields.filter((x) => of(x)?.operation === 'groupby');
    const groups = grouped(
      Array.from({ length: f.length }, (_, i) => i),
      (i) => JSON.stringify(keys.map((k) => k.values[i])),
    );
    const rows = [...groups.values()];
    return keep(f, [
      ...keys.map((k) => ({ ...k, values: rows.map((r) => k.values[r[0]]) })),
      ...f.fields
        .filter((x) => of(x)?.operation === 'aggregate')
        .flatMap((x) =>
          (of(x).aggregations ?? []).map((a) =>
            field(
              `${baseName(x, f)} (${a})`,
              'number',
              rows.map((r) =>
                reduce(
                  a,
                  r.map((i) => x.values[i]),
                ),
              ),
            ),
          ),
        ),
    ]);
  });
}

const OPERATORS = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '**': (a, b) => a ** b,
  '%': (a, b) => a % b,
};

function calculateField(frames, { mode = 'reduceRow', binary, reduce: row, alias, replaceFields, unary }) {
  return frames.map((f) => {
    const byName = (name) => f.fields.find((x) => baseName(x, f) === name);
    const side = (s) => {
      const name = typeof s === 'object' ? (s.matcher?.options ?? s.fixed) : s;
      const x = byName(name);
      return (i) => (x ? x.values[i] : Number(name));
    };
    let value, name;
    if (mode === 'binary') {
      const [left, right] = [side(binary.left), side(binary.right)];
      value = (i) => OPERATORS[binary.operator ?? '+'](left(i), right(i));
      const words = (s) => s?.matcher?.options ?? s;
      name = `${words(binary.left)} ${binary.operator} ${words(binary.right)}`;
    } else if (mode === 'unary') {
      value = (i) => Math[unary.operator](byName(unary.fieldName).values[i]);
      name = `${unary.operator}(${unary.fieldName})`;
    } else {
      const taken = f.fields.filter(
        (x) => x.type === 'number' && (!row?.include?.length || row.include.includes(baseName(x, f))),
      );
      value = (i) =>
        reduce(
          row?.reducer ?? 'sum',
          taken.map((x) => x.values[i]),
        );
      name = calcs[row?.reducer ?? 'sum'].label;
    }
    const made = field(
      alias || name,
      'number',
      Array.from({ length: f.length }, (_, i) => value(i)),
    );
    return keep(f, replaceFields ? [...f.fields.filter((x) => x.type === 'time'), made] : [...f.fields, made]);
  });
}

function reorder(f, indexes) {
  return keep(
    f,
    f.fields.map((x) => ({ ...x, values: indexes.map((i) => x.values[i]) })),
  );
}

function sortBy(frames, { sort = [] }) {
  const [{ field: name, desc } = {}] = sort;
  return frames.map((f) => {
    const x = f.fields.find((y) => baseName(y, f) === name);
    if (!x) return f;
    const order = (i, j) => compare(x.values[i], x.values[j]) * (desc ? -1 : 1);
    return reorder(f, Array.from({ length: f.length }, (_, i) => i).sort(order));
  });
}

// compare orders numbers and text; what is missing comes first.
export function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined || Number.isNaN(a)) return -1;
  if (b === null || b === undefined || Number.isNaN(b)) return 1;
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : String(a).localeCompare(String(b), 'en', { numeric: true });
}

const MATCHES = {
  greater: (v, o) => v > o.value,
  greaterOrEqual: (v, o) => v >= o.value,
  lower: (v, o) => v < o.value,
  lowerOrEqual: (v, o) => v <= o.value,
  equal: (v, o) => String(v) === String(o.value),
  notEqual: (v, o) => String(v) !== String(o.value),
  isNull: (v) => v === null || v === undefined,
  isNotNull: (v) => v !== null && v !== undefined,
  between: (v, o) => v >= o.from && v <= o.to,
  regex: (v, o) => pattern(o.value).test(String(v)),
  substring: (v, o) => String(v).includes(o.value),
};

function filterByValue(frames, { filters = [], type = 'include', match = 'any' }) {
  return frames.map((f) =>
    reorder(
      f,
      Array.from({ length: f.length }, (_, i) => i).filter((i) => {
        const hits = filters.map(({ fieldName, config }) => {
          const x = f.fields.find((y) => baseName(y, f) === fieldName);
          return x ? (MATCHES[config.id]?.(x.values[i], config.options ?? {}) ?? false) : false;
        });
        const hit = match === 'all' ? hits.every(Boolean) : hits.some(Boolean);
        return type === 'include' ? hit : !hit;
      }),
    ),
  );
}

function renameByRegex(frames, { regex, renamePattern }) {
  return frames.map((f) =>
    keep(
      f,
      f.fields.map((x) =>
        x.type === 'time'
          ? x
          : { ...x, config: { ...x.config, displayName: baseName(x, f).replace(pattern(regex), renamePattern) } },
      ),
    ),
  );
}

export const transformations = {
  filterFieldsByName,
  merge,
  organize,
  labelsToFields,
  joinByField,
  seriesToColumns: joinByField,
  reduce: reduceFields,
  groupBy,
  calculateField,
  sortBy,
  filterByValue,
  renameByRegex,
  filterByRefId: (frames, { include, exclude }) =>
    frames.filter((f) => (!include || pattern(include).test(f.refId)) && !(exclude && pattern(exclude).test(f.refId))),
  limit: (frames, { limitField = 10 }) =>
    frames.map((f) =>
      reorder(
        f,
        Array.from({ length: Math.min(f.length, limitField) }, (_, i) => i),
      ),
    ),
};

// transform applies transformations in turn. Names of unknown ones are added to problems, and they change nothing.
export function transform(frames, list = [], problems = []) {
  return list
    .filter((t) => !t.disabled)
    .reduce((now, { id, options = {} }) => {
      if (transformations[id]) return transformations[id](now, options);
      problems.push(`transformation "${id}" is not supported`);
      return now;
    }, frames);
}
