// Heat map: tensors down, bit positions across, the most significant bit first.
'use strict';

function heatmapOption(figure, env) {
  const o = figure.options, table = figure.table, theme = env.theme;
  const {value: measure, ...choice} = env.choice;
  const rows = chosenRows(table, choice);
  const shown = table.columns.find((one) => one.name === measure);
  const xs = distinct(rows.map((row) => column(table, o.x)[row])).sort((a, b) => b - a);
  const ys = distinct(rows.map((row) => column(table, o.y)[row]));
  const data = rows.map((row) => ({
    value: [xs.indexOf(column(table, o.x)[row]), ys.indexOf(column(table, o.y)[row]),
            shown.values[row] ?? '-'],
    row,
  }));
  const known = data.map((d) => d.value[2]).filter((v) => typeof v === 'number');
  const low = Math.min(0, ...known), high = Math.max(0, ...known);
  const label = Math.min(0.35 * env.width, 20 + Math.max(0, ...ys.map((n) => textWidth(n, 12))));
  const cell = (env.width - label - 20) / Math.max(1, xs.length);
  const base = baseOption(theme);
  const axis = {splitArea: {show: false}, axisTick: {show: false},
                axisLine: {lineStyle: {color: theme.faint}}};
  return {
    height: 118 + 30 * Math.max(1, ys.length),
    option: {
      ...base,
      grid: {left: label, right: 14, top: 8, bottom: 108},
      xAxis: {...axis, type: 'category', data: xs, name: o.x_name, nameLocation: 'middle',
              nameGap: 28, nameTextStyle: {color: theme.faint}, axisLabel: {color: theme.text}},
      yAxis: {...axis, type: 'category', data: ys.map((_, i) => i), inverse: true,
              axisLabel: {color: theme.text, width: label - 12, overflow: 'truncate', interval: 0,
                          formatter: (i) => ys[i]}},
      visualMap: {
        min: low, max: high > low ? high : low + 1, calculable: false, orient: 'horizontal',
        left: 'center', bottom: 4, itemWidth: 14, itemHeight: Math.min(260, 0.5 * env.width),
        inRange: {color: VIRIDIS}, textStyle: {color: theme.text},
        text: [formatValue(high), `${shown.label}: ${formatValue(low)}`], precision: 6,
      },
      series: [{
        type: 'heatmap', data, itemStyle: {borderColor: theme.ground, borderWidth: 1},
        label: {show: cell > 44, color: '#ffffff', textBorderColor: '#000000', textBorderWidth: 2,
                fontSize: 11, formatter: (one) =>
                  typeof one.value[2] === 'number' ? String(Number(one.value[2].toPrecision(3))) : ''},
      }],
      tooltip: {...base.tooltip, trigger: 'item', formatter: (one) =>
        `${escapeHtml(ys[one.value[1]])}, bit ${xs[one.value[0]]}<br>` +
        table.columns.slice(4).map((c) => `${escapeHtml(c.label)} ` +
          formatValue(c.values[one.data.row], c.digits)).join('<br>')},
    },
  };
}
