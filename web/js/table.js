// Table: rows sorted by any column.
'use strict';

const FIRST_ROWS = 200;

/** Numbers by size, text by the alphabet, what is not known last. */
function compareValues(a, b, direction) {
  const known = (v) => v !== null && v !== undefined && v !== '';
  if (!known(a) || !known(b)) return known(b) - known(a);
  const order = typeof a === 'number' && typeof b === 'number' ?
    a - b : String(a).localeCompare(String(b), 'en', {numeric: true});
  return direction * order;
}

function isNumeric(one) {
  return one.values.some((v) => typeof v === 'number') && one.values.every((v) => typeof v !== 'string');
}

function fillRows(body, table, order) {
  body.replaceChildren(...order.map((row) => {
    const line = document.createElement('tr');
    for (const one of table.columns) {
      const cell = document.createElement('td');
      cell.textContent = formatValue(one.values[row], one.digits);
      if (isNumeric(one)) cell.className = 'number';
      line.append(cell);
    }
    return line;
  }));
}

/** A sortable table in a box that scrolls by itself. */
function makeTable(table, title) {
  const box = document.createElement('div');
  box.className = 'scroll';
  box.tabIndex = 0;
  box.setAttribute('role', 'region');
  box.setAttribute('aria-label', title);
  const element = document.createElement('table');
  const head = document.createElement('tr');
  const body = document.createElement('tbody');
  let order = [...Array(table.length).keys()];
  let shown = Math.min(table.length, FIRST_ROWS);
  const fill = () => fillRows(body, table, order.slice(0, shown));
  table.columns.forEach((one) => {
    const cell = document.createElement('th');
    cell.scope = 'col';
    if (isNumeric(one)) cell.className = 'number';
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = one.label;
    button.addEventListener('click', () => {
      const ascending = cell.getAttribute('aria-sort') !== 'ascending';
      for (const other of head.children) other.removeAttribute('aria-sort');
      cell.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
      order.sort((a, b) => compareValues(one.values[a], one.values[b], ascending ? 1 : -1) || a - b);
      fill();
    });
    cell.append(button);
    head.append(cell);
  });
  const headGroup = document.createElement('thead');
  headGroup.append(head);
  element.append(headGroup, body);
  box.append(element);
  fill();
  if (shown < table.length) {
    const more = document.createElement('button');
    more.type = 'button';
    more.textContent = `Show all ${table.length} rows`;
    more.addEventListener('click', () => {
      shown = table.length;
      fill();
      more.remove();
    });
    box.append(more);
  }
  return box;
}
