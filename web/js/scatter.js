// Scatter: a point a row, bars for its interval, small multiples by a column.
'use strict';

/** Vertical bars from lo to hi; an end that is not known lies at the axis's end. */
function whiskers(name, points, panel, colour, range) {
  return {
    type: 'custom', name, xAxisIndex: panel, yAxisIndex: panel, silent: true, clip: true, z: 1,
    data: points.map((p) => [p.x, p.y]), itemStyle: {color: colour}, tooltip: {show: false},
    renderItem: (params, api) => {
      const p = points[params.dataIndex];
      const [x, top] = api.coord([p.x, p.hi ?? range.max]);
      const bottom = api.coord([p.x, p.lo ?? range.min])[1];
      const style = {stroke: colour, lineWidth: 1.2, opacity: 0.7};
      return {type: 'group', children: [
        {type: 'line', shape: {x1: x, y1: top, x2: x, y2: bottom}, style},
        {type: 'line', shape: {x1: x - 4, y1: top, x2: x + 4, y2: top}, style},
        {type: 'line', shape: {x1: x - 4, y1: bottom, x2: x + 4, y2: bottom}, style},
      ]};
    },
  };
}

/** Values over several powers of ten are drawn on a logarithmic axis. */
function wantsLog(values) {
  const known = values.filter((v) => typeof v === 'number');
  if (known.length === 0 || known.some((v) => v <= 0)) return false;
  return Math.max(...known) > 50 * Math.min(...known);
}

function scatterTooltip(figure, o, xLabel) {
  const named = column(figure.table, o.label || o.series);
  return (one) => {
    const row = one.data.row;
    if (row === undefined) return '';
    return `${one.marker}<b>${escapeHtml(named[row])}</b><br>` +
        `${escapeHtml(xLabel)} ${formatValue(column(figure.table, o.x)[row])}<br>` +
        `${escapeHtml(o.y_name)} ${pointText(figure, row)}`;
  };
}

function scatterOption(figure, env) {
  const o = figure.options, table = figure.table, theme = env.theme;
  const xs = column(table, o.x), ys = column(table, o.y), names = column(table, o.series);
  const rows = chosenRows(table, env.choice)
      .filter((row) => typeof xs[row] === 'number' && typeof ys[row] === 'number');
  const {panels, across} = makePanels(figure, rows);
  const xLog = wantsLog(rows.map((row) => xs[row]));
  const xLabel = o.choose && o.choose.includes('measure') ? env.choice.measure : o.x_name;
  const x = {range: axisRange(rows.map((row) => xs[row]), xLog, {}), name: xLabel, log: xLog};
  const bounds = [o.y, o.lo, o.hi].filter(Boolean)
      .flatMap((name) => rows.map((row) => column(table, name)[row]));
  const y = {range: axisRange(bounds, o.y_log, {}), name: o.y_name, log: o.y_log};
  const legend = legendOption(distinct(rows.map((row) => names[row])), env.hidden, env.width, theme,
                              11);
  const layout = layoutPanels(panels.length, across, env.width, legend.height,
                              panels.some((panel) => panel.title));
  const at = (value, log) => value === null ? null : log ? Math.log10(value) : value;
  const series = [];
  panels.forEach((panel, i) => {
    for (const name of distinct(panel.rows.map((row) => names[row]))) {
      const look = lineStyle(o.series, name, theme);
      const points = panel.rows.filter((row) => names[row] === name).map((row) => ({
        row, x: at(xs[row], xLog), y: at(ys[row], o.y_log),
        lo: o.lo ? at(column(table, o.lo)[row], o.y_log) : null,
        hi: o.hi ? at(column(table, o.hi)[row], o.y_log) : null,
      }));
      series.push({
        type: 'scatter', name, xAxisIndex: i, yAxisIndex: i, symbol: look.symbol, symbolSize: 11,
        z: 3, color: look.colour, itemStyle: {color: look.colour, opacity: 1},
        data: points.map((p) => ({value: [p.x, p.y], row: p.row})),
      });
      if (o.lo) series.push(whiskers(name, points, i, look.colour, y.range));
    }
  });
  const base = baseOption(theme);
  return {
    height: layout.height,
    option: {
      ...base, ...panelFrame(panels, layout, x, y, theme), legend: legend.option, series,
      tooltip: {...base.tooltip, trigger: 'item', formatter: scatterTooltip(figure, o, xLabel)},
    },
  };
}
