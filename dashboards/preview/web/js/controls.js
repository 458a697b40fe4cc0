// What stands above a dashboard: the time, the refresh, the variables, the annotations.
import { h, icon, clear, toggle, closePopover } from './dom.js';
import { RANGES, REFRESHES, rangeText, instant, dateTime } from './time.js';
import { ALL } from './variables.js';
import { grouped } from './reduce.js';

export function timePicker(time, actions) {
  const field = (value, label) =>
    h('input', {
      value: /^now/.test(value) ? value : dateTime(instant(value)),
      'aria-label': label,
      spellcheck: 'false',
    });
  return h(
    'button.control.time',
    {
      type: 'button',
      'aria-haspopup': 'dialog',
      title: `${dateTime(time.from)} to ${dateTime(time.to)}`,
      onclick: toggle(() => {
        const from = field(time.raw.from, 'From');
        const to = field(time.raw.to, 'To');
        const wrong = h('p.bad', { hidden: true }, 'Write it like now-6h or 2026-03-01 12:00:00.');
        const apply = () => {
          const read = (text) =>
            /^now/.test(text.trim()) ? text.trim() : String(instant(text.trim().replace(' ', 'T')));
          const [a, b] = [read(from.value), read(to.value)];
          wrong.hidden = Number.isFinite(instant(a)) && Number.isFinite(instant(b)) && instant(a) < instant(b, true);
          if (wrong.hidden) (closePopover(), actions.setTime(a, b));
        };
        const keys = (e) => e.key === 'Enter' && apply();
        return h(
          'div.time-picker',
          {},
          h(
            'form.absolute',
            { onsubmit: (e) => e.preventDefault() },
            h('label', {}, 'From', from),
            h('label', {}, 'To', to),
            wrong,
            h('button.primary', { type: 'button', onclick: apply, onkeydown: keys }, 'Apply'),
          ),
          h(
            'div.menu-list',
            {},
            RANGES.map(([value, text]) =>
              h(
                'button',
                {
                  type: 'button',
                  'aria-current': time.raw.from === value && time.raw.to === 'now' ? 'true' : undefined,
                  onclick: () => (closePopover(), actions.setTime(value, 'now')),
                },
                text,
              ),
            ),
          ),
        );
      }, 'time-popover'),
    },
    icon('clock'),
    h('span', {}, rangeText(time)),
  );
}

export function refreshPicker(refresh, actions) {
  return h(
    'div.joined',
    {},
    h(
      'button.control.icon-only.refresh',
      { type: 'button', 'aria-label': 'Refresh now', onclick: actions.refresh },
      icon('refresh'),
    ),
    h(
      'button.control.every',
      {
        type: 'button',
        'aria-haspopup': 'menu',
        'aria-label': `Refresh every ${refresh || 'never'}`,
        onclick: toggle(() =>
          h(
            'div.menu-list',
            {},
            REFRESHES.map((r) =>
              h(
                'button',
                {
                  type: 'button',
                  'aria-current': r === refresh ? 'true' : undefined,
                  onclick: () => (closePopover(), actions.setRefresh(r)),
                },
                r || 'Off',
              ),
            ),
          ),
        ),
      },
      refresh,
      icon('down'),
    ),
  );
}

const MANY = 500; // options that are drawn; the search finds the others

