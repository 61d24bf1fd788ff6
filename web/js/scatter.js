// Scatter: a point a row, bars for its interval, small multiples by a column, Pareto fronts.
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

/** What lies to the right, a panel each: the same in all, or where the figure says `x_own` each its
 * own, named as the panel is. */
function acrossAxes(figure, panels, rows, env) {
  const o = figure.options, xs = column(figure.table, o.x);
  const axis = (some, name) => {
    const values = some.map((row) => xs[row]), log = wantsLog(values);
    return {range: axisRange(values, log, {}), name, log};
  };
  if (o.x_own) return panels.map((panel) => axis(panel.rows, panel.title));
  const shared = axis(rows, o.choose && o.choose.includes('measure') ? env.choice.measure : o.x_name);
  return panels.map(() => shared);
}

function scatterTooltip(figure, axes) {
  const o = figure.options;
  const named = column(figure.table, o.label || o.series);
  const standing = o.standing && column(figure.table, o.standing);
  return (one) => {
    const {row, panel} = one.data;
    if (row === undefined) return '';
    return `${one.marker}<b>${escapeHtml(named[row])}</b><br>` +
        `${escapeHtml(axes[panel].name)} ${formatValue(column(figure.table, o.x)[row])}<br>` +
        `${escapeHtml(o.y_name)} ${pointText(figure, row)}` +
        (standing ? `<br>${escapeHtml(standing[row])}` : '');
  };
}

const ON_FRONT = 'on the front';

/** The edge of what a Pareto front beats: a stair that no legend can hide. */
function frontSeries(figure, points, panel, theme) {
  const {standing, better} = figure.options;
  const onFront = points.filter((p) => column(figure.table, standing)[p.row] === ON_FRONT);
  const lower = points.length > 0 && column(figure.table, better)[points[0].row] === 'lower';
  return {
    type: 'line', xAxisIndex: panel, yAxisIndex: panel, z: 2, silent: true, symbol: 'none',
    step: lower ? 'end' : 'start', tooltip: {show: false},
    data: onFront.map((p) => [p.x, p.y]).sort((a, b) => a[0] - b[0]),
    lineStyle: {color: theme.faint, width: 1.5, type: 'dashed'},
  };
}

/** Marks and bars of the rows of a panel, a series a name; what others beat is pale. */
function panelSeries(figure, points, panel, range, theme) {
  const o = figure.options, names = column(figure.table, o.series);
  const standing = o.standing && column(figure.table, o.standing);
  const opacity = (row) => standing && standing[row] !== ON_FRONT ? 0.4 : 1;
  const series = [];
  for (const name of distinct(points.map((p) => names[p.row]))) {
    const look = lineStyle(o.series, name, theme);
    const own = points.filter((p) => names[p.row] === name);
    series.push({
      type: 'scatter', name, xAxisIndex: panel, yAxisIndex: panel, symbol: look.symbol,
      symbolSize: 11, z: 3, color: look.colour, itemStyle: {color: look.colour, opacity: 1},
      data: own.map((p) => ({value: [p.x, p.y], row: p.row, panel,
                             itemStyle: {color: look.colour, opacity: opacity(p.row)}})),
    });
    if (o.lo) series.push(whiskers(name, own, panel, look.colour, range));
  }
  if (standing) series.push(frontSeries(figure, points, panel, theme));
  return series;
}

function scatterOption(figure, env) {
  const o = figure.options, table = figure.table, theme = env.theme;
  const xs = column(table, o.x), ys = column(table, o.y), names = column(table, o.series);
  const rows = chosenRows(table, env.choice)
      .filter((row) => typeof xs[row] === 'number' && typeof ys[row] === 'number');
  const {panels, across} = makePanels(figure, rows);
  const axes = acrossAxes(figure, panels, rows, env);
  if (o.x_own) panels.forEach((panel) => { panel.title = ''; });  // the axis says it
  const bounds = [o.y, o.lo, o.hi].filter(Boolean)
      .flatMap((name) => rows.map((row) => column(table, name)[row]));
  const y = {range: axisRange(bounds, o.y_log, {}), name: o.y_name, log: o.y_log};
  const legend = legendOption(distinct(rows.map((row) => names[row])), env.hidden, env.width, theme,
                              11);
  const layout = layoutPanels(panels.length, across, env.width, legend.height,
                              panels.some((panel) => panel.title));
  const at = (value, log) => value === null ? null : log ? Math.log10(value) : value;
  const series = panels.flatMap((panel, i) => panelSeries(figure, panel.rows.map((row) => ({
    row, x: at(xs[row], axes[i].log), y: at(ys[row], o.y_log),
    lo: o.lo ? at(column(table, o.lo)[row], o.y_log) : null,
    hi: o.hi ? at(column(table, o.hi)[row], o.y_log) : null,
  })), i, y.range, theme));
  const base = baseOption(theme);
  return {
    height: layout.height,
    option: {
      ...base, ...panelFrame(panels, layout, axes, y, theme), legend: legend.option, series,
      tooltip: {...base.tooltip, trigger: 'item', formatter: scatterTooltip(figure, axes)},
    },
  };
}
