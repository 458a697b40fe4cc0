// Colours by Grafana's names, palettes and thresholds.

// The five shades of each hue, from super light to dark, on a dark and on a light page.
const HUES = {
  dark: {
    red: ['#FFA6B0', '#FF7383', '#F2495C', '#E02F44', '#C4162A'],
    orange: ['#FFCB7D', '#FFB357', '#FF9830', '#FF780A', '#FA6400'],
    yellow: ['#FFF899', '#FFEE52', '#FADE2A', '#F2CC0C', '#E0B400'],
    green: ['#C8F2C2', '#96D98D', '#73BF69', '#56A64B', '#37872D'],
    blue: ['#C0D8FF', '#8AB8FF', '#5794F2', '#3274D9', '#1F60C4'],
    purple: ['#DEB6F2', '#CA95E5', '#B877D9', '#A352CC', '#8F3BB8'],
  },
  light: {
    red: ['#FF7383', '#F2495C', '#E02F44', '#C4162A', '#AD0317'],
    orange: ['#FFB357', '#FF9830', '#FF780A', '#FA6400', '#E55400'],
    yellow: ['#FFEE52', '#FADE2A', '#F2CC0C', '#E0B400', '#CC9D00'],
    green: ['#96D98D', '#73BF69', '#56A64B', '#37872D', '#19730E'],
    blue: ['#8AB8FF', '#5794F2', '#3274D9', '#1F60C4', '#1250B0'],
    purple: ['#CA95E5', '#B877D9', '#A352CC', '#8F3BB8', '#7C2EA3'],
  },
};
const SHADES = ['super-light-', 'light-', '', 'semi-dark-', 'dark-'];

// Series take these in turn (packages/grafana-data, createVisualizationColors).
const PALETTE = [
  'green',
  'semi-dark-yellow',
  'light-blue',
  'semi-dark-orange',
  'red',
  'blue',
  'purple',
  '#705DA0',
  'dark-green',
  'yellow',
  '#447EBC',
  '#C15C17',
  '#890F02',
  '#0A437C',
  '#6D1F62',
  '#584477',
  '#B7DBAB',
  '#F4D598',
  '#70DBED',
  '#F9BA8F',
  '#F29191',
  '#82B5D8',
  '#E5A8E2',
  '#AEA2E0',
  '#629E51',
  '#E5AC0E',
  '#64B0C8',
  '#E0752D',
  '#BF1B00',
  '#0A50A1',
  '#962D82',
  '#614D93',
  '#9AC48A',
  '#F2C96D',
  '#65C5DB',
  '#F9934E',
  '#EA6460',
  '#5195CE',
  '#D683CE',
  '#806EB7',
];

const SCALES = {
  'continuous-GrYlRd': ['green', 'yellow', 'red'],
  'continuous-RdYlGr': ['red', 'yellow', 'green'],
  'continuous-BlYlRd': ['dark-blue', 'super-light-yellow', 'dark-red'],
  'continuous-YlRd': ['super-light-yellow', 'dark-red'],
  'continuous-BlPu': ['blue', 'purple'],
  'continuous-YlBl': ['super-light-yellow', 'dark-blue'],
  'continuous-blues': ['panel', 'dark-blue'],
  'continuous-reds': ['panel', 'dark-red'],
  'continuous-greens': ['panel', 'dark-green'],
  'continuous-purples': ['panel', 'dark-purple'],
};

let theme = 'dark';
export const setTheme = (name) => {
  theme = name;
};
export const themeName = () => theme;

// color turns a name of Grafana's or anything CSS knows into what CSS knows.
export function color(name) {
  const text = String(name ?? '');
  if (text === 'transparent') return 'transparent';
  if (text === 'text') return theme === 'dark' ? '#ccccdc' : '#24292e';
  if (text === 'panel') return theme === 'dark' ? '#181b1f' : '#ffffff';
  const [, shade, hue] = /^(super-light-|light-|semi-dark-|dark-|)(\w+)$/.exec(text) ?? [];
  const hues = HUES[theme][hue];
  if (hues) return hues[SHADES.indexOf(shade)];
  return /^(#[0-9a-f]{3,8}|rgba?\([\d., %]+\)|[a-z]+)$/i.test(text) ? text : '#808080';
}

export const paletteColor = (i) => color(PALETTE[i % PALETTE.length]);

// byName gives a name the same colour everywhere.
export function byName(name) {
  let hash = 0;
  for (const c of String(name)) hash = (hash * 31 + c.codePointAt(0)) >>> 0;
  return paletteColor(hash);
}

export function rgb(css) {
  let m = /^#([0-9a-f]{3,8})$/i.exec(css);
  if (m) {
    const hex = m[1].length < 6 ? [...m[1]].map((c) => c + c).join('') : m[1];
    return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  }
  m = /^rgba?\(([^)]*)\)/.exec(css);
  if (m) return m[1].split(',').slice(0, 3).map(Number);
  const named = {
    red: [255, 0, 0],
    white: [255, 255, 255],
    black: [0, 0, 0],
    gray: [128, 128, 128],
    grey: [128, 128, 128],
  };
  return named[css] ?? [128, 128, 128];
}

export const alpha = (css, a) => (css === 'transparent' ? css : `rgba(${rgb(css).join(', ')}, ${a})`);

export function mix(a, b, share) {
  const [x, y] = [rgb(a), rgb(b)];
  return `rgb(${x.map((v, i) => Math.round(v + (y[i] - v) * share)).join(', ')})`;
}

// on is black or white, whichever is easier to read on a colour.
export function on(css) {
  const [r, g, b] = rgb(css).map((v) => (v / 255 <= 0.03928 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3 ? '#111217' : '#ffffff';
}

// steps are thresholds as [from, colour], the first from minus infinity; percentages are taken of min to max.
export function steps(thresholds, min = 0, max = 100) {
  const list = thresholds?.steps?.length ? thresholds.steps : [{ value: null, color: 'green' }];
  return list
    .map((t, i) => {
      const at = i === 0 || t.value === null || t.value === undefined ? -Infinity : Number(t.value);
      return [thresholds?.mode === 'percentage' ? min + ((max - min) * at) / 100 : at, color(t.color), t.color];
    })
    .sort((a, b) => a[0] - b[0]);
}

export function threshold(list, value) {
  return (list.findLast(([from]) => value >= from) ?? list[0])[1];
}

// ofValue is the colour of a value by the colour mode of its field.
export function ofValue(config, value, seriesIndex, name, min, max) {
  const mode = config.color?.mode ?? 'thresholds';
  if (mode === 'fixed' || mode === 'shades') return color(config.color.fixedColor ?? 'text');
  if (mode === 'palette-classic') return paletteColor(seriesIndex);
  if (mode === 'palette-classic-by-name') return byName(name);
  if (SCALES[mode]) {
    const scale = SCALES[mode].map(color);
    const share = Math.max(0, Math.min(1, (value - min) / (max - min || 1))) * (scale.length - 1);
    const i = Math.min(scale.length - 2, Math.floor(share));
    return mix(scale[i], scale[i + 1], share - i);
  }
  return threshold(steps(config.thresholds, min, max), value ?? -Infinity);
}

export const colorModes = [
  'thresholds',
  'fixed',
  'shades',
  'palette-classic',
  'palette-classic-by-name',
  ...Object.keys(SCALES),
];
