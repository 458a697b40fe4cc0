// Puts variables into text, in the formats that Grafana knows.

const escapeRegex = (v) => v.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

// A value in a PromQL string: backslashes are doubled, for the string is read once before the expression in it is.
const forMatcher = (v) => escapeRegex(v).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
const one = (v) => (v.length === 1 ? v[0] : undefined);

export const formats = {
  regex: (v) => (v.length === 1 ? escapeRegex(v[0]) : `(${v.map(escapeRegex).join('|')})`),
  pipe: (v) => v.join('|'),
  csv: (v) => v.join(','),
  raw: (v) => v.join(','),
  glob: (v) => one(v) ?? `{${v.join(',')}}`,
  json: (v) => JSON.stringify(one(v) ?? v),
  text: (v, text) => text ?? v.join(' + '),
  distributed: (v, _, name) => v.map((x, i) => (i ? `${name}=${x}` : x)).join(','),
  doublequote: (v) => v.map((x) => `"${x.replaceAll('"', '\\"')}"`).join(','),
  singlequote: (v) => v.map((x) => `'${x.replaceAll("'", "\\'")}'`).join(','),
  percentencode: (v) => encodeURIComponent(one(v) ?? `{${v.join(',')}}`),
  queryparam: (v, _, name) => v.map((x) => `var-${encodeURIComponent(name)}=${encodeURIComponent(x)}`).join('&'),
  date: (v) => new Date(Number(v[0])).toISOString(),
  prometheus: (v, _, __, variable) =>
    variable?.multi || variable?.includeAll
      ? v.length === 1
        ? forMatcher(v[0])
        : `(${v.map(forMatcher).join('|')})`
      : v[0].replaceAll('\\', '\\\\').replaceAll('"', '\\"'),
};

const PATTERN = /\$(\w+)|\$\{([\w.[\]"' -]+)(?::([^}]*))?\}|\[\[(\w+)(?::(\w+))?\]\]/g;

// interpolate puts values in place of $name, ${name}, ${name:format} and [[name]]. The look-up returns a string, or
// {values, text, variable, raw}; undefined leaves the text as it is.
export function interpolate(text, lookup, format = 'glob') {
  return String(text ?? '').replace(PATTERN, (all, plain, braced, braceFormat, old, oldFormat) => {
    const name = plain ?? braced ?? old;
    const found = lookup(name);
    if (found === undefined || found === null) return all;
    const how = braceFormat ?? oldFormat;
    if (typeof found !== 'object') {
      return how && formats[how] ? formats[how]([String(found)], undefined, name) : String(found);
    }
    if (found.raw !== undefined && !['text', 'queryparam'].includes(how)) return found.raw; // the custom value of All
    const make = formats[how] ?? formats[format];
    return make(how === 'queryparam' && found.chosen ? found.chosen : found.values, found.text, name, found.variable);
  });
}
