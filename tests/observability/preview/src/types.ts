// The part of a dashboard's JSON that the preview reads, and what Prometheus answered.
export type Series = { metric: Record<string, string>; values?: Array<[number, string]>; value?: [number, string] };
export type Target = { refId: string; expr: string; legendFormat: string; format: string; instant: boolean };
export type Result = { target: Target; series: Series[]; error?: string };
export type Override = { matcher: { id: string; options: string }; properties: Array<{ id: string; value: any }> };
export type Panel = {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: { defaults: any; overrides: Override[] };
  options: any;
  transformations?: any[];
  results: Result[];
};
export type View = {
  title: string;
  variables: Array<{ label: string; value: string }>;
  from: number;
  to: number;
  panels: Panel[];
  height: number;
};
export type Shown = { id: number; title: string; names: string[]; problems: string[] };
