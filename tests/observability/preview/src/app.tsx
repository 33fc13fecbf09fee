// A page with one dashboard. It reads window.VIEW, draws it, and leaves what it has shown in window.SHOWN.
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import 'uplot/dist/uPlot.min.css';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { lastValueFrom, of } from 'rxjs';
import {
  createTheme,
  DataFrame,
  FieldType,
  getValueFormats,
  standardTransformers,
  standardTransformersRegistry,
  ThemeContext,
  transformDataFrame,
} from '@grafana/data';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import { toFrames, withConfig } from './frames';
import { Body } from './panels';
import type { Panel, Shown, View } from './types';

const WIDTH = 1440;
const CELL = 38; // 30 pixels of a grid unit and the gap of 8 below it, as Grafana's grid
const HEAD = 52;

const theme = createTheme({ colors: { mode: 'dark' } });
const units = new Set(getValueFormats().flatMap((group) => (group.submenu ?? []).map((unit) => unit.value)));

standardTransformersRegistry.setInit(() =>
  [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation,
    editor: () => null,
    imageDark: '',
    imageLight: '',
  }))
);

async function frames(panel: Panel): Promise<DataFrame[]> {
  const found = toFrames(panel, panel.results, theme);
  if (!panel.transformations?.length) return found;
  return withConfig(await lastValueFrom(transformDataFrame(panel.transformations, found)), panel, theme);
}

function problems(panel: Panel, drawn: DataFrame[], names: string[]): string[] {
  const found = panel.results.filter(({ error }) => error).map(({ target, error }) => `query ${target.refId}: ${error}`);
  for (const { target, series, error } of panel.results) if (!error && !series.length) found.push(`query ${target.refId}: no data`);
  const { unit } = panel.fieldConfig.defaults;
  if (!units.has(unit)) found.push(`unit ${unit}: Grafana has none of that name`);
  if (!drawn.some((frame) => frame.fields.some((field) => field.type === FieldType.number && field.values.some(Number.isFinite))))
    found.push('no number');
  for (const name of names) if (!name.trim() || /[{}="]|undefined|^Value( #|$)/.test(name)) found.push(`series "${name}": a name of raw labels, or none`);
  if (new Set(names).size < names.length) found.push('two series have one name');
  return found;
}

function namesOf(panel: Panel, drawn: DataFrame[]): string[] {
  if (panel.type === 'table') return drawn.flatMap((frame) => frame.fields.map((field) => field.config.displayName ?? field.name));
  return drawn.map((frame) => frame.fields[1].config.displayName ?? '');
}

class Boundary extends React.Component<{ of: Shown; children: React.ReactNode }, { error?: Error }> {
  state: { error?: Error } = {};
  static getDerivedStateFromError = (error: Error) => ({ error });
  componentDidCatch(error: Error) {
    this.props.of.problems.push(String(error));
  }
  render() {
    return this.state.error ? <pre>{String(this.state.error)}</pre> : this.props.children;
  }
}

function place({ gridPos: { x, y, w, h } }: Panel) {
  const column = (WIDTH - 16) / 24;
  return { left: 8 + x * column, top: HEAD + y * CELL, width: w * column - 8, height: h * CELL - 8 };
}

type DrawnProps = { panel: Panel; data: DataFrame[]; report: Shown; view: View };

function Drawn({ panel, data, report, view }: DrawnProps) {
  const { left, top, width, height } = place(panel);
  if (panel.type === 'row')
    return <div style={{ position: 'absolute', left: left + 4, top: top + 6, fontWeight: 500, fontSize: 16 }}>{`⌄  ${panel.title}`}</div>;
  return (
    <div style={{ position: 'absolute', left, top }}>
      <PanelChrome title={panel.title} width={width} height={height}>
        {(innerWidth, innerHeight) => (
          <Boundary of={report}>
            {data.length ? (
              <Body panel={panel} frames={data} view={view} theme={theme} width={innerWidth} height={innerHeight} />
            ) : (
              <div style={{ textAlign: 'center', paddingTop: innerHeight / 2 - 10 }}>No data</div>
            )}
          </Boundary>
        )}
      </PanelChrome>
    </div>
  );
}

function Heading({ view }: { view: View }) {
  const { background, border, text } = theme.colors;
  const box = { border: `1px solid ${border.medium}`, borderRadius: 2, padding: '4px 8px', marginLeft: 8, background: background.primary };
  return (
    <div style={{ display: 'flex', alignItems: 'center', height: HEAD, padding: '0 12px', fontSize: 13 }}>
      <div style={{ fontSize: 18, fontWeight: 500, flexGrow: 1 }}>{view.title}</div>
      {view.variables.map(({ label, value }) => (
        <div key={label} style={box}>
          <span style={{ color: text.secondary }}>{label} </span>
          {value}
        </div>
      ))}
    </div>
  );
}

async function prepare(panel: Panel) {
  const data = panel.type === 'row' ? [] : await frames(panel);
  const names = namesOf(panel, data);
  const report: Shown = { id: panel.id, title: panel.title, names, problems: panel.type === 'row' ? [] : problems(panel, data, names) };
  return { panel, data, report };
}

async function main() {
  const view: View = (window as any).VIEW;
  const drawn = await Promise.all(view.panels.map(prepare));
  const style = { position: 'relative' as const, width: WIDTH, height: HEAD + view.height * CELL, background: theme.colors.background.canvas };
  const page = (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div id="dashboard" style={{ ...style, color: theme.colors.text.primary, fontFamily: theme.typography.fontFamily }}>
        <Heading view={view} />
        {drawn.map((one) => (
          <Drawn key={one.panel.id} {...one} view={view} />
        ))}
      </div>
    </ThemeContext.Provider>
  );
  createRoot(document.getElementById('root')!).render(page);
  await document.fonts.ready;
  (window as any).SHOWN = drawn.filter(({ panel }) => panel.type !== 'row').map(({ report }) => report);
}

main().catch((error) => ((window as any).FAILED = String(error.stack ?? error)));
