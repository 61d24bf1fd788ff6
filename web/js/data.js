// Data: the tables of the page. A figure is drawn from its table, and its reader may download it.
'use strict';

/** Undoes the dictionaries of text columns. Values are text, numbers, or null for "not known". */
function readTable(json) {
  const columns = json.columns.map((column) => ({
    name: column.name,
    label: column.label,
    digits: column.digits,
    values: column.dict ? column.values.map((i) => column.dict[i]) : column.values,
  }));
  return {columns, length: columns.length ? columns[0].values.length : 0};
}

/** The values of a column by its name; undefined where there is none. */
function column(table, name) {
  const found = table.columns.find((one) => one.name === name);
  return found && found.values;
}

/** Different values in the order in which they come. */
function distinct(values) {
  return [...new Set(values)];
}

/** Indices of the rows whose columns have the chosen values: {kind: "flip"}. */
function chosenRows(table, choice) {
  const wanted = Object.entries(choice).map(([name, value]) => [column(table, name), value]);
  const rows = [];
  for (let row = 0; row < table.length; row++) {
    if (wanted.every(([values, value]) => String(values[row]) === String(value))) rows.push(row);
  }
  return rows;
}

/** A value as the page writes it. */
function formatValue(value, digits) {
  if (value === null || value === undefined || value === '') return '\u2013';
  if (typeof value !== 'number') return String(value);
  if (digits === undefined) return String(Number(value.toPrecision(6)));
  const text = value.toFixed(digits);
  return Number(text) === 0 && value !== 0 ? value.toExponential(1) : text;
}

function csvField(value) {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

/** The whole table as RFC 4180 has it, numbers at full precision. */
function tableCsv(table) {
  const lines = [table.columns.map((one) => csvField(one.name)).join(',')];
  for (let row = 0; row < table.length; row++) {
    lines.push(table.columns.map((one) => csvField(one.values[row])).join(','));
  }
  return lines.join('\n') + '\n';
}

/** Planes are kept as matrices; their table is made when somebody asks for it. */
function surfaceTable(surfaces) {
  const names = [], xs = [], ys = [], losses = [];
  for (const surface of surfaces) {
    const n = surface.positions.length;
    surface.loss.forEach((loss, i) => {
      names.push(surface.name);
      xs.push(surface.positions[i % n]);
      ys.push(surface.positions[Math.floor(i / n)]);
      losses.push(loss);
    });
  }
  return {
    columns: [
      {name: 'network', label: 'network', values: names},
      {name: 'first', label: 'along the first direction', digits: 3, values: xs},
      {name: 'second', label: 'along the second direction', digits: 3, values: ys},
      {name: 'loss', label: 'loss', digits: 4, values: losses},
    ],
    length: names.length,
  };
}

/** Text for a tooltip, which is HTML: labels may hold anything. */
function escapeHtml(text) {
  return String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
