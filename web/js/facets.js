// Facets: small multiples. Panels side by side with shared axes, as many as the width allows.
'use strict';

const KIND_TITLES = {
  flip: 'flipped bits', stuck0: 'bits stuck at 0', stuck1: 'bits stuck at 1',
  stuck: 'bits stuck at 0 or 1',
};

/** Panels of the rows: one a value of the facet's column, times one a value of the side's. */
function makePanels(figure, rows) {
  const {facet, side} = figure.options;
  const facets = facet ? column(figure.table, facet) : null;
  const sides = side ? column(figure.table, side) : null;
  const panels = new Map();
  const facetOrder = facets ? distinct(rows.map((row) => facets[row])) : [''];
  const sideOrder = sides ? distinct(rows.map((row) => sides[row])) : [''];
  for (const f of facetOrder) {
    for (const s of sideOrder) {
      const title = [s, KIND_TITLES[f] || f].filter(Boolean).join(': ');
      panels.set(JSON.stringify([f, s]), {title, rows: []});
    }
  }
  for (const row of rows) {
    const key = JSON.stringify([facets ? facets[row] : '', sides ? sides[row] : '']);
    panels.get(key).rows.push(row);
  }
  return {panels: [...panels.values()], across: sides ? sideOrder.length : 3};
}

/** Where the panels lie: {grids: [{left, top, width, height}], height}. */
function layoutPanels(count, across, width, top, titled) {
  const left = 64, right = 14, head = titled ? 28 : 12, foot = 48;
  const columns = Math.max(1, Math.min(count, across, Math.floor(width / 300)));
  const each = width / columns;
  const plot = Math.max(170, Math.min(280, 0.75 * (each - left - right)));
  const grids = [];
  for (let i = 0; i < count; i++) {
    grids.push({
      left: each * (i % columns) + left,
      top: top + Math.floor(i / columns) * (head + plot + foot) + head,
      width: each - left - right,
      height: plot,
    });
  }
  return {grids, height: top + Math.ceil(count / columns) * (head + plot + foot)};
}

/** 1, 2 and 5 times powers of ten as exponents; powers alone where the range is wide. */
function logTicks(low, high) {
  const ticks = [];
  const digits = high - low > 3 ? [1] : [1, 2, 5];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const digit of digits) {
      const tick = power + Math.log10(digit);
      if (tick >= low - 1e-9 && tick <= high + 1e-9) ticks.push(tick);
    }
  }
  return ticks;
}

function logLabel(exponent) {
  return String(Number((10 ** exponent).toPrecision(3)));
}

/** Axes on a logarithmic scale hold exponents: their ticks then lie where a reader expects them. */
function axisOption(range, name, log, theme, index, vertical) {
  const axis = {
    type: 'value', gridIndex: index, name, nameLocation: 'middle', nameGap: vertical ? 44 : 28,
    min: range.min, max: range.max, interval: range.step,
    nameTextStyle: {color: theme.faint, fontSize: 12},
    axisLine: {show: true, onZero: false, lineStyle: {color: theme.faint}},
    axisTick: {show: true, lineStyle: {color: theme.faint}},
    axisLabel: {color: theme.text, fontSize: 11, hideOverlap: true},
    splitLine: {lineStyle: {color: theme.grid}},
  };
  if (log) {
    const ticks = logTicks(range.min, range.max);
    delete axis.interval;
    axis.axisTick.customValues = ticks;
    axis.axisLabel.customValues = ticks;
    axis.axisLabel.formatter = logLabel;
    axis.splitLine = {show: false};
  } else {
    axis.axisLabel.formatter = (value) => String(Number(value.toPrecision(6)));
  }
  return axis;
}

/** Grids, axes and headings of the panels. `x`: of all of them, or a list, one a panel. */
function panelFrame(panels, layout, x, y, theme) {
  const across = panels.map((_, i) => Array.isArray(x) ? x[i] : x);
  return {
    grid: layout.grids.map((grid) => ({...grid, containLabel: false})),
    xAxis: across.map((one, i) => axisOption(one.range, one.name, one.log, theme, i, false)),
    yAxis: panels.map((_, i) => axisOption(y.range, y.name, y.log, theme, i, true)),
    title: panels.map((panel, i) => ({
      text: panel.title,
      left: layout.grids[i].left + layout.grids[i].width / 2,
      top: layout.grids[i].top - 24,
      textAlign: 'center',
      textStyle: {color: theme.text, fontSize: 13, fontWeight: 600, width: layout.grids[i].width,
                  overflow: 'truncate'},
    })),
  };
}

/** The range that an axis needs for these values; exponents where it is logarithmic. */
function axisRange(values, log, fixed) {
  const known = values.filter((v) => typeof v === 'number' && (!log || v > 0))
      .map((v) => log ? Math.log10(v) : v);
  if (known.length === 0) return {min: 0, max: 1, step: 0.5};
  let low = Infinity, high = -Infinity;
  for (const v of known) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (log) {
    const margin = high > low ? 0.03 * (high - low) : 0.3;
    return {min: low - margin, max: high + margin};
  }
  if (fixed.tight) return {min: low, max: high > low ? high : low + 1};
  const range = niceRange(fixed.min ?? low, fixed.max ?? high);
  return {min: fixed.min ?? range.min, max: fixed.max ?? range.max, step: range.step};
}
