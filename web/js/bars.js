// Bars: a bar a name, with its interval where it has one.
'use strict';

function barWhiskers(bounds, theme) {
  return {
    type: 'custom', silent: true, z: 4, tooltip: {show: false},
    data: bounds.map((bound) => bound.at),
    renderItem: (params, api) => {
      const bound = bounds[params.dataIndex];
      const [left, y] = api.coord([bound.lo, bound.at]);
      const right = api.coord([bound.hi, bound.at])[0];
      const style = {stroke: theme.text, lineWidth: 1.3};
      return {type: 'group', children: [
        {type: 'line', shape: {x1: left, y1: y, x2: right, y2: y}, style},
        {type: 'line', shape: {x1: left, y1: y - 4, x2: left, y2: y + 4}, style},
        {type: 'line', shape: {x1: right, y1: y - 4, x2: right, y2: y + 4}, style},
      ]};
    },
  };
}

/** Bars stand in the order of the table, from the top down. */
function barsOption(figure, env) {
  const o = figure.options, table = figure.table, theme = env.theme;
  const rows = chosenRows(table, env.choice);
  const names = rows.map((row) => String(column(table, o.y)[row]));
  const values = rows.map((row) => column(table, o.x)[row]);
  const los = o.lo ? rows.map((row) => column(table, o.lo)[row]) : [];
  const his = o.hi ? rows.map((row) => column(table, o.hi)[row]) : [];
  const range = axisRange([0, ...values, ...los, ...his], false, {min: o.x_min, max: o.x_max});
  const label = Math.min(0.4 * env.width, 20 + Math.max(0, ...names.map((n) => textWidth(n, 12))));
  const bounds = rows.map((_, i) => ({at: i, lo: los[i], hi: his[i]}))
      .filter((b) => typeof b.lo === 'number' && typeof b.hi === 'number');
  const xName = o.choose && o.choose.includes('measure') ? env.choice.measure : o.x_name;
  const base = baseOption(theme);
  const xAxis = axisOption(range, xName, false, theme, 0, false);
  return {
    height: 60 + 26 * Math.max(1, rows.length),
    option: {
      ...base,
      grid: {left: label, right: 24, top: 8, bottom: 48},
      xAxis,
      yAxis: {
        type: 'category', inverse: true, data: names.map((_, i) => i),
        axisLabel: {color: theme.text, fontSize: 12, width: label - 12, overflow: 'truncate',
                    interval: 0, formatter: (i) => names[i]},
        axisLine: {lineStyle: {color: theme.faint}}, axisTick: {show: false},
      },
      series: [
        {type: 'bar', data: values, barMaxWidth: 15, itemStyle: {color: theme.colours[0]}},
        ...(bounds.length ? [barWhiskers(bounds, theme)] : []),
      ],
      tooltip: {...base.tooltip, trigger: 'item', formatter: (one) =>
        `${escapeHtml(names[one.dataIndex])}<br>${escapeHtml(xName)} <b>` +
        `${formatValue(values[one.dataIndex])}</b>` + (typeof los[one.dataIndex] === 'number' ?
          ` [${formatValue(los[one.dataIndex])}, ${formatValue(his[one.dataIndex])}]` : '')},
    },
  };
}
