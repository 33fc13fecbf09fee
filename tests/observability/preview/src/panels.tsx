// The bodies of panels, drawn by Grafana's components with the options that its own panels give them.
import React from 'react';
import { DataFrame, dateTime, FieldType, GrafanaTheme2, reduceField, ReducerID, TimeRange, VizOrientation } from '@grafana/data';
import { BarGaugeDisplayMode, BarGaugeValueMode, LegendDisplayMode } from '@grafana/schema';
import { BarGauge, BigValue, BigValueColorMode, BigValueGraphMode, BigValueJustifyMode, BigValueTextMode, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import type { Panel, View } from './types';

export type BodyProps = { panel: Panel; frames: DataFrame[]; view: View; theme: GrafanaTheme2; width: number; height: number };

export function Body(props: BodyProps) {
  const draw = BODIES[props.panel.type];
  if (!draw) throw new Error(`panels of type ${props.panel.type}: not known to the preview`);
  return draw(props);
}

const BODIES: Record<string, (props: BodyProps) => React.ReactElement> = {
  timeseries: graph,
  stat: (props) => values(props, bigValue),
  bargauge: (props) => values(props, bar),
  table: ({ frames, width, height }) => <TableNG data={frames[0]} width={width} height={height} />,
};

function graph({ panel, frames, view, theme, width, height }: BodyProps) {
  const { legend } = panel.options;
  const range: TimeRange = { from: dateTime(view.from), to: dateTime(view.to), raw: { from: 'now-1h', to: 'now' } };
  return (
    <TimeSeries
      frames={frames}
      structureRev={1}
      timeRange={range}
      timeZone="utc"
      width={width}
      height={height}
      legend={{ ...legend, displayMode: legend.displayMode as LegendDisplayMode }}
      theme={theme}
      options={{}}
      tweakScale={(scale) => scale}
      tweakAxis={(axis) => axis}
      replaceVariables={(text) => text}
    />
  );
}

type Value = { frame: DataFrame; last: any };

function values(props: BodyProps, draw: (props: BodyProps, value: Value, size: { width: number; height: number; count: number }) => React.ReactElement) {
  const found = props.frames.map((frame): Value => {
    const field = frame.fields.find((one) => one.type === FieldType.number)!;
    const [calc] = props.panel.options.reduceOptions.calcs;
    const reduced = reduceField({ field, reducers: [calc] })[calc];
    const title = props.frames.length > 1 ? field.config.displayName : undefined;
    return { frame, last: { ...field.display!(reduced), title } };
  });
  return (
    <VizRepeater
      source={found}
      getValues={() => found}
      renderCounter={0}
      width={props.width}
      height={props.height}
      minVizHeight={16}
      itemSpacing={6}
      orientation={props.panel.type === 'bargauge' ? VizOrientation.Horizontal : VizOrientation.Auto}
      renderValue={({ value, width, height, count }) => draw(props, value, { width, height, count })}
    />
  );
}

function bigValue({ theme }: BodyProps, { frame, last }: Value, { width, height, count }: { width: number; height: number; count: number }) {
  const [time, value] = frame.fields;
  return (
    <BigValue
      value={last}
      sparkline={frame.length > 1 ? { x: time, y: value } : undefined}
      width={width}
      height={height}
      count={count}
      theme={theme}
      colorMode={BigValueColorMode.Value}
      graphMode={BigValueGraphMode.Area}
      justifyMode={BigValueJustifyMode.Auto}
      textMode={BigValueTextMode.Auto}
    />
  );
}

function bar({ theme, frames }: BodyProps, { frame, last }: Value, { width, height }: { width: number; height: number }) {
  const field = frame.fields[1];
  // All bars of a panel share their scale.
  const reach = Math.max(...frames.map((one) => reduceField({ field: one.fields[1], reducers: [ReducerID.lastNotNull] }).lastNotNull), 0);
  return (
    <BarGauge
      value={last}
      field={{ ...field.config, min: field.config.min ?? 0, max: field.config.max ?? reach }}
      display={field.display}
      width={width}
      height={height}
      theme={theme}
      orientation={VizOrientation.Horizontal}
      displayMode={BarGaugeDisplayMode.Gradient}
      valueDisplayMode={BarGaugeValueMode.Color}
      alignmentFactors={{ title: longest(frames), text: last.text }}
      showUnfilled
      isOverflow={false}
    />
  );
}

function longest(frames: DataFrame[]): string {
  return frames.map((frame) => frame.fields[1].config.displayName ?? '').reduce((a, b) => (b.length > a.length ? b : a), '');
}
