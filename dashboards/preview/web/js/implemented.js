// What this page draws, as its code has it. A test compares it with known.js.
import { panels } from './panels/index.js';
import { units } from './units.js';
import { transformations } from './transform.js';
import { mappings, matchers, properties } from './fields.js';
import { kinds, queries } from './variables.js';
import { calcs } from './reduce.js';
import { cells } from './panels/table.js';
import { formats } from './query.js';
import { colorModes } from './colors.js';

export const implemented = {
  panels: Object.keys(panels),
  units: Object.keys(units),
  transformations: Object.keys(transformations),
  mappings: Object.keys(mappings),
  matchers: Object.keys(matchers),
  properties,
  variables: Object.keys(kinds),
  queries: Object.keys(queries),
  calcs: Object.keys(calcs),
  cells: Object.keys(cells),
  formats: Object.keys(formats),
  colors: colorModes,
};