function options(v, variables, done) {
  const chosen = new Set(v.chosen);
  const search = h('input.search', {
    type: 'search',
    placeholder: 'Search',
    'aria-label': `Search ${v.label || v.name}`,
  });
  const list = h('div.options', { role: 'listbox', 'aria-multiselectable': String(Boolean(v.multi)) });
  const apply = () => done(v, [...chosen]);
  const pick = (value, only) => {
    if (!v.multi || only || value === ALL) {
      chosen.clear();
      chosen.add(value);
      if (!v.multi) return (closePopover(), apply());
    } else {
      chosen.delete(ALL);
      if (!chosen.delete(value)) chosen.add(value);
      if (!chosen.size && v.includeAll) chosen.add(ALL);
    }
    draw();
  };
  const draw = () => {
    const text = search.value.toLowerCase();
    const all = v.includeAll && !text ? [{ text: 'All', value: ALL }] : [];
    const found = v.options.filter((o) => o.text.toLowerCase().includes(text));
    clear(list).append(
      ...[...all, ...found.slice(0, MANY)].map((o) =>
        h(
          'div.option',
          {},
          h(
            'button',
            {
              type: 'button',
              role: 'option',
              dataset: { value: o.value },
              'aria-selected': String(chosen.has(o.value)),
              onclick: () => pick(o.value, false),
            },
            v.multi && h('span.box'),
            h('span', {}, o.text),
          ),
          v.multi &&
            o.value !== ALL &&
            h('button.only', { type: 'button', onclick: () => pick(o.value, true) }, 'only'),
        ),
      ),
      found.length > MANY ? h('div.dim', {}, `${found.length - MANY} more; search`) : '',
      found.length ? '' : h('div.dim', {}, 'nothing'),
    );
  };
  draw();
  search.addEventListener('input', draw);
  search.addEventListener('keydown', (e) => {
    const first = e.key === 'Enter' && list.querySelector('.option button');
    if (first) first.click();
  });
  if (matchMedia('(pointer: fine)').matches) requestAnimationFrame(() => search.focus());
  return h(
    'div.variable-picker',
    {},
    (v.options.length > 8 || v.multi) && search,
    list,
    v.multi && h('button.primary', { type: 'button', onclick: () => (closePopover(), apply()) }, 'Apply'),
  );
}

// variableBar shows a control for each variable that is not hidden.
export function variableBar(variables, annotations, links, actions) {
  const done = (v, values) => actions.choose(v, values);
  const controls = variables.list
    .filter((v) => v.hide !== 2 && !(v.type === 'datasource') && v.type !== 'constant')
    .map((v) => {
      const label = v.hide !== 1 && h('span.label', { title: v.description || undefined }, v.label || v.name);
      if (v.type === 'textbox') {
        return h(
          'label.variable',
          { dataset: { variable: v.name } },
          label,
          h('input.control', { value: v.chosen[0] ?? '', onchange: (e) => done(v, [e.target.value]) }),
        );
      }
      return h(
        `div.variable${v.error ? '.failed' : ''}`,
        { dataset: { variable: v.name } },
        label,
        h(
          'button.control',
          {
            type: 'button',
            'aria-haspopup': 'listbox',
            title: v.error ?? variables.shown(v),
            onclick: toggle(
              () => (v.error ? h('p.bad', {}, v.error) : options(v, variables, done)),
              'variable-popover',
            ),
          },
          h('span.shown', {}, v.error ? 'failed' : variables.shown(v) || 'none'),
          icon('down'),
        ),
      );
    });
  const switches = annotations
    .filter((a) => !a.hide)
    .map((a) =>
      h(
        'label.annotation-switch',
        { title: a.error ?? a.expr ?? '' },
        h('input', {
          type: 'checkbox',
          checked: a.on,
          style: { accentColor: a.shownColor },
          onchange: (e) => actions.annotate(a, e.target.checked),
        }),
        h(`span${a.error ? '.bad' : ''}`, {}, a.name),
      ),
    );
  const alone = links.filter((l) => !l.dropdown).map((l) => l.a);
  const dropdowns = grouped(
    links.filter((l) => l.dropdown),
    (l) => l.dropdown,
  );
  const menus = [...dropdowns].map(([name, list]) =>
    h(
      'button.control',
      {
        type: 'button',
        'aria-haspopup': 'menu',
        onclick: toggle(() =>
          h(
            'nav.menu-list',
            {},
            list.map((l) => l.a),
          ),
        ),
      },
      name,
      icon('down'),
    ),
  );
  const chosen = variables.list
    .filter((v) => v.type !== 'datasource' && v.type !== 'constant' && v.hide !== 2 && !v.chosen.includes(ALL))
    .map((v) => variables.shown(v));
  if (!controls.length && !switches.length && !links.length) return null;
  const content = [
    h('div.variables', {}, controls),
    switches.length > 0 && h('div.switches', {}, switches),
    links.length > 0 && h('div.links', {}, alone, menus),
  ];
  // On a telephone it is folded: what is shown matters more than what is chosen.
  return h(
    'details.filters',
    { open: innerWidth > 700 },
    h('summary', {}, icon('filter'), h('span', {}, 'Filters and links'), h('span.chosen', {}, chosen.join(', '))),
    h('div.filters-content', {}, content),
  );
}
