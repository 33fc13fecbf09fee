// From what Prometheus answered to what Grafana's components draw, as its Prometheus data source and its panels do it.
import {
  DataFrame,
  Field,
  FieldColorModeId,
  FieldConfig,
  FieldType,
  getDisplayProcessor,
  GrafanaTheme2,
  toDataFrame,
} from '@grafana/data';
import type { Override, Panel, Result, Series, Target } from './types';

// The name of a series: the legend with its labels filled in; without a legend the raw labels, as Grafana shows them.
export function seriesName(legend: string, labels: Record<string, string>): string {
  if (legend) return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '');
  const shown = Object.entries(labels).filter(([label]) => label !== '__name__');
  return `${labels.__name__ ?? ''}{${shown.map(([label, value]) => `${label}="${value}"`).join(', ')}}`;
}

export function toFrames(panel: Panel, results: Result[], theme: GrafanaTheme2): DataFrame[] {
  const frames = results.flatMap(({ target, series }) => {
    const shown = target.format === 'heatmap' ? notCumulative(series) : series;
    return panel.type === 'table' ? [tableFrame(target, shown)] : shown.map((one) => seriesFrame(panel, target, one));
  });
  return panel.type === 'table' ? frames : withConfig(frames, panel, theme);
}

export function withConfig(frames: DataFrame[], panel: Panel, theme: GrafanaTheme2): DataFrame[] {
  let number = 0;
  for (const frame of frames) {
    for (const field of frame.fields) {
      const name = field.config.displayName ?? field.name;
      const { displayName } = field.config;
      field.config = configure(panel, name, { displayName });
      if (field.type === FieldType.number) {
        const values = field.values.filter((value) => Number.isFinite(value));
        const min = values.length ? Math.min(...values) : 0;
        const max = values.length ? Math.max(...values) : 0;
        field.state = { ...field.state, displayName: name, seriesIndex: number++, range: { min, max, delta: max - min } };
      }
      field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
    }
  }
  return frames;
}

function configure(panel: Panel, name: string, own: FieldConfig): FieldConfig {
  const config: any = structuredClone({ color: { mode: FieldColorModeId.Thresholds }, ...panel.fieldConfig.defaults, ...own });
  for (const override of panel.fieldConfig.overrides.filter((one) => applies(one, name))) {
    for (const { id, value } of override.properties) {
      if (id.startsWith('custom.')) config.custom = { ...config.custom, [id.slice('custom.'.length)]: value };
      else config[id] = value;
    }
  }
  return config;
}

function applies({ matcher }: Override, name: string): boolean {
  if (matcher.id === 'byName') return matcher.options === name;
  if (matcher.id === 'byRegexp') return new RegExp(matcher.options.slice(1, -1)).test(name);
  throw new Error(`override by ${matcher.id}: not known to the preview`);
}

function points(series: Series): Array<[number, string]> {
  return series.values ?? [series.value!];
}

function seriesFrame(panel: Panel, target: Target, series: Series): DataFrame {
  const name = seriesName(target.legendFormat, series.metric);
  const time = { name: 'Time', type: FieldType.time, values: points(series).map(([at]) => at * 1000), config: {} };
  const parsed = points(series).map(([, value]) => parseFloat(value));
  // Graphs have gaps where there is no number.
  const numbers = panel.type === 'timeseries' ? parsed.map((one) => (Number.isFinite(one) ? one : null)) : parsed;
  const value = { name: 'Value', type: FieldType.number, labels: series.metric, values: numbers, config: { displayName: name } };
  return toDataFrame({ name, refId: target.refId, fields: [time, value] });
}

function tableFrame(target: Target, series: Series[]): DataFrame {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.metric)))].sort();
  const last = series.map((one) => points(one).at(-1)!);
  const fields: Array<Partial<Field>> = [{ name: 'Time', type: FieldType.time, values: last.map(([at]) => at * 1000), config: {} }];
  for (const label of labels) {
    fields.push({ name: label, type: FieldType.string, values: series.map((one) => one.metric[label] ?? ''), config: {} });
  }
  fields.push({ name: `Value #${target.refId}`, type: FieldType.number, values: last.map(([, value]) => parseFloat(value)), config: {} });
  return toDataFrame({ refId: target.refId, fields: fields as Field[] });
}

// The Prometheus data source takes the bucket below from each bucket of format=heatmap.
function notCumulative(series: Series[]): Series[] {
  const bound = (one: Series) => (one.metric.le === '+Inf' ? Infinity : parseFloat(one.metric.le));
  const sorted = [...series].sort((a, b) => bound(a) - bound(b));
  return sorted.map((one, number) => {
    const below = number ? points(sorted[number - 1]) : [];
    const values = points(one).map(([at, value], place): [number, string] => {
      const less = below[place] ? parseFloat(below[place][1]) : 0;
      return [at, String(parseFloat(value) - less)];
    });
    return { metric: one.metric, values };
  });
}
