// What a dashboard of ours may be: Grafana's own types, narrowed to the kinds of panels that we use, so that a misspelled option is an error.
//
// The package exports its types of single panels by no name, so they are reached by their path. Its enums are TypeScript's; a file has the plain
// strings, which `Plain` makes of them. Options are partial, because Grafana fills in what a file leaves out.
import type { Dashboard } from './node_modules/@grafana/schema/dist/types/veneer/dashboard.types';
import type * as raw from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import type * as timeseries from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
import type * as stat from './node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import type * as gauge from './node_modules/@grafana/schema/dist/types/raw/composable/gauge/panelcfg/x/types.gen';
import type * as bargauge from './node_modules/@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen';
import type * as table from './node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';

type Plain<T> = T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> }
  : T;

// One question to Prometheus; its type is part of the data source and in no package.
interface Target {
  refId: string;
  datasource: { type: 'prometheus'; uid: '${datasource}' };
  editorMode: 'code';
  expr: string;
  legendFormat: string;
  instant: boolean;
  range: boolean;
  format?: 'table';
  interval?: '1m';
}

type Defaults<Custom> = Omit<raw.FieldConfig, 'custom'> & { custom?: Custom };

interface PanelOf<Kind extends string, Options, Custom = never>
  extends Omit<raw.Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'id' | 'title' | 'description'> {
  type: Kind;
  id: number;
  title: string;
  description: string;
  targets: Target[];
  options: Partial<Options>;
  fieldConfig: { defaults: Defaults<Custom>; overrides: raw.FieldConfigSource['overrides'] };
}

type Panel =
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | PanelOf<'stat', stat.Options>
  | PanelOf<'gauge', gauge.Options>
  | PanelOf<'bargauge', bargauge.Options>
  | PanelOf<'table', table.Options, Partial<table.FieldConfig>>
  | (Omit<raw.RowPanel, 'panels'> & { panels: [] });

// The annotation of Prometheus, and the fields of old that Grafana itself still writes.
interface Annotation {
  name: string;
  datasource: Target['datasource'];
  enable: boolean;
  iconColor: string;
  expr: string;
  step: string;
  titleFormat: string;
  textFormat: string;
}

export type File = Plain<
  Omit<Dashboard, 'panels' | 'annotations'> & {
    uid: string;
    title: string;
    schemaVersion: 39;
    panels: Panel[];
    annotations: { list: Annotation[] };
  }
>;
