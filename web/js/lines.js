// Lines: a curve a name with the band of its interval, small multiples by a column.
'use strict';

/** A polygon between the bounds of the interval. */
function bandSeries(name, points, panel, colour) {
  return {
    type: 'custom', name, xAxisIndex: panel, yAxisIndex: panel, silent: true, clip: true, z: 1,
    data: [0], itemStyle: {color: colour}, tooltip: {show: false},
    renderItem: (params, api) => {
      const upper = points.map((p) => api.coord([p.x, p.hi]));
      const lower = points.map((p) => api.coord([p.x, p.lo])).reverse();
      return {type: 'polygon', shape: {points: [...upper, ...lower]},
              style: {fill: colour, opacity: 0.18}};
    },
  };
}

/** A tick at the left edge: the value without faults. */
function cleanSeries(name, value, panel, colour) {
  return {
    type: 'custom', name, xAxisIndex: panel, yAxisIndex: panel, silent: true, clip: false, z: 4,
    data: [0], itemStyle: {color: colour}, tooltip: {show: false},
    renderItem: (params, api) => {
      const x = params.coordSys.x, y = api.coord([0, value])[1];
      return {type: 'line', shape: {x1: x, y1: y, x2: x + 9, y2: y},
              style: {stroke: colour, lineWidth: 3}};
    },
  };
}

function lineSeries(name, points, panel, look) {
  return {
    type: 'line', name, xAxisIndex: panel, yAxisIndex: panel, z: 3,
    data: points.map((p) => ({value: [p.x, p.y], row: p.row})),
    symbol: look.symbol, symbolSize: 7, showSymbol: points.length <= 30, color: look.colour,
    itemStyle: {color: look.colour}, lineStyle: {color: look.colour, type: look.dash, width: 2},
  };
}

/** A line at 0 that no legend can hide. */
function zeroSeries(panel, theme) {
  return {
    type: 'line', xAxisIndex: panel, yAxisIndex: panel, data: [], silent: true,
    markLine: {silent: true, symbol: 'none', label: {show: false}, data: [{yAxis: 0}],
               lineStyle: {color: theme.text, type: 'solid', width: 1}},
  };
}

/** "sparse-saq 68.10 [67.90, 68.30]": one row of the table. */
function pointText(figure, row) {
  const {y, lo, hi} = figure.options;
  const value = (name) => {
    const found = figure.table.columns.find((one) => one.name === name);
    return formatValue(found.values[row], found.digits);
  };
  return value(y) + (lo ? ` [${value(lo)}, ${value(hi)}]` : '');
}

function linesTooltip(figure, xName, xLog) {
  return (params) => {
    const lines = params.filter((one) => one.seriesType === 'line' && one.data);
    if (lines.length === 0) return '';
    lines.sort((a, b) => b.value[1] - a.value[1]);
    const x = xLog ? logLabel(lines[0].value[0]) : formatValue(lines[0].value[0]);
    return `${escapeHtml(xName)} ${x}<br>` + lines.slice(0, 16).map((one) =>
      `${one.marker}${escapeHtml(one.seriesName)} <b>${pointText(figure, one.data.row)}</b>`)
      .join('<br>');
  };
}

/** The points of one line in the order of x. */
function linePoints(figure, rows, xLog) {
  const o = figure.options, table = figure.table;
  const xs = column(table, o.x), ys = column(table, o.y);
  const los = o.lo && column(table, o.lo), his = o.hi && column(table, o.hi);
  return rows.filter((row) => xs[row] !== null && (!xLog || xs[row] > 0)).map((row) => ({
    row, x: xLog ? Math.log10(xs[row]) : xs[row], y: ys[row],
    lo: los ? los[row] : null, hi: his ? his[row] : null,
  })).sort((a, b) => a.x - b.x);
}

function addLine(figure, name, rows, panel, theme, series) {
  const o = figure.options;
  const look = lineStyle(o.series, name, theme);
  const points = linePoints(figure, rows, o.x_log);
  series.push(lineSeries(name, points, panel, look));  // first: the legend shows its dash and symbol
  const bounded = points.filter((p) => typeof p.lo === 'number' && typeof p.hi === 'number');
  if (bounded.length > 1) series.push(bandSeries(name, bounded, panel, look.colour));
  if (o.clean) {
    series.push(cleanSeries(name, column(figure.table, o.clean)[rows[0]], panel, look.colour));
  }
}

/** {option, height} of a figure of lines. env: {width, theme, hidden, choice}. */
function linesOption(figure, env) {
  const o = figure.options, table = figure.table, theme = env.theme;
  const rows = chosenRows(table, env.choice);
  const names = column(table, o.series);
  const {panels, across} = makePanels(figure, rows);
  const of = (name) => rows.map((row) => column(table, name)[row]);
  const xs = of(o.x);
  const bounds = [o.y, o.lo, o.hi, o.clean].filter(Boolean).flatMap(of).concat(o.zero ? [0] : []);
  const legend = legendOption(distinct(of(o.series)), env.hidden, env.width, theme);
  const layout = layoutPanels(panels.length, across, env.width, legend.height,
                              panels.some((panel) => panel.title));
  const x = {range: axisRange(xs, o.x_log, {tight: true}), name: o.x_name, log: o.x_log};
  const y = {range: axisRange(bounds, false, {max: o.y_max}), name: o.y_name};
  const series = [];
  panels.forEach((panel, i) => {
    if (o.zero) series.push(zeroSeries(i, theme));
    for (const name of distinct(panel.rows.map((row) => names[row]))) {
      addLine(figure, name, panel.rows.filter((row) => names[row] === name), i, theme, series);
    }
  });
  const base = baseOption(theme);
  return {
    height: layout.height,
    option: {
      ...base, ...panelFrame(panels, layout, x, y, theme), legend: legend.option, series,
      tooltip: {...base.tooltip, trigger: 'axis', formatter: linesTooltip(figure, o.x_name, o.x_log),
                axisPointer: {lineStyle: {color: theme.faint}}},
    },
  };
}
